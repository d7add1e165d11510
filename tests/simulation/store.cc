#include "tests/simulation/store.h"

#include <algorithm>
#include <chrono>

namespace xebec::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t octets_waiting_max = 64 << 10;  // then new tasks are refused
constexpr std::uint64_t octets_waiting_busy = 16 << 10;

}  // namespace

void Store::open(const broker::journal::Replay& replay) {
    journal_ = std::make_unique<broker::journal::Journal>(
        machine_.disk,
        broker::journal::Options{.folder = "/data/journal",
                                 .segment_octets = machine_.options.segment_octets,
                                 .seed = dice_.number(),
                                 .writer = {.flush_every = machine_.options.flush_every}},
        replay);
    owner_.emplace(*journal_,
                   broker::journal::Owner::Options{.octets_waiting_max = octets_waiting_max,
                                                   .octets_waiting_busy = octets_waiting_busy});
    journal_->on_work = [this] { want_work(schedule_.now()); };
    journal_->on_reads = [this] { host_.later(next_length(), [this] { work_reads(); }); };
    noticed_ = journal_->durable_position();
    want_work(schedule_.now());
}

broker::Position Store::append(std::span<const broker::Record> records) {
    if (!journal_) {
        return memory_.append(records);
    }
    const broker::Position first = journal_->append(records);
    journal_->write();
    return first;
}

std::span<const broker::Places> Store::places() const {
    return journal_ ? journal_->places() : std::span<const broker::Places>{};
}

broker::Position Store::durable_position() const {
    return journal_ ? noticed_ : memory_.durable_position();
}

broker::Position Store::end() const {
    return journal_ ? journal_->end() : memory_.durable_position();
}

// ---- the disk's side ----

// Not before `at`; while it works it will look for more by itself.
void Store::want_work(Instant at) {
    if (is_working_ || (works_at_ && *works_at_ <= at)) {
        return;
    }
    works_at_ = at;
    host_.later(at - schedule_.now(), [this, at] {
        if (works_at_ == at) {
            works_at_.reset();
            begin_work();
        }
    });
}

void Store::begin_work() {
    if (is_working_) {
        return;
    }
    is_working_ = true;
    host_.later(next_length(), [this] {
        is_working_ = false;
        work();
    });
}

void Store::work() {
    std::optional<Instant> next;
    try {
        next = journal_->work(schedule_.now());
    } catch (const testing::Killed&) {
        host_.is_killed();
        return;
    }
    // The program's loop is busy with something else for a moment.
    const broker::Position durable = journal_->durable_position();
    host_.later(dice_.between(1us, 200us), [this, durable] {
        noticed_ = std::max(noticed_, durable);
        host_.has_news();
    });
    if (next) {
        want_work(std::max(*next, schedule_.now()));
    }
}

void Store::work_reads() {
    try {
        journal_->work_reads();
    } catch (const testing::Killed&) {
        host_.is_killed();
        return;
    }
    host_.has_news();
}

Duration Store::next_length() {
    const DiskTimes& times = machine_.disk_times;
    if (dice_.happens(times.very_slow)) {
        return dice_.between(1s, 30s);
    }
    return dice_.happens(times.slow) ? dice_.between(50ms, 1s)
                                     : dice_.between(times.least, times.most);
}

}  // namespace xebec::simulation

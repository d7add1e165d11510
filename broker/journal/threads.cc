#include "broker/journal/threads.h"

#include "runtime/clock.h"

#include <tuple>

namespace xebec::broker::journal {

namespace {

constexpr Duration retry_reads_after = std::chrono::milliseconds{100};

// What the owner wants to hear of when it changes.
auto signs_of(const Journal& journal) {
    return std::tuple(journal.is_disk_full(), journal.has_failed(), journal.is_closed());
}

}  // namespace

Threads::Threads(Journal& journal)
    : journal_(journal), writer_([this] { write(); }), reader_([this] { read(); }) {
    journal_.on_work = [this] { write_bell_.ring(); };
    journal_.on_reads = [this] { read_bell_.ring(); };
}

Threads::~Threads() {
    write_bell_.stop();
    read_bell_.stop();
    writer_.join();
    reader_.join();
    journal_.on_work = [] {};
    journal_.on_reads = [] {};
}

void Threads::write() {
    while (!write_bell_.is_stopped()) {
        const Instant now = runtime::now().steady;
        const auto before = signs_of(journal_);
        const Position durable_before = journal_.durable_position();
        const auto next = journal_.work(now);
        const bool is_more_durable = journal_.durable_position() != durable_before;
        if (signs_of(journal_) != before || (is_more_durable && journal_.is_awaited())) {
            wakeup_.signal();
        }
        if (!(next && *next <= now) && !write_bell_.wait(next)) {
            return;
        }
    }
}

void Threads::read() {
    while (!read_bell_.is_stopped()) {
        if (journal_.work_reads()) {
            wakeup_.signal();
        } else {
            const auto retry_at = journal_.must_retry_reads()
                                      ? std::optional(runtime::now().steady + retry_reads_after)
                                      : std::nullopt;
            if (!read_bell_.wait(retry_at)) {
                return;
            }
        }
    }
}

void Threads::Bell::ring() {
    {
        const std::lock_guard lock(mutex_);
        is_rung_ = true;
    }
    condition_.notify_one();
}

void Threads::Bell::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopped_ = true;
    }
    condition_.notify_one();
}

bool Threads::Bell::is_stopped() {
    const std::lock_guard lock(mutex_);
    return is_stopped_;
}

bool Threads::Bell::wait(std::optional<Instant> deadline) {
    std::unique_lock lock(mutex_);
    const auto has_news = [this] { return is_rung_ || is_stopped_; };
    if (deadline) {
        condition_.wait_for(lock, *deadline - runtime::now().steady, has_news);
    } else {
        condition_.wait(lock, has_news);
    }
    is_rung_ = false;
    return !is_stopped_;
}

}  // namespace xebec::broker::journal

#include "client/submitter.h"

#include "client/convert.h"
#include "protocol/errors.h"
#include "runtime/random.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace xebec::client {

namespace {

constexpr std::size_t item_octets = 128;             // of a body, beside names and payload
constexpr std::size_t message_octets_aim = 4 << 20;  // many of these are in memory at a time
constexpr milliseconds pause_first{100};
constexpr milliseconds pause_max{2'000};

bool is_late(const Error& error) {
    return error.code == ErrorCode::timed_out || error.code == ErrorCode::unavailable;
}

// What a message has room for.
class Room {
public:
    Room(const Limits& limits, std::size_t batch)
        : limits_(limits), items_left_(std::min<std::uint64_t>(batch, limits.batch_items_max)) {}

    // Takes room for one more task; the first always fits, so that the broker may judge it.
    bool take(const NewTask& task, std::size_t payload_octets) {
        const bool is_inline = payload_octets <= limits_.inline_octets_max;
        const std::uint64_t body = item_octets + task.kind.size() + task.options.queue.size() +
                                   (is_inline ? payload_octets : 0);
        const std::uint64_t frames = is_inline ? 0 : 1;
        const std::uint64_t octets = is_inline ? 0 : payload_octets;
        const bool fits = items_left_ > 0 && body_ + body <= limits_.body_octets_max &&
                          frames_ + frames <= limits_.payload_frames_max &&
                          octets_ + octets <= std::min<std::uint64_t>(message_octets_aim,
                                                                      limits_.message_octets_max);
        if (!fits && !is_empty_) {
            return false;
        }
        is_empty_ = false;
        items_left_ -= items_left_ > 0 ? 1 : 0;
        body_ += body;
        frames_ += frames;
        octets_ += octets;
        return true;
    }

private:
    const Limits& limits_;
    std::uint64_t items_left_;
    std::uint64_t body_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t octets_ = 0;
    bool is_empty_ = true;
};

// Whether to submit such a task again, unasked. A queue's own limit is an operator's decision, so
// it is the caller's to know at once.
bool is_passing(Refusal refusal) {
    return can_retry(refusal) && refusal != Refusal::queue_full;
}

}  // namespace

Error unanswered() {
    return {ErrorCode::timed_out,
            "no answer from the broker in time; the task may have been submitted", ""};
}

Submitter::Submitter(Connection& connection, Waits& waits, Options options)
    : connection_(connection), waits_(waits), options_(options), random_(runtime::random_seed()) {}

void Submitter::add(std::vector<NewTask> tasks, const std::shared_ptr<SubmitCall>& call) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        Blob payload = blob_of(std::exchange(tasks[i].payload.octets, {}));
        if (!tasks[i].id) {
            tasks[i].id = new_task_id();  // once, so that every repetition has the same
        }
        queue_.push_back({.task = std::move(tasks[i]),
                          .payload = std::move(payload),
                          .index = i,
                          .call = call,
                          .added_at = connection_.now().steady});
    }
    pump();
}

void Submitter::on_session() {
    knows_limits_ = true;
    pump();
}

void Submitter::pump() {
    if (queue_.empty() || is_held_) {
        return;
    }
    if (!knows_limits_) {
        open();
        return;
    }
    while (!queue_.empty() && in_flight_ < options_.window) {
        Entries entries = take_message();
        if (!entries.empty()) {
            send(std::move(entries));
        }
    }
}

// Without a session the limits are unknown. A ping asks for one, and says when there is no hope.
void Submitter::open() {
    if (std::exchange(is_opening_, true)) {
        return;
    }
    const auto first = std::min_element(
        queue_.begin(), queue_.end(),
        [this](const Entry& a, const Entry& b) { return deadline_of(a) < deadline_of(b); });
    connection_.ask(protocol::Ping{}, deadline_of(*first),
                    [this](const Connection::Answer& answer) {
                        is_opening_ = false;
                        if (!answer) {
                            refuse_queued(answer.error());
                        }
                        pump();
                    });
}

// The next tasks for one message. Those that the broker would refuse are told so here.
Submitter::Entries Submitter::take_message() {
    Entries entries;
    const Limits& limits = connection_.limits();
    Room room(limits, options_.batch);
    while (!queue_.empty()) {
        Entry& entry = queue_.front();
        if (entry.call->is_abandoned) {
            queue_.pop_front();
            continue;
        }
        if (const auto problem = problem_of(entry.task, entry.payload.view(), limits)) {
            Entry refused = std::move(entry);
            queue_.pop_front();
            refuse(refused, *problem);
            continue;
        }
        const bool has_other_wish = !entries.empty() && !entries.front().call->events.on_outcome !=
                                                            !entry.call->events.on_outcome;
        if (has_other_wish || !room.take(entry.task, entry.payload.size())) {
            break;
        }
        entries.push_back(std::move(entry));
        queue_.pop_front();
    }
    return entries;
}

void Submitter::send(Entries entries) {
    const Instant now = connection_.now().steady;
    protocol::Submit submit{.wait = static_cast<bool>(entries.front().call->events.on_outcome)};
    std::optional<Instant> deadline;
    for (Entry& entry : entries) {
        if (!entry.deadline) {
            entry.deadline = answer_by(entry, now);
        }
        deadline = deadline ? std::min(deadline, entry.deadline) : entry.deadline;
        expect_outcome(entry);
        submit.items.push_back(item_of(entry.task, *entry.task.id, entry.payload));
    }
    ++in_flight_;
    connection_.ask(submit, deadline,
                    [this, kept = std::make_shared<Entries>(std::move(entries))](
                        const Connection::Answer& packet) {
                        --in_flight_;
                        on_answer(*kept, packet);
                        pump();
                    });
}

void Submitter::on_answer(Entries& entries, const Connection::Answer& packet) {
    const auto answer = answer_as<protocol::SubmitAnswer>(packet);
    if (!answer) {
        on_failure(entries, answer.error());
        return;
    }
    Entries again;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i >= answer->items.size()) {
            refuse(entries[i], {ErrorCode::corrupt, "the broker's answer is incomplete", ""});
        } else if (!on_status(entries[i], answer->items[i])) {
            again.push_back(std::move(entries[i]));
        }
    }
    if (!again.empty()) {
        put_back(again);
        hold(connection_.now());
    }
}

// False if the task is to be submitted again.
bool Submitter::on_status(Entry& entry, const protocol::SubmitStatusItem& status) {
    if (status.status != protocol::SubmitStatus::refused) {
        refusals_ = 0;
        accept(entry, status);
        return true;
    }
    const bool has_time = *entry.deadline > connection_.now().steady + pause_max;
    if (has_time && is_passing(static_cast<Refusal>(status.problem.code))) {
        entry.may_be_accepted = false;
        return false;
    }
    refuse(entry, error_of(status.problem));
    return true;
}

// The whole message failed: for want of time, which some of its tasks may still have, or for good.
void Submitter::on_failure(Entries& entries, const Error& error) {
    Entries again;
    for (Entry& entry : entries) {
        entry.may_be_accepted = entry.may_be_accepted || !error.is_unsent;
        if (is_late(error) && *entry.deadline > connection_.now().steady) {
            again.push_back(std::move(entry));
        } else {
            refuse(entry, error);
        }
    }
    put_back(again);
    if (is_late(error)) {
        refuse_queued(error);
    }
}

void Submitter::accept(Entry& entry, const protocol::SubmitStatusItem& status) {
    SubmitCall& call = *entry.call;
    if (call.is_abandoned) {
        expect_nothing(entry);
        return;
    }
    if (call.events.on_submitted) {
        const bool existed = status.status == protocol::SubmitStatus::exists;
        call.events.on_submitted(
            entry.index,
            Submitted{.id = *entry.task.id, .number = status.number, .existed = existed});
    }
    if (entry.wait) {
        if (call.deadline) {
            call.waits.push_back(*entry.wait);
        }
        waits_.confirm(*entry.wait);
    }
}

// Before it is asked, because the outcome may be faster than the answer.
void Submitter::expect_outcome(Entry& entry) {
    if (entry.call->events.on_outcome) {
        entry.wait = waits_.expect(
            *entry.task.id, [call = entry.call, index = entry.index](Result<Outcome> outcome) {
                call->events.on_outcome(index, std::move(outcome));
            });
    }
}

void Submitter::expect_nothing(Entry& entry) {
    if (entry.wait) {
        waits_.remove(*std::exchange(entry.wait, std::nullopt));
    }
}

void Submitter::refuse(Entry& entry, const Error& latest) {
    expect_nothing(entry);
    const Error error = entry.may_be_accepted && latest.is_unsent ? unanswered() : latest;
    SubmitCall& call = *entry.call;
    if (call.is_abandoned) {
        return;
    }
    if (call.events.on_submitted) {
        call.events.on_submitted(entry.index, error);
    }
    if (call.events.on_outcome) {
        call.events.on_outcome(entry.index, error);
    }
}

void Submitter::put_back(Entries& entries) {
    for (Entry& entry : entries) {
        expect_nothing(entry);
    }
    queue_.insert(queue_.begin(), std::make_move_iterator(entries.begin()),
                  std::make_move_iterator(entries.end()));
}

// The broker is full: what waits here waits a little longer, all of it.
void Submitter::hold(Now now) {
    if (std::exchange(is_held_, true)) {
        return;
    }
    const milliseconds grown =
        std::min<milliseconds>(pause_max, pause_first * (1LL << std::min(refusals_, 10U)));
    ++refusals_;
    const auto half = static_cast<std::uint64_t>(grown.count()) / 2;
    connection_.call_at(now.steady + milliseconds{half + random_() % (half + 1)}, [this] {
        is_held_ = false;
        pump();
    });
}

// There is no session for good, or no answer in time: then those that have waited here for as long
// as the broker had to answer fail too, for each of them would only meet the same silence.
void Submitter::refuse_queued(const Error& error) {
    Error unsent = error;
    if (error.code == ErrorCode::timed_out) {
        unsent.detail = "no answer from the broker in time; the task was not submitted";
        unsent.is_unsent = true;
    }
    const Instant now = connection_.now().steady;
    std::deque<Entry> kept;
    std::deque<Entry> refused;
    for (Entry& entry : queue_) {
        const bool has_time = is_late(error) && deadline_of(entry) > now;
        (has_time ? kept : refused).push_back(std::move(entry));
    }
    queue_ = std::move(kept);
    for (Entry& entry : refused) {
        refuse(entry, unsent);
    }
}

Instant Submitter::answer_by(const Entry& entry, Instant asked_at) const {
    return std::min(entry.call->deadline.value_or(asked_at + options_.timeout), options_.ends_at);
}

Instant Submitter::deadline_of(const Entry& entry) const {
    return entry.deadline.value_or(answer_by(entry, entry.added_at));
}

}  // namespace xebec::client

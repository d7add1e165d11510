// Dispatch: which ready task goes to which worker, and what each step sends out.

#include "broker/core/core.h"
#include "protocol/check.h"

#include <algorithm>
#include <span>
#include <utility>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr int assignments_per_step_max = 4'096;
constexpr Duration recall_after = std::chrono::milliseconds{50};
constexpr Duration recall_rest = std::chrono::seconds{1};  // without an answer
constexpr std::uint32_t recall_looks_at_max = 1'000;
constexpr int owed_per_proof_max = 10'000;
constexpr std::uint64_t owed_octets_per_proof_max = 16 << 20;

// What still fits into one message.
class Budget {
public:
    explicit Budget(const Limits& limits) : limits_(limits) {}

    // Takes the item in if it fits or if the message is still empty.
    bool take(std::size_t overhead, std::string_view octets) {
        const bool is_inline = octets.size() <= limits_.inline_octets_max;
        const std::uint64_t body = body_ + overhead + (is_inline ? octets.size() : 0);
        const std::uint64_t framed = framed_ + (is_inline ? 0 : octets.size());
        const std::uint64_t frames = frames_ + (is_inline ? 0 : 1);
        if (items_ > 0 &&
            (items_ >= limits_.batch_items_max || body > limits_.body_octets_max ||
             framed > limits_.message_octets_max || frames > limits_.payload_frames_max)) {
            *this = Budget(limits_);
            return false;
        }
        body_ = body;
        framed_ = framed;
        frames_ = frames;
        ++items_;
        return true;
    }

private:
    Limits limits_;
    std::uint64_t items_ = 0;
    std::uint64_t body_ = 0;
    std::uint64_t framed_ = 0;
    std::uint64_t frames_ = 0;
};

}  // namespace

void Core::dispatch() {
    for (int i = 0; i < assignments_per_step_max; ++i) {
        const auto match = offers_.next_match(state_.tasks());
        if (!match) {
            return;
        }
        const auto head = state_.queues()[match->lane].head(state_.tasks());
        check(head.has_value(), "a matched lane has a task");
        // Timers run a bounded number in a step: its own may not have had its turn (I13).
        const Details* details = state_.tasks().find_details(state_.tasks()[head->task]);
        if (details != nullptr && details->deadline != WallTime{} &&
            details->deadline <= step_.now.wall) {
            expire(head->task);
        } else if (state_.tasks()[head->task].is_payload_away()) {
            fetch(match->lane);
        } else {
            assign(match->session, head->task);
        }
    }
    has_more_work_ = true;
}

void Core::assign(SessionIndex index, TaskIndex task_index) {
    Task& task = state_.tasks()[task_index];
    WorkerPart& worker = sessions_[index].worker;
    commit(AttemptStarted{
        .number = task.number,
        .fence = {.epoch = epoch_, .attempt = state_.tasks().fence_of(task).attempt + 1},
        .worker = sessions_[index].name,
        .at = step_.now.wall});
    const Settings& settings = state_.queue_of(task).settings;
    Details& details = state_.tasks().details(task);
    const milliseconds run_max = details.run_max.count() > 0 ? details.run_max : settings.run_max;
    const milliseconds lease =
        worker.plain ? std::max(settings.lease, options_.plain_lease) : settings.lease;
    details.lease_ends = step_.now.steady + lease;
    details.run_ends =
        worker.occupied() < worker.slots ? step_.now.steady + run_max + lease : Instant::max();
    details.holder = index;
    worker.held.push_back(state_.tasks(), task_index);
    ++worker.held_count;
    if (options_.octets_in_memory_max) {
        look_ahead(task);
    }
    offers_.update_room(index, true);

    const std::array<Instant, session_timer_count>& timers = sessions_[index].timers;
    const Instant ends = std::min(details.lease_ends, details.run_ends);
    if (timers[static_cast<std::size_t>(SessionTimer::leases)] > ends) {
        arm(index, SessionTimer::leases, ends);
    }
    watch_waiting(index);
    const Lane& lane = state_.queues()[task.lane];
    worker.assigning.push_back(
        {.id = task.id,
         .fence = details.fence.value(),
         .number = task.number_shown(),
         .kind = state_.queues().name(lane.kind()),
         .queue = state_.queues()[lane.queue()].name,
         .payload = Octets(task.payload),
         .content_type = task.content_type,
         .attempt = details.attempts + 1U,
         .lease_ms = static_cast<std::uint64_t>(lease.count()),
         .run_max_ms = static_cast<std::uint64_t>(run_max.count()),
         .deadline = static_cast<std::uint64_t>(details.deadline.time_since_epoch().count())});
    touch(index);
}

// Looks after a worker that holds more than it can run.
void Core::watch_waiting(SessionIndex index) {
    const Session& session = sessions_[index];
    if (session.worker.held_count > session.worker.slots &&
        session.timers[static_cast<std::size_t>(SessionTimer::recall)] == Instant::max()) {
        arm(index, SessionTimer::recall, step_.now.steady + recall_after);
    }
}

// A worker that has not finished anything for a while and holds tasks it cannot have started gives
// them back when somebody else could start them now.
void Core::check_recall(SessionIndex index) {
    WorkerPart& worker = sessions_[index].worker;
    if (worker.held_count <= worker.slots) {
        return;
    }
    arm(index, SessionTimer::recall, step_.now.steady + recall_after);
    if (step_.now.steady < worker.recall_rests_until ||
        step_.now.steady - worker.last_progress < recall_after) {
        return;
    }
    const std::uint32_t waiting = std::min(worker.held_count - worker.slots, recall_looks_at_max);
    std::uint32_t wanted = std::min(waiting, offers_.idle_workers());
    Recall recall;
    TaskIndex task = worker.held.tail();
    for (std::uint32_t i = 0; i < waiting && wanted > 0; ++i) {
        if (offers_.has_idle_worker(state_.tasks()[task].lane)) {
            recall.leases.push_back(
                {.id = state_.tasks()[task].id,
                 .fence = state_.tasks().fence_of(state_.tasks()[task]).value()});
            --wanted;
        }
        task = state_.tasks()[task].previous;
    }
    if (!recall.leases.empty()) {
        worker.recall_rests_until = step_.now.steady + recall_rest;
        send(index, std::move(recall), Leaves::at_once);
    }
}

// ---- what the step sends ----

void Core::touch(SessionIndex session) {
    if (!std::exchange(sessions_[session].is_touched, true)) {
        touched_.push_back(session);
    }
}

void Core::flush() {
    for (const SessionIndex session : touched_) {
        if (sessions_[session].id == 0) {
            continue;
        }
        sessions_[session].is_touched = false;
        flush_assignments(session);
        flush_outcomes(session);
    }
    touched_.clear();
}

void Core::flush_assignments(SessionIndex index) {
    WorkerPart& worker = sessions_[index].worker;
    if (worker.plain) {
        for (const AssignItem& item : worker.assigning) {
            assign_plain(index, item);
        }
        worker.assigning.clear();
        worker.revoking.clear();  // it cannot be told; it will answer some time
        return;
    }
    // What was revoked in the step that assigned it: the assignment goes first, so that the worker
    // knows what it gives back.
    Budget budget(options_.limits);
    const auto batch_max = static_cast<std::size_t>(options_.limits.batch_items_max);
    Assign message;
    constexpr std::size_t item_octets = 192;
    message.items.reserve(std::min(worker.assigning.size(), batch_max));
    for (AssignItem& item : worker.assigning) {
        if (!budget.take(item_octets, item.payload.view)) {
            send(index, std::move(message), Leaves::at_once);
            message.items.clear();
            budget.take(item_octets, item.payload.view);
        }
        message.items.push_back(std::move(item));
    }
    if (!message.items.empty()) {
        send(index, std::move(message), Leaves::at_once);
    }
    worker.assigning.clear();
    for (std::size_t first = 0; first < worker.revoking.size(); first += batch_max) {
        const auto leases = std::span(worker.revoking).subspan(first);
        const auto batch = leases.first(std::min(batch_max, leases.size()));
        send(index, Revoke{.leases = {batch.begin(), batch.end()}}, Leaves::at_once);
    }
    worker.revoking.clear();
}

void Core::flush_outcomes(SessionIndex index) {
    Session& session = sessions_[index];
    Budget budget(options_.limits);
    Outcomes message;
    constexpr std::size_t item_octets = 128;
    message.items.reserve(
        std::min<std::size_t>(session.outcomes.size(), options_.limits.batch_items_max));
    for (PendingOutcome& outcome : session.outcomes) {
        if (message.items.empty() && reads_too_little(index)) {
            session.owed.push_back({.id = outcome.item.id,
                                    .ending = {.number = outcome.item.number,
                                               .fence = Fence::of(outcome.item.fence),
                                               .state = outcome.item.state}});
            continue;
        }
        const std::size_t overhead = item_octets + outcome.error_text.size();
        if (!budget.take(overhead, outcome.item.result.view)) {
            message.sequence = ++session.outcomes_sent;
            send(index, std::move(message));
            message.items.clear();
            budget.take(overhead, outcome.item.result.view);
        }
        if (!outcome.error_class.empty()) {
            outcome.item.error = Failure{outcome.error_class.view(), outcome.error_text.view()};
        }
        message.items.push_back(std::move(outcome.item));
    }
    if (!message.items.empty()) {
        message.sequence = ++session.outcomes_sent;
        send(index, std::move(message));
    }
    session.outcomes.clear();
}

// It has read what was sent before. By now a task may have been retried, or be gone.
void Core::tell_owed(SessionIndex index) {
    Session& session = sessions_[index];
    std::uint64_t octets = 0;
    for (int i = 0; i < owed_per_proof_max && octets < owed_octets_per_proof_max; ++i) {
        if (session.owed.empty()) {
            return;
        }
        const OwedOutcome owed = session.owed.front();
        const TaskIndex task = state_.tasks().find(owed.id);
        if (task == no_task) {
            tell_removed(index, owed.id, owed.ending);
        } else if (wait_for(index, task) != Refusal::none) {
            return;
        } else if (const Details* details = state_.tasks().find_details(state_.tasks()[task])) {
            octets += details->result_octets;
        }
        session.owed.pop_front();
    }
}

}  // namespace xebec::broker

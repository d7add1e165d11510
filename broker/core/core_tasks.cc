// What clients ask about tasks and do to them one by one, and how tasks end without a worker.

#include "broker/core/core.h"
#include "protocol/wire_time.h"

#include <algorithm>
#include <utility>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::uint64_t waits_max = 1'000'000;          // of one session
constexpr std::size_t waiters_max = 1'000;              // of one task
constexpr std::uint64_t removals_per_step_min = 1'000;  // if there are so many

Problem problem_of(Refusal refusal) {
    return {.code = static_cast<std::uint16_t>(refusal),
            .text = refusal == Refusal::none ? std::string_view{} : to_string(refusal)};
}

std::vector<AttemptView> views_of(const History& history) {
    std::vector<AttemptView> views;
    for (const PastAttempt& attempt : history.attempts()) {
        views.push_back({.attempt = attempt.attempt,
                         .fence = attempt.fence.value(),
                         .worker = attempt.worker.view(),
                         .started_at = to_wire(attempt.started_at),
                         .ended_at = to_wire(attempt.ended_at),
                         .state = attempt.state,
                         .error_class = attempt.error_class.view(),
                         .error_text = attempt.error_text.view()});
    }
    return views;
}

}  // namespace

TaskIndex Core::find(const TaskRef& ref) const {
    if (const auto* id = std::get_if<TaskId>(&ref)) {
        return state_.tasks().find(*id);
    }
    const auto number = std::get<std::uint64_t>(ref);
    const TaskIndex index = state_.tasks().find(number == 0 ? state_.number_shown_last() : number);
    const bool is_shown = index != no_task && !state_.tasks()[index].is_volatile;
    return is_shown ? index : no_task;
}

TaskView Core::view_of(const Task& task) const {
    const Lane& lane = state_.queues()[task.lane];
    TaskView view{.number = task.number_shown(),
                  .id = task.id,
                  .kind = state_.queues().name(lane.kind()),
                  .queue = state_.queues()[lane.queue()].name,
                  .state = task.state,
                  .priority = task.priority,
                  .attempts = std::uint32_t{state_.tasks().attempts_of(task)} +
                              (task.state == TaskState::leased ? 1U : 0U),
                  .attempts_max = task.attempts_max,
                  .accepted_at = to_wire(task.accepted_at),
                  .fence = state_.tasks().fence_of(task).value(),
                  .version = state_.tasks().version_of(task)};
    const Details* details = state_.tasks().find_details(task);
    if (details == nullptr) {
        return view;
    }
    view.worker = details->worker.view();
    if (!details->error_class.empty()) {
        view.error = Failure{details->error_class.view(), details->error_text.view()};
    }
    if (task.state == TaskState::scheduled) {
        const auto pause =
            std::chrono::duration_cast<milliseconds>(details->retry_at - step_.now.steady);
        view.due_at = details->retry_at == Instant{} ? to_wire(details->not_before)
                                                     : to_wire(step_.now.wall + pause);
    }
    view.deadline = to_wire(details->deadline);
    view.started_at = to_wire(details->started_at);
    view.finished_at = is_final(task.state) ? to_wire(details->finished_at) : 0;
    view.series = details->series;
    return view;
}

std::size_t Core::task_view_octets(const TaskView& view) {
    constexpr std::size_t numbers_and_names = 512;
    constexpr std::size_t attempt_numbers_and_names = 256;
    std::size_t octets = numbers_and_names + (view.error ? view.error->text.size() : 0);
    for (const AttemptView& attempt : view.history) {
        octets += attempt_numbers_and_names + attempt.error_text.size();
    }
    return octets;
}

void Core::on(const Request& request, const Query& message) {
    if (is_too_many(request, message.tasks.size())) {
        return;
    }
    answer_query(request, message.tasks, {message.with_payload, message.with_result}, {});
}

// What is only in the journal has to be in `fetched`: else it is read first.
void Core::answer_query(const Request& request, const std::vector<TaskRef>& tasks, Shown shown,
                        const FetchedByToken& fetched) {
    QueryAnswer reply;
    std::uint64_t octets = 0;
    std::uint64_t inlined = 0;
    std::uint64_t frames = 0;
    std::vector<std::uint64_t> missing;
    const Limits& limits = options_.limits;
    for (const TaskRef& ref : tasks) {
        const TaskIndex index = find(ref);
        if (index == no_task) {
            reply.items.push_back({.problem = problem_of(Refusal::unknown_task)});
            continue;
        }
        const Task& task = state_.tasks()[index];
        const Details* details = state_.tasks().find_details(task);
        QueryItem item{.task = view_of(task)};
        if (details != nullptr && details->history) {
            item.task->history = views_of(*details->history);
        }
        inlined += task_view_octets(*item.task);
        std::optional<std::uint64_t> unread[2];
        const auto show = [&](bool is_result, std::uint64_t size, const Blob& here, Octets& into) {
            const bool is_inline = size <= limits.inline_octets_max;
            (is_inline ? inlined : octets) += size;
            frames += is_inline ? 0 : 1;
            const std::uint64_t token = token_of(task, is_result);
            const auto found = fetched.find(token);
            if (size == 0 || !here.empty()) {
                into = Octets(here);
            } else if (found == fetched.end()) {
                unread[is_result ? 1 : 0] = token;
            } else if (found->second.is_damaged) {
                item.problem = problem_of(Refusal::internal);
                item.problem.text = is_result ? "its result is damaged in the journal"
                                              : "its payload is damaged in the journal";
            } else {
                into = Octets(found->second.octets);
            }
        };
        if (shown.payload) {
            show(false, task.payload_octets, task.payload, item.payload);
            item.payload_type = task.content_type;
        }
        if (shown.result && details != nullptr) {
            show(true, details->result_octets, details->result, item.result);
            item.result_type = details->result_type;
        }
        const bool fits = inlined <= limits.body_octets_max &&
                          octets <= limits.message_octets_max &&
                          frames <= limits.payload_frames_max;
        if (!fits && !reply.items.empty()) {
            break;
        }
        for (const auto& token : unread) {
            if (token) {
                missing.push_back(*token);
            }
        }
        reply.items.push_back(std::move(item));
    }
    if (missing.empty()) {
        answer(request, std::move(reply));
    } else {
        park(request, tasks, shown, fetched, missing);
    }
}

// ---- waiting ----

void Core::on(const Request& request, const Wait& message) {
    if (is_too_many(request, message.tasks.size())) {
        return;
    }
    WaitAnswer reply;
    reply.items.reserve(message.tasks.size());
    for (const TaskRef& ref : message.tasks) {
        const TaskIndex task = find(ref);
        if (task == no_task) {
            const auto* id = std::get_if<TaskId>(&ref);
            const Tombstone* tombstone = id == nullptr ? nullptr : state_.tombstones().find(*id);
            if (tombstone == nullptr) {
                reply.items.push_back({.problem = problem_of(Refusal::unknown_task)});
            } else {
                tell_removed(request.session, *id);
                reply.items.push_back({.number = tombstone->number, .id = *id});
            }
            continue;
        }
        const Refusal refusal = wait_for(request.session, task);
        reply.items.push_back({.problem = problem_of(refusal),
                               .number = state_.tasks()[task].number_shown(),
                               .id = state_.tasks()[task].id});
    }
    answer(request, std::move(reply));
}

Refusal Core::wait_for(SessionIndex session, TaskIndex index) {
    Task& task = state_.tasks()[index];
    if (is_final(task.state)) {
        const Details* details = state_.tasks().find_details(task);
        if (details->result_octets > 0 && details->result.empty()) {
            Readers& readers = read(token_of(task, true), details->result_at);
            readers.waiters.push_back({session, sessions_[session].id});
            readers.waited_for = task.id;
        } else {
            sessions_[session].outcomes.push_back(outcome_of(task));
            touch(session);
        }
        return Refusal::none;
    }
    if (sessions_[session].waits >= waits_max) {
        return Refusal::retry_later;
    }
    auto& waiters = waiters_[index];
    task.is_waited_for = true;
    const std::uint64_t id = sessions_[session].id;
    if (std::any_of(waiters.begin(), waiters.end(),
                    [id](const Waiter& waiter) { return waiter.id == id; })) {
        return Refusal::none;
    }
    // Sessions that ended are dropped here, so that a client which comes again and again leaves no
    // trail.
    const auto ended = std::remove_if(waiters.begin(), waiters.end(), [this](const Waiter& waiter) {
        return sessions_[waiter.session].id != waiter.id;
    });
    waiters.erase(ended, waiters.end());
    if (waiters.size() >= waiters_max) {
        return Refusal::retry_later;
    }
    waiters.push_back({session, id});
    ++sessions_[session].waits;
    return Refusal::none;
}

PendingOutcome Core::outcome_of(const Task& task) const {
    PendingOutcome outcome{
        .item = {.id = task.id, .number = task.number_shown(), .state = task.state}};
    const Details* details = state_.tasks().find_details(task);
    const bool ended_by_attempt =
        task.state == TaskState::succeeded || task.state == TaskState::dead;
    if (details != nullptr && ended_by_attempt) {
        outcome.item.fence = details->fence.value();
        outcome.item.result = Octets(details->result);
        outcome.item.content_type = details->result_type;
        outcome.error_class = details->error_class;
        outcome.error_text = details->error_text;
    }
    return outcome;
}

// How a removed task ended is remembered by its tombstone, its result is not. `otherwise` is what
// is known if even that is gone.
void Core::tell_removed(SessionIndex session, const TaskId& id, const Tombstone& otherwise) {
    const Tombstone* known = state_.tombstones().find(id);
    const Tombstone& tombstone = known != nullptr ? *known : otherwise;
    sessions_[session].outcomes.push_back(
        {.item = {.id = id,
                  .number = tombstone.number,
                  .state = tombstone.state,
                  .fence = tombstone.fence.value()},
         .error_class = Blob::copy_of("removed"),
         .error_text = Blob::copy_of("the retention of this task is over")});
    touch(session);
}

void Core::conclude(TaskIndex index) {
    Task& task = state_.tasks()[index];
    if (task.is_waited_for) {
        task.is_waited_for = false;
        const auto found = waiters_.find(index);
        for (const Waiter& waiter : found->second) {
            Session& session = sessions_[waiter.session];
            if (session.id == waiter.id) {
                --session.waits;
                session.outcomes.push_back(outcome_of(task));
                touch(waiter.session);
            }
        }
        waiters_.erase(found);
    }
    if (task.is_volatile) {
        conclude_plain(index);
    }
}

// ---- cancel, retry, expire ----

void Core::on(const Request& request, const Cancel& message) {
    if (message.bulk) {
        start_scan(request, ScanAction::cancel, message.filter, message.cursor, 0);
        return;
    }
    if (is_too_many(request, message.tasks.size())) {
        return;
    }
    CancelAnswer reply;
    for (const TaskRef& ref : message.tasks) {
        const TaskIndex task = find(ref);
        reply.items.push_back(problem_of(task == no_task ? Refusal::unknown_task : cancel(task)));
    }
    answer(request, std::move(reply));
}

Refusal Core::cancel(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    if (is_final(task.state)) {
        return Refusal::already_final;
    }
    revoke(index);
    commit(TaskCancelled{.number = task.number, .at = step_.now.wall});
    conclude(index);
    return Refusal::none;
}

void Core::expire(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    revoke(index);
    commit(TaskExpired{.number = task.number, .at = step_.now.wall});
    conclude(index);
}

void Core::on(const Request& request, const Retry& message) {
    if (message.bulk) {
        start_scan(request, ScanAction::retry, message.filter, message.cursor, 0);
        return;
    }
    if (is_too_many(request, message.tasks.size())) {
        return;
    }
    RetryAnswer reply;
    for (const TaskRef& ref : message.tasks) {
        const TaskIndex task = find(ref);
        reply.items.push_back(problem_of(task == no_task ? Refusal::unknown_task : retry(task)));
    }
    answer(request, std::move(reply));
}

Refusal Core::retry(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    if (task.state != TaskState::dead) {
        return Refusal::not_dead;
    }
    const std::uint32_t more = state_.queue_of(task).settings.attempts_max;
    commit(TaskRetried{.number = task.number,
                       .attempts_max = static_cast<std::uint16_t>(std::min<std::uint32_t>(
                           state_.tasks().attempts_of(task) + more, UINT16_MAX)),
                       .at = step_.now.wall});
    return Refusal::none;
}

// ---- retention ----

// Of what is due, a step takes away more than has ended since the last: else batches could be so
// large that it never ends.
void Core::remove_final_tasks() {
    const std::uint64_t ended = state_.ended_total();
    const std::uint64_t most =
        removals_per_step_min + 2 * (ended - std::exchange(ended_before_, ended));
    for (std::uint64_t i = 0; i < most; ++i) {
        const auto task = state_.next_removal(step_.now.steady, options_.final_octets_max,
                                              options_.final_count_min);
        if (task == no_task) {
            return;
        }
        commit(state_.removal(state_.tasks()[task], step_.now.wall));
    }
    has_more_work_ = true;
}

// Those that would have to go soon go before the oldest segment, which is full of them when tasks
// flow: they need not be told again.
void Core::drop_tombstones() {
    const std::size_t most = carrying_ ? options_.tombstones_max * 3 / 4 : options_.tombstones_max;
    if (const auto floor = state_.tombstones().next_floor(step_.now, most)) {
        commit(FloorRaised{.floor = *floor});
        has_more_work_ = true;
    }
}

}  // namespace xebec::broker

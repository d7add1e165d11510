#include "broker/core/state.h"

#include "protocol/check.h"

#include <algorithm>
#include <utility>

namespace xebec::broker {

using std::chrono::duration_cast;
using std::chrono::microseconds;

namespace {

std::uint64_t microseconds_between(Instant from, Instant to) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, duration_cast<microseconds>(to - from).count()));
}

}  // namespace

bool State::apply(const Record& record, Now now) {
    return std::visit([this, now](const auto& fact) { return apply(fact, now); }, record);
}

// ---- records ----

void State::on(const TaskAccepted& record, Now now) {
    const TaskIndex index = tasks_.insert(record.id, record.number);
    number_last_ = std::max(number_last_, record.number);
    is_durable_ = !record.is_volatile;
    if (is_durable_) {
        number_shown_last_ = std::max(number_shown_last_, record.number);
    }
    Task& task = tasks_[index];
    task.is_volatile = record.is_volatile;
    task.content_hash = record.content_hash;
    task.payload = record.payload.keep_confined();
    task.payload_octets = static_cast<std::uint32_t>(record.payload.view.size());
    task.content_type = record.content_type;
    task.priority = record.priority;
    task.attempts_max = record.attempts_max;
    task.accepted_at = record.at;
    note_accepted(record.at);
    task.lane = lane_for(record.queue, record.kind);
    if (record.run_max.count() > 0) {
        tasks_.details(task).run_max = record.run_max;
    }
    if (record.deadline != WallTime{}) {
        tasks_.details(task).deadline = record.deadline;
        deadlines_.arm(record.deadline, index);
    }
    const bool must_wait = record.not_before != WallTime{};
    if (must_wait) {
        tasks_.details(task).not_before = record.not_before;
    }
    octets_ += octets_of(task);
    ++totals_.submitted;
    ++queue_of(task).created;
    ++queues_[task.lane].figures.created;
    queues_[task.lane].is_changed = true;
    enter(index, must_wait ? TaskState::scheduled : TaskState::ready, now);
    tell(task, 0);
}

void State::note_accepted(WallTime at) {
    accepted_back_max_ = std::max(accepted_back_max_, accepted_last_ - at);
    accepted_last_ = std::max(accepted_last_, at);
}

void State::on(const TaskDue& record, Now now) {
    const TaskIndex index = expect(record.number);
    leave(index);
    tasks_[index].is_returned = true;
    enter(index, TaskState::ready, now);
    note(tasks_[index], 0);
}

void State::on(const AttemptStarted& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    check(record.fence > tasks_.fence_of(task), "a task's fence grows strictly (I6)");
    const std::uint64_t waited = microseconds_between(task.since, now.steady);
    leave(index);
    task.is_returned = true;
    Details& details = tasks_.details(task);
    details.fence = record.fence;
    details.worker = record.worker;
    details.started_at = record.at;
    ++totals_.assigned;
    queues_[task.lane].figures.wait.add(microseconds{waited});
    enter(index, TaskState::leased, now);
    note(task, waited);
}

void State::on(const AttemptReturned& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    const std::uint64_t held = microseconds_between(task.since, now.steady);
    leave(index);
    if (record.is_charged) {
        remember_attempt(task, TaskState::ready, record.at, record.error_class, record.error_text);
        ++tasks_.details(task).attempts;
    }
    ++totals_.returned;
    enter(index, TaskState::ready, now);
    note(task, held);
}

void State::on(const AttemptFailed& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    leave(index);
    set_error(task, record.error_class, record.error_text);
    remember_attempt(task, TaskState::scheduled, record.at, record.error_class, record.error_text);
    ++tasks_.details(task).attempts;
    tasks_.details(task).retry_at = now.steady + record.pause;
    ++totals_.failed;
    ++queues_[task.lane].figures.failed;
    queues_[task.lane].figures.run.add(microseconds{record.run_us});
    enter(index, TaskState::scheduled, now);
    note(task, record.run_us);
}

void State::on(const TaskSucceeded& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    leave(index);
    ++tasks_.details(task).attempts;
    set_error(task, {}, {});
    Details& details = tasks_.details(task);
    details.result = record.result.keep_confined();
    details.result_octets = static_cast<std::uint32_t>(record.result.view.size());
    details.result_type = record.result_type;
    octets_ += details.result.footprint();
    ++totals_.succeeded;
    ++queues_[task.lane].figures.succeeded;
    queues_[task.lane].figures.run.add(microseconds{record.run_us});
    end(index, TaskState::succeeded, record.at, now);
    note(task, record.run_us);
}

void State::on(const TaskDied& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    leave(index);
    set_error(task, record.error_class, record.error_text);
    remember_attempt(task, TaskState::dead, record.at, record.error_class, record.error_text);
    ++tasks_.details(task).attempts;
    ++totals_.failed;
    ++totals_.dead;
    ++queues_[task.lane].figures.failed;
    if (record.run_us > 0) {  // else its worker was lost with it, and nobody knows
        queues_[task.lane].figures.run.add(microseconds{record.run_us});
    }
    end(index, TaskState::dead, record.at, now);
    note(task, record.run_us);
}

void State::on(const TaskCancelled& record, Now now) {
    const TaskIndex index = expect(record.number);
    leave(index);
    if (tasks_[index].state == TaskState::leased) {
        remember_attempt(tasks_[index], TaskState::cancelled, record.at, {}, {});
    }
    ++totals_.cancelled;
    end(index, TaskState::cancelled, record.at, now);
    note(tasks_[index], 0);
}

void State::on(const TaskExpired& record, Now now) {
    const TaskIndex index = expect(record.number);
    leave(index);
    if (tasks_[index].state == TaskState::leased) {
        remember_attempt(tasks_[index], TaskState::expired, record.at, {}, {});
    }
    ++totals_.expired;
    end(index, TaskState::expired, record.at, now);
    note(tasks_[index], 0);
}

void State::on(const TaskRetried& record, Now now) {
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    check(task.state == TaskState::dead, "only a dead task is retried (I8)");
    leave(index);
    task.attempts_max = record.attempts_max;
    task.is_returned = true;
    Details& details = tasks_.details(task);
    ++details.series;
    if (details.deadline != WallTime{}) {
        deadlines_.arm(details.deadline, index);
    }
    ++totals_.retried;
    enter(index, TaskState::ready, now);
    note(task, 0);
}

void State::on(const QueueChanged& record, Now) {
    const auto index = queues_.make(record.queue);
    check(index.has_value(), "there is room for a recorded queue");
    Queue& queue = queues_[*index];
    unwatch_head(*index);
    queue.settings = record.settings;
    queue.is_paused = record.is_paused;
    queue.is_changed = true;
    watch_head(*index);
    for (const LaneIndex lane : queue.lanes) {
        touch(lane);
    }
}

// ---- moving between states ----

TaskIndex State::expect(std::uint64_t number) {
    const TaskIndex index = tasks_.find(number);
    check(index != no_task, "a record names a task that exists");
    is_durable_ = !tasks_[index].is_volatile;
    return index;
}

void State::leave(TaskIndex index) {
    Task& task = tasks_[index];
    Queue& queue = queue_of(task);
    Lane& lane = queues_[task.lane];
    touch_shelf(task);
    live_octets_ -= live_cost(task);
    --counts_[static_cast<std::size_t>(task.state)];
    --queue.tasks[static_cast<std::size_t>(task.state)];
    switch (task.state) {
        case TaskState::scheduled: {
            const Details& details = tasks_.details(task);
            if (details.retry_at != Instant{}) {
                retries_.cancel(details.retry_at, index);
                tasks_.details(task).retry_at = {};
            } else {
                not_before_.cancel(details.not_before, index);
            }
            break;
        }
        case TaskState::blocked:
            break;
        case TaskState::ready:
            lane.remove(tasks_, index);
            lane.away -= task.is_payload_away() ? 1 : 0;
            touch(task.lane);
            break;
        case TaskState::leased:
            check(tasks_.holder_of(task) == no_session,
                  "a lease is taken off its session before it ends");
            --lane.leased;
            lane.is_changed = true;
            break;
        case TaskState::succeeded:
        case TaskState::dead:
        case TaskState::cancelled:
        case TaskState::expired: {
            if (queue.finals.head() == index) {
                pass_head(lane.queue());
            }
            queue.finals.remove(tasks_, index);
            final_octets_ -= final_cost(task);
            break;
        }
    }
}

void State::enter(TaskIndex index, TaskState state, Now now) {
    Task& task = tasks_[index];
    Lane& lane = queues_[task.lane];
    task.state = state;
    live_octets_ += live_cost(task);
    ++counts_[static_cast<std::size_t>(state)];
    ++queue_of(task).tasks[static_cast<std::size_t>(state)];
    switch (state) {
        case TaskState::scheduled: {
            const Details& details = tasks_.details(task);
            if (details.retry_at != Instant{}) {
                retries_.arm(details.retry_at, index);
            } else {
                not_before_.arm(details.not_before, index);
            }
            break;
        }
        case TaskState::blocked:
            break;
        case TaskState::ready:
            task.since = now.steady;
            lane.push(tasks_, index);
            lane.away += task.is_payload_away() ? 1 : 0;
            touch(task.lane);
            break;
        case TaskState::leased:
            task.since = now.steady;
            ++lane.leased;
            lane.is_changed = true;
            break;
        case TaskState::succeeded:
        case TaskState::dead:
        case TaskState::cancelled:
        case TaskState::expired: {
            task.since = now.steady;
            Queue& queue = queues_[lane.queue()];
            queue.finals.push_back(tasks_, index);
            if (queue.finals.head() == index) {
                watch_head(lane.queue());
            }
            final_octets_ += final_cost(task);
            break;
        }
    }
}

void State::end(TaskIndex index, TaskState state, WallTime at, Now now) {
    Task& task = tasks_[index];
    Details& details = tasks_.details(task);
    if (details.deadline != WallTime{}) {
        deadlines_.cancel(details.deadline, index);
    }
    details.finished_at = at;
    if (state != TaskState::dead) {
        octets_ -= task.payload.footprint();
        forget_place(task);
        task.payload = {};
        task.payload_octets = 0;
    }
    details.finished_order = ++finished_order_last_;
    enter(index, state, now);
}

void State::set_error(Task& task, const Blob& error_class, const Blob& error_text) {
    Details& details = tasks_.details(task);
    if (details.error_class.empty() && error_class.empty()) {
        return;  // as of most tasks
    }
    octets_ -= octets_of(task);
    details.error_class = error_class;
    details.error_text = error_text;
    octets_ += octets_of(task);
}

void State::remember_attempt(Task& task, TaskState after, WallTime at, const Blob& error_class,
                             const Blob& error_text) {
    if (task.is_volatile) {
        return;
    }
    octets_ -= octets_of(task);
    Details& details = tasks_.details(task);
    if (!details.history) {
        details.history = std::make_unique<History>();
    }
    details.history->add({.fence = details.fence,
                          .worker = details.worker,
                          .started_at = details.started_at,
                          .ended_at = at,
                          .error_class = error_class,
                          .error_text = error_text,
                          .attempt = static_cast<std::uint16_t>(details.attempts + 1),
                          .state = after});
    details.history->share(details.error_class, details.error_text);
    octets_ += octets_of(task);
}

std::uint64_t State::octets_of(const Task& task) const {
    const Details* details = tasks_.find_details(task);
    const std::uint64_t payload = task.payload.footprint();
    if (details == nullptr) {
        return payload;
    }
    const std::uint64_t history =
        details->history ? details->history->octets(details->error_class, details->error_text) : 0;
    return payload + details->result.footprint() + details->error_class.footprint() +
           details->error_text.footprint() + history;
}

LaneIndex State::lane_for(std::string_view queue, std::string_view kind) {
    if (const auto known = queues_.find_lane(queue, kind)) {
        return *known;
    }
    const auto queue_index = queues_.make(queue);
    const auto kind_index = queues_.make_kind(kind);
    check(queue_index && kind_index, "there is room for a recorded queue and kind");
    const LaneIndex made = queues_.make_lane(*queue_index, *kind_index);
    queues_[made].name_octets = static_cast<std::uint32_t>(queue.size() + kind.size());
    return made;
}

void State::touch(LaneIndex index) {
    Lane& lane = queues_[index];
    lane.is_changed = true;
    const bool wants_offer = lane.has_work() && !queues_[lane.queue()].is_paused;
    if (wants_offer != lane.is_offered) {
        touched_lanes_.push_back(index);
    }
}

// ---- updates ----

void State::note(Task& task, std::uint64_t duration_us, bool removed) {
    if (!task.payload_at.is_nowhere() && tasks_.version_of(task) == 1) {
        leave_place(task);
    }
    ++tasks_.details(task).changes;
    tell(task, duration_us, removed);
}

void State::tell(const Task& task, std::uint64_t duration_us, bool removed) {
    Queue& queue = queue_of(task);
    ++queue.sequence;
    queue.is_changed = true;
    if (!watching_) {
        return;
    }
    constexpr std::size_t updates_max = 8'192;  // of a batch: well below the limit of a body
    const Lane& lane = queues_[task.lane];
    if (!queue.updates_at || updates_[*queue.updates_at].updates.count() == updates_max) {
        queue.updates_at = updates_.size();
        updates_.push_back(
            {.queue = lane.queue(), .sequence_first = queue.sequence, .updates = {}});
    }
    const Details* details = tasks_.find_details(task);
    const bool in_attempt = task.state == TaskState::leased;
    updates_[*queue.updates_at].updates.add(
        {.number = task.number_shown(),
         .id = task.id,
         .kind = queues_.name(lane.kind()),
         .state = task.state,
         .attempt = std::uint32_t{tasks_.attempts_of(task)} + (in_attempt ? 1 : 0),
         .worker = details == nullptr ? std::string_view{} : details->worker.view(),
         .error_class = details == nullptr ? std::string_view{} : details->error_class.view(),
         .duration_us = duration_us,
         .version = tasks_.version_of(task),
         .removed = removed});
}

std::vector<UpdateBatch> State::take_updates() {
    for (const UpdateBatch& batch : updates_) {
        queues_[batch.queue].updates_at.reset();
    }
    return std::exchange(updates_, {});
}

// ---- time ----

std::optional<State::Due> State::take_due(Now now) {
    if (const auto task = deadlines_.take_due(now.wall)) {
        return Due{*task, true};
    }
    if (const auto task = retries_.take_due(now.steady)) {
        return Due{*task, false};
    }
    if (const auto task = not_before_.take_due(now.wall)) {
        return Due{*task, false};
    }
    return std::nullopt;
}

std::optional<WallTime> State::next_due_wall() const {
    const auto a = deadlines_.next();
    const auto b = not_before_.next();
    return a && b ? std::min(a, b) : (a ? a : b);
}

}  // namespace xebec::broker

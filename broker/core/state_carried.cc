// Facts told again: they change nothing in a state that knows them already.

#include "broker/core/state.h"

#include <algorithm>
#include <utility>

namespace xebec::broker {

namespace {

// The steady instant that lies as far from now as `at` does.
Instant steady_of(WallTime at, Now now) {
    return now.steady + (at - now.wall);
}

// Most that wait have none: they are what costs memory.
bool has_details(const TaskCarried& record) {
    return record.fence.value() != 0 || is_final(record.state) || record.not_before != WallTime{} ||
           record.deadline != WallTime{} || record.run_max.count() > 0 || record.attempts > 0 ||
           record.version > 1;
}

}  // namespace

void State::on(const TaskCarried& record, Now now) {
    raise_bases(record.number, record.finished_order);
    if (const TaskIndex known = tasks_.find(record.number); known != no_task) {
        const Details* details = tasks_.find_details(tasks_[known]);
        if (details != nullptr && details->history) {
            history_awaited_ = record.number;
            history_awaited_in_ = segment_;
        } else {
            note_told_again(record.number, segment_);
        }
        return;
    }
    const TaskIndex index = tasks_.insert(record.id, record.number);
    Task& task = tasks_[index];
    task.content_hash = record.content_hash;
    task.payload = record.payload.keep_confined();
    task.payload_octets = static_cast<std::uint32_t>(record.payload.view.size());
    task.content_type = record.content_type;
    task.priority = record.priority;
    task.attempts_max = record.attempts_max;
    task.accepted_at = record.accepted_at;
    task.is_returned = record.is_returned;
    task.lane = lane_for(record.queue, record.kind);
    if (has_details(record)) {
        Details& details = tasks_.details(task);
        details.run_max = record.run_max;
        details.not_before = record.not_before;
        details.deadline = record.deadline;
        details.series = record.series;
        details.changes = std::max(record.version, 1U) - 1;
        details.attempts = record.attempts;
        details.fence = record.fence;
        details.worker = record.worker;
        details.started_at = record.started_at;
        details.error_class = record.error_class;
        details.error_text = record.error_text;
        details.result = record.result.keep_confined();
        details.result_octets = static_cast<std::uint32_t>(record.result.view.size());
        details.result_type = record.result_type;
        details.finished_at = record.finished_at;
        details.finished_order = record.finished_order;
        details.retry_at =
            record.retry_at == WallTime{} ? Instant{} : steady_of(record.retry_at, now);
    }
    if (record.deadline != WallTime{} && !is_final(record.state)) {
        deadlines_.arm(record.deadline, index);
    }
    octets_ += octets_of(task);
    ++queue_of(task).created;
    enter(
        index, record.state,
        is_final(record.state) ? Now{steady_of(record.finished_at, now), record.finished_at} : now);
}

TaskCarried State::tell_again(const Task& task, Now now) const {
    const Lane& lane = queues_[task.lane];
    TaskCarried record{.number = task.number,
                       .id = task.id,
                       .content_hash = task.content_hash,
                       .kind = queues_.name(lane.kind()),
                       .queue = queues_[lane.queue()].name,
                       .payload = Octets(task.payload),
                       .content_type = task.content_type,
                       .priority = task.priority,
                       .state = task.state,
                       .is_returned = task.is_returned,
                       .attempts_max = task.attempts_max,
                       .version = tasks_.version_of(task),
                       .accepted_at = task.accepted_at};
    const Details* details = tasks_.find_details(task);
    if (details == nullptr) {
        return record;
    }
    record.series = details->series;
    record.attempts = details->attempts;
    record.fence = details->fence;
    record.run_max = details->run_max;
    record.not_before = details->not_before;
    record.deadline = details->deadline;
    if (details->retry_at != Instant{}) {
        record.retry_at =
            now.wall + std::chrono::duration_cast<milliseconds>(details->retry_at - now.steady);
    }
    record.worker = details->worker;
    record.started_at = details->started_at;
    record.error_class = details->error_class;
    record.error_text = details->error_text;
    record.result = Octets(details->result);
    record.result_type = details->result_type;
    record.finished_at = details->finished_at;
    record.finished_order = details->finished_order;
    return record;
}

std::optional<HistoryCarried> State::tell_history(const Task& task) const {
    const Details* details = tasks_.find_details(task);
    if (details == nullptr || !details->history) {
        return std::nullopt;
    }
    return HistoryCarried{.number = task.number, .attempts = details->history->attempts()};
}

// One that is known already has nothing to learn; one whose task stood in a segment that is gone
// comes again.
void State::on(const HistoryCarried& record, Now) {
    const TaskIndex index = tasks_.find(record.number);
    if (index == no_task) {
        return;
    }
    Task& task = tasks_[index];
    const Details* known = tasks_.find_details(task);
    if (known != nullptr && known->history) {
        if (std::exchange(history_awaited_, 0) == record.number) {
            note_told_again(record.number, history_awaited_in_);
        }
        return;
    }
    const bool is_over = is_final(task.state);
    octets_ -= octets_of(task);
    live_octets_ -= live_cost(task);
    final_octets_ -= is_over ? final_cost(task) : 0;
    Details& details = tasks_.details(task);
    details.history = std::make_unique<History>();
    for (const PastAttempt& attempt : record.attempts) {
        details.history->add(attempt);
    }
    details.history->share(details.error_class, details.error_text);
    octets_ += octets_of(task);
    live_octets_ += live_cost(task);
    final_octets_ += is_over ? final_cost(task) : 0;
}

void State::on(const TombstoneCarried& record, Now now) {
    raise_bases(record.number, 0);
    if (tombstones_.find(record.id) != nullptr) {
        tombstones_.tell_again(record.id, segment_);
        return;
    }
    tombstones_.add(record.id, tombstone_of(record, segment_),
                    {std::min(now.steady, steady_of(record.removed_at, now)), record.removed_at});
}

void State::on(const BasesCarried& record, Now) {
    raise_bases(record.number_last, record.finished_order_last);
}

void State::on(const SegmentShelved& record, Now) {
    shelves_.apply(record);
}

bool State::is_as_told_in(const Task& task, std::uint32_t segment) const {
    return task.payload_at.segment == segment && tasks_.version_of(task) == 1;
}

void State::note_told_again(std::uint64_t number, std::uint32_t segment) {
    told_again_[number] = segment;
}

bool State::is_told_again(std::uint64_t number, std::uint32_t segment) const {
    const auto found = told_again_.find(number);
    return found != told_again_.end() && found->second > segment;
}

void State::forget_segment(std::uint32_t segment) {
    segments_.forget(segment);
    absl::erase_if(told_again_, [&](const auto& told) { return told.second <= segment; });
}

void State::raise_bases(std::uint64_t number, std::uint64_t finished_order) {
    number_last_ = std::max(number_last_, number);
    number_shown_last_ = std::max(number_shown_last_, number);
    finished_order_last_ = std::max(finished_order_last_, finished_order);
}

}  // namespace xebec::broker

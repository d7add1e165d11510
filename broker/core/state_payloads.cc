// Payloads and results that the journal has, so that memory need not.

#include "broker/core/state.h"
#include "protocol/check.h"

#include <variant>

namespace xebec::broker {

namespace {

bool tells_of_tombstone(const Record& record) {
    return std::holds_alternative<TaskRemoved>(record) ||
           std::holds_alternative<TombstoneCarried>(record);
}

// What a payload or a result takes in a record.
std::uint64_t apart(std::uint64_t size) {
    constexpr std::uint64_t prefix = 12;
    return size == 0 ? 0 : size + prefix;
}

constexpr std::uint64_t index_octets = 32;  // a task's places in the tables, about
constexpr std::uint64_t final_entry_octets = sizeof(Task) + sizeof(Details) + index_octets;

}  // namespace

TaskIndex State::locate(const Record& record, const Places& places) {
    if (places.segment == 0) {
        return no_task;
    }
    segment_ = places.is_shelved ? segment_ : places.segment;
    if (const auto* accepted = std::get_if<TaskAccepted>(&record)) {
        return locate_whole(accepted->number, places);
    }
    if (const auto* succeeded = std::get_if<TaskSucceeded>(&record)) {
        return places.result.is_nowhere() ? no_task : locate_result(succeeded->number, places);
    }
    if (const auto* carried = std::get_if<TaskCarried>(&record)) {
        return locate_whole(carried->number, places);
    }
    if (const auto* shelved = std::get_if<SegmentShelved>(&record)) {
        shelves_.locate(*shelved, places.segment);
    } else if (const auto* changed = std::get_if<QueueChanged>(&record)) {
        segments_[places.segment].tells_of_others = true;
        const auto queue = queues_.find(changed->queue);
        check(queue.has_value(), "a queue whose settings changed is known");
        queues_[*queue].settings_told_in = places.segment;
    } else if (tells_of_tombstone(record)) {
        segments_[places.segment].tells_of_others = true;
    }
    return no_task;
}

TaskIndex State::locate_result(std::uint64_t number, const Places& places) {
    const TaskIndex index = tasks_.find(number);
    if (index != no_task) {
        Task& task = tasks_[index];
        set_sizes(task, task.payload_octets, place_result(task, places));
    }
    return index;
}

// Of a record that tells of the task whole.
TaskIndex State::locate_whole(std::uint64_t number, const Places& places) {
    SegmentEntry& segment = segments_[places.segment];
    if (!places.is_shelved) {
        segment.told.add(number);
    }
    const bool brings_octets = !places.payload.is_nowhere() || !places.result.is_nowhere();
    const TaskIndex index = brings_octets ? tasks_.find(number) : no_task;
    if (index == no_task) {  // or it is gone already, in the same step
        segment.tells_of_others = true;
        return no_task;
    }
    Task& task = tasks_[index];
    const std::uint32_t result_octets = place_result(task, places);
    const bool has_payload = !is_final(task.state) || task.state == TaskState::dead;
    if (places.payload.is_nowhere() || !has_payload) {
        set_sizes(task, task.payload_octets, result_octets);
        segment.tells_of_others = true;
        return index;
    }
    touch_shelf(task);
    forget_place(task);
    task.payload_at = places.payload;
    set_sizes(task, places.payload_octets, result_octets);
    const std::uint64_t cost = waiting_cost(task);
    segment.need(cost);
    if (tasks_.version_of(task) == 1) {
        segment.need_unchanged(cost);
    } else {
        segment.tells_of_others = true;
    }
    return index;
}

// Gives the result's size, there or as it was.
std::uint32_t State::place_result(Task& task, const Places& places) {
    if (!places.result.is_nowhere() && task.state == TaskState::succeeded) {
        tasks_.details(task).result_at = places.result;
        return places.result_octets;
    }
    const Details* details = tasks_.find_details(task);
    return details == nullptr ? 0 : details->result_octets;
}

void State::forget_place(Task& task) {
    if (!task.payload_at.is_nowhere()) {
        if (tasks_.version_of(task) == 1) {
            leave_place(task);
        }
        segments_[task.payload_at.segment].leave(waiting_cost(task));
        task.payload_at = {};
    }
}

void State::leave_place(const Task& task) {
    segments_[task.payload_at.segment].leave_unchanged(waiting_cost(task));
}

// Before it changes, or lies elsewhere: its order there is not enough any more.
void State::touch_shelf(const Task& task) {
    if (shelves_.may_have(task.payload_at.segment) && tasks_.version_of(task) == 1) {
        shelves_.touch(task.payload_at.segment);
    }
}

// They are known but at a start, when octets that stand apart are not read.
void State::set_sizes(Task& task, std::uint32_t payload_octets, std::uint32_t result_octets) {
    const Details* details = tasks_.find_details(task);
    if (payload_octets == task.payload_octets &&
        (details == nullptr || result_octets == details->result_octets)) {
        return;
    }
    Lane& lane = queues_[task.lane];
    const bool is_ready = task.state == TaskState::ready;
    lane.away -= is_ready && task.is_payload_away() ? 1 : 0;
    live_octets_ -= live_cost(task);
    final_octets_ -= is_final(task.state) ? final_cost(task) : 0;
    task.payload_octets = payload_octets;
    if (details != nullptr) {
        tasks_.details(task).result_octets = result_octets;
    }
    lane.away += is_ready && task.is_payload_away() ? 1 : 0;
    final_octets_ += is_final(task.state) ? final_cost(task) : 0;
    live_octets_ += live_cost(task);
}

bool State::put_away(TaskIndex index) {
    Task& task = tasks_[index];
    if (!task.payload.empty() && !task.payload_at.is_nowhere()) {
        octets_ -= task.payload.footprint();
        task.payload = {};
        queues_[task.lane].away += task.state == TaskState::ready ? 1 : 0;
        return true;
    }
    const Details* details = tasks_.find_details(task);
    if (details != nullptr && !details->result.empty() && !details->result_at.is_nowhere()) {
        octets_ -= details->result.footprint();
        tasks_.details(task).result = {};
        return true;
    }
    return false;
}

bool State::is_result_away(const Task& task) const {
    const Details* details = tasks_.find_details(task);
    return details != nullptr && details->result_octets > 0 && details->result.empty();
}

void State::bring_back(TaskIndex index, Blob payload) {
    Task& task = tasks_[index];
    check(task.is_payload_away() && payload.size() == task.payload_octets,
          "what is brought back was away (I2)");
    queues_[task.lane].away -= task.state == TaskState::ready ? 1 : 0;
    task.payload = std::move(payload);
    octets_ += task.payload.footprint();
}

void State::set_fetching(LaneIndex index, bool is_fetching) {
    queues_[index].is_fetching = is_fetching;
    touch(index);
}

std::uint64_t State::final_cost(const Task& task) const {
    const Details* details = tasks_.find_details(task);
    const std::uint64_t bare = final_entry_octets + task.payload_octets;
    if (details == nullptr) {
        return bare;
    }
    const std::uint64_t history =
        details->history ? details->history->octets(details->error_class, details->error_text) : 0;
    return bare + details->result_octets + details->error_class.size() +
           details->error_text.size() + history;
}

std::uint64_t State::ended_entries_octets() const {
    return final_count() * final_entry_octets + tombstones_.octets();
}

std::uint64_t State::live_cost(const Task& task) const {
    if (task.is_volatile) {
        return 0;
    }
    constexpr std::uint64_t attempt_fields = 24;
    const std::uint64_t waiting = waiting_cost(task);
    const Details* details = tasks_.find_details(task);
    if (details == nullptr) {
        return waiting;
    }
    const std::uint64_t history = details->history ? details->history->record_octets() : 0;
    return waiting + attempt_fields + details->worker.size() + apart(details->result_octets) +
           details->error_class.size() + details->error_text.size() + history;
}

std::uint64_t State::waiting_cost(const Task& task) const {
    constexpr std::uint64_t fields = 58;  // of an accepted task's record, about
    return fields + queues_[task.lane].name_octets + apart(task.payload_octets);
}

std::uint64_t State::live_octets() const {
    constexpr std::uint64_t tombstone = 42;
    return live_octets_ + tombstones_.count() * tombstone;
}

}  // namespace xebec::broker

#include "broker/core/tasks.h"

#include "protocol/check.h"

namespace xebec::broker {

void NumberIndex::insert(std::uint64_t number, TaskIndex task) {
    Chunk* chunk = chunk_of(number);
    if (chunk == nullptr) {
        auto made = std::make_unique<Chunk>();
        made->tasks.fill(no_task);
        chunk = made.get();
        chunks_.emplace(number / chunk_numbers, std::move(made));
        found_last(number / chunk_numbers) = {};
    }
    TaskIndex& place = chunk->tasks[number % chunk_numbers];
    check(place == no_task, "a number belongs to one task");
    place = task;
    ++chunk->count;
}

void NumberIndex::erase(std::uint64_t number) {
    Chunk* chunk = chunk_of(number);
    check(chunk != nullptr, "a task's number is known");
    chunk->tasks[number % chunk_numbers] = no_task;
    if (--chunk->count == 0) {
        chunks_.erase(number / chunk_numbers);
        found_last(number / chunk_numbers) = {};
    }
}

NumberIndex::Chunk* NumberIndex::chunk_of(std::uint64_t number) const {
    const std::uint64_t at = number / chunk_numbers;
    Found& last = found_last(at);
    if (last.at != at) {
        const auto found = chunks_.find(at);
        last = {at, found == chunks_.end() ? nullptr : found->second.get()};
    }
    return last.chunk;
}

TaskIndex NumberIndex::find(std::uint64_t number) const {
    const Chunk* chunk = chunk_of(number);
    return chunk == nullptr ? no_task : chunk->tasks[number % chunk_numbers];
}

std::optional<NumberIndex::Entry> NumberIndex::find_below(std::uint64_t bound) const {
    auto chunk = chunks_.upper_bound(bound / chunk_numbers);
    while (chunk != chunks_.begin()) {
        --chunk;
        const std::uint64_t first = chunk->first * chunk_numbers;
        for (std::uint64_t n = std::min(chunk_numbers, bound - first); n > 0; --n) {
            if (chunk->second->tasks[n - 1] != no_task) {
                return Entry{first + n - 1, chunk->second->tasks[n - 1]};
            }
        }
    }
    return std::nullopt;
}

void TaskTable::prefetch_rest(TaskIndex index) const {
    const Task& task = tasks_[index];
    prefetch(task.id);
    if (task.details != no_index<DetailsIndex>) {
        details_.prefetch(task.details);
    }
}

TaskIndex TaskTable::insert(const TaskId& id, std::uint64_t number) {
    const TaskIndex index = tasks_.acquire();
    Task& task = tasks_[index];
    task.id = id;
    task.number = number;
    ids_.insert(index);
    numbers_.insert(number, index);
    return index;
}

void TaskTable::erase(TaskIndex index) {
    Task& task = tasks_[index];
    ids_.erase(index);
    numbers_.erase(task.number);
    if (task.details != no_index<DetailsIndex>) {
        details_.release(task.details);
    }
    tasks_.release(index);
}

}  // namespace xebec::broker

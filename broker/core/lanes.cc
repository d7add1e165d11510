#include "broker/core/lanes.h"

#include "protocol/check.h"

#include <algorithm>
#include <bit>

namespace xebec::broker {

void TaskLine::push_back(TaskTable& tasks, TaskIndex index) {
    Task& task = tasks[index];
    task.previous = tail_;
    task.next = no_task;
    if (tail_ == no_task) {
        head_ = index;
    } else {
        tasks[tail_].next = index;
    }
    tail_ = index;
}

void TaskLine::remove(TaskTable& tasks, TaskIndex index) {
    Task& task = tasks[index];
    if (task.previous == no_task) {
        check(head_ == index, "a task leaves the line it stands in");
        head_ = task.next;
    } else {
        tasks[task.previous].next = task.next;
    }
    if (task.next == no_task) {
        tail_ = task.previous;
    } else {
        tasks[task.next].previous = task.previous;
    }
    task.previous = no_task;
    task.next = no_task;
}

void Lane::push(TaskTable& tasks, TaskIndex index) {
    const Task& task = tasks[index];
    if (task.is_returned) {
        returned_.emplace(std::pair{priority_max - task.priority, task.number}, index);
    } else {
        fresh_[task.priority].push_back(tasks, index);
        fresh_priorities_ |= 1U << task.priority;
    }
    ++ready_;
}

void Lane::remove(TaskTable& tasks, TaskIndex index) {
    const Task& task = tasks[index];
    if (task.is_returned) {
        const auto erased = returned_.erase(std::pair{priority_max - task.priority, task.number});
        check(erased == 1, "a returned task stands in its lane");
    } else {
        TaskLine& line = fresh_[task.priority];
        line.remove(tasks, index);
        if (line.empty()) {
            fresh_priorities_ &= ~(1U << task.priority);
        }
    }
    --ready_;
}

void Lane::sort_fresh(TaskTable& tasks) {
    for (TaskLine& line : fresh_) {
        line.sort(tasks, [](const Task& task) { return task.number; });
    }
}

std::optional<LaneHead> Lane::head(const TaskTable& tasks) const {
    if (ready_ == 0) {
        return std::nullopt;
    }
    const int fresh = std::bit_width(fresh_priorities_) - 1;
    const int returned = returned_.empty() ? -1 : priority_max - returned_.begin()->first.first;
    const bool take_returned = returned >= fresh;
    const TaskIndex task =
        take_returned ? returned_.begin()->second : fresh_[static_cast<std::size_t>(fresh)].head();
    return LaneHead{task, {std::max(fresh, returned), take_returned, tasks[task].number}};
}

Instant Lane::oldest_since(const TaskTable& tasks) const {
    Instant oldest = Instant::max();
    for (const TaskLine& line : fresh_) {
        if (!line.empty()) {
            oldest = std::min(oldest, tasks[line.head()].since);
        }
    }
    if (!returned_.empty()) {
        oldest = std::min(oldest, tasks[returned_.begin()->second].since);
    }
    return oldest;
}

std::uint64_t Lane::count_tasks(const TaskTable& tasks) const {
    std::uint64_t count = returned_.size();
    for (const TaskLine& line : fresh_) {
        std::uint64_t last = 0;
        for (TaskIndex task = line.head(); task != no_task; task = tasks[task].next) {
            check(tasks[task].number > last, "fresh tasks stand in order of acceptance (I14)");
            last = tasks[task].number;
            ++count;
        }
    }
    return count;
}

}  // namespace xebec::broker

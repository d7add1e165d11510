// Retention: final tasks in the order in which they go, and what is remembered of them then.

#include "broker/core/state.h"
#include "protocol/check.h"

#include <algorithm>
#include <numeric>

namespace xebec::broker {

namespace {

constexpr std::uint64_t tombstones_share = 35;  // per cent of what is kept of ended tasks

}  // namespace

// ---- records ----

// At a start all else that was said of the task may be gone.
void State::on(const TaskRemoved& record, Now now) {
    if (replayed_ && record.is_whole && tasks_.find(record.number) == no_task) {
        raise_bases(record.number, 0);
        tombstones_.add(record.id, tombstone_of(record, segment_), {now.steady, record.at});
        return;
    }
    const TaskIndex index = expect(record.number);
    Task& task = tasks_[index];
    check(is_final(task.state), "only a final task is removed (I11)");
    leave(index);
    if (!task.is_volatile) {
        note(task, 0, true);
        // Where no removal says it, what told of the task may be anywhere.
        const Tombstone tombstone = record.is_whole ? tombstone_of(record, segment_)
                                                    : tombstone_of(removal(task, record.at), 0);
        tombstones_.add(task.id, tombstone, {now.steady, record.at});
        if (!told_again_.empty()) {
            told_again_.erase(record.number);
        }
    }
    prefetch_removals(queue_of(task).finals);
    ++totals_.removed;
    ++queue_of(task).removed;
    octets_ -= octets_of(task);
    forget_place(task);
    tasks_.erase(index);
}

TaskRemoved State::removal(const Task& task, WallTime at) const {
    return {.number = task.number,
            .id = task.id,
            .content_hash = task.content_hash,
            .fence = tasks_.fence_of(task),
            .state = task.state,
            .at = at};
}

void State::on(const FloorRaised& record, Now) {
    tombstones_.raise_floor(record.floor);
}

// ---- heads of queues' final tasks ----

void State::unwatch_head(QueueIndex index) {
    const Queue& queue = queues_[index];
    if (queue.finals.empty()) {
        return;
    }
    const Task& head = tasks_[queue.finals.head()];
    retention_ends_.cancel(head.since + queue.settings.retention, index);
    final_heads_.cancel(tasks_.find_details(head)->finished_order, index);
}

void State::watch_head(QueueIndex index) {
    const Queue& queue = queues_[index];
    if (queue.finals.empty()) {
        return;
    }
    const Task& head = tasks_[queue.finals.head()];
    retention_ends_.arm(head.since + queue.settings.retention, index);
    final_heads_.arm(tasks_.find_details(head)->finished_order, index);
}

void State::pass_head(QueueIndex index) {
    const Queue& queue = queues_[index];
    const Task& head = tasks_[queue.finals.head()];
    if (head.next == no_task) {
        unwatch_head(index);
        return;
    }
    const Task& next = tasks_[head.next];
    retention_ends_.rearm(head.since + queue.settings.retention,
                          next.since + queue.settings.retention, index);
    final_heads_.rearm(tasks_.find_details(head)->finished_order,
                       tasks_.find_details(next)->finished_order, index);
}

// ---- which goes next ----

std::uint64_t State::final_count() const {
    return std::accumulate(counts_.begin() + static_cast<int>(TaskState::succeeded), counts_.end(),
                           std::uint64_t{0});
}

TaskIndex State::next_removal(Instant now, std::uint64_t octets_max,
                              std::uint64_t count_min) const {
    if (const auto end = retention_ends_.first(); end && end->first <= now) {
        return queues_[end->second].finals.head();
    }
    const auto oldest = final_heads_.first();
    // What tombstones are going to need is kept free for them: freed places of tasks are not.
    const std::uint64_t octets =
        final_octets_ + std::max(tombstones_.octets(), octets_max * tombstones_share / 100);
    if (oldest && octets > octets_max && final_count() > count_min) {
        return queues_[oldest->second].finals.head();
    }
    return no_task;
}

std::optional<Instant> State::next_retention_end() const {
    return retention_ends_.next();
}

// Final tasks go in the order in which they ended, and nothing has looked at them for long. What
// removing one needs is asked for some removals ahead: its entry, then what that leads to, and then
// what that leads to.
void State::prefetch_removals(const TaskLine& finals) const {
    const auto next_of = [this](TaskIndex task) {
        return task == no_task ? no_task : tasks_[task].next;
    };
    const TaskIndex first = finals.head();
    const TaskIndex second = next_of(first);
    const TaskIndex third = next_of(second);
    if (first != no_task) {
        tasks_.find_details(tasks_[first])->result.prefetch();
    }
    if (second != no_task) {
        tasks_.prefetch_rest(second);
    }
    if (third != no_task) {
        tasks_.prefetch(third);
    }
}

}  // namespace xebec::broker

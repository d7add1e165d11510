#pragma once
// Lanes: the ready tasks of one queue and kind, best first. What every worker able to run one of
// them could run.

#include "broker/core/indices.h"
#include "broker/core/tasks.h"
#include "protocol/histogram.h"
#include "protocol/limits.h"

#include <absl/container/btree_map.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace xebec::broker {

// Tasks in a row, linked through themselves.
class TaskLine {
public:
    bool empty() const { return head_ == no_task; }
    TaskIndex head() const { return head_; }
    TaskIndex tail() const { return tail_; }
    void push_back(TaskTable& tasks, TaskIndex task);
    void remove(TaskTable& tasks, TaskIndex task);
    // By what `key` gives for each; quick if they stand so already.
    template <class Key>
    void sort(TaskTable& tasks, Key key);

private:
    TaskIndex head_ = no_task;
    TaskIndex tail_ = no_task;
};

template <class Key>
void TaskLine::sort(TaskTable& tasks, Key key) {
    bool is_sorted = true;
    for (TaskIndex task = head_; task != tail_; task = tasks[task].next) {
        is_sorted = is_sorted && key(tasks[task]) <= key(tasks[tasks[task].next]);
    }
    if (is_sorted) {
        return;
    }
    std::vector<std::pair<std::uint64_t, TaskIndex>> order;
    for (TaskIndex task = head_; task != no_task; task = tasks[task].next) {
        order.emplace_back(key(tasks[task]), task);
    }
    std::sort(order.begin(), order.end());
    *this = {};
    for (const auto& [place, task] : order) {
        push_back(tasks, task);
    }
}

// Where a task stands among all that are ready: higher priority first, then tasks that were given
// out before, then order of acceptance.
struct Rank {
    int priority = 0;
    bool is_returned = false;
    std::uint64_t number = 0;

    // Of two lanes' heads, whether this one goes first. Between lanes only priority and acceptance
    // count.
    bool goes_before(const Rank& other) const {
        return priority != other.priority ? priority > other.priority : number < other.number;
    }
};

struct LaneHead {
    TaskIndex task = no_task;
    Rank rank;
};

// What a lane has seen since the broker started.
struct LaneFigures {
    std::uint64_t created = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    Histogram wait;
    Histogram run;
};

class Lane {
public:
    Lane(QueueIndex queue, KindIndex kind) : queue_(queue), kind_(kind) {}

    QueueIndex queue() const { return queue_; }
    KindIndex kind() const { return kind_; }

    void push(TaskTable& tasks, TaskIndex task);
    void remove(TaskTable& tasks, TaskIndex task);
    void sort_fresh(TaskTable& tasks);  // after they were pushed in another order

    bool empty() const { return ready_ == 0; }
    std::uint64_t ready() const { return ready_; }
    bool has_work() const { return ready_ > 0 && !is_fetching; }
    std::optional<LaneHead> head(const TaskTable& tasks) const;

    // The best tasks, best first, until `visit` returns false.
    template <class Visit>
    void walk(const TaskTable& tasks, Visit visit) const;

    // When the longest-waiting of the lines' heads became ready; its lines keep order, so that is
    // the longest-waiting task but for returned ones.
    Instant oldest_since(const TaskTable& tasks) const;

    // Every task in it, for checks.
    std::uint64_t count_tasks(const TaskTable& tasks) const;

    LaneFigures figures;
    std::uint64_t leased = 0;
    std::uint32_t name_octets = 0;   // of its queue's and its kind's names
    std::uint64_t away = 0;          // ready ones whose payload is only in the journal
    bool is_fetching = false;        // that of its head is being read
    std::uint32_t reads = 0;         // under way
    std::uint32_t assigned = 0;      // since it was last looked ahead
    std::uint64_t soon_below = 0;    // whoever has a lower number will be assigned soon
    bool is_offered = false;         // in the active lanes of those who serve it
    bool is_changed = false;         // since the last `stat.` update
    std::vector<OfferIndex> offers;  // who serves it

private:
    QueueIndex queue_;
    KindIndex kind_;
    std::array<TaskLine, priority_max + 1> fresh_;
    // By priority, then number. Tasks come back in any order, but leave in order of acceptance.
    absl::btree_map<std::pair<int, std::uint64_t>, TaskIndex> returned_;
    std::uint32_t fresh_priorities_ = 0;  // bit p: fresh_[p] is not empty
    std::uint64_t ready_ = 0;
};

template <class Visit>
void Lane::walk(const TaskTable& tasks, Visit visit) const {
    auto returned = returned_.begin();
    for (int priority = priority_max; priority >= 0; --priority) {
        for (; returned != returned_.end() && returned->first.first == priority_max - priority;
             ++returned) {
            if (!visit(returned->second)) {
                return;
            }
        }
        for (TaskIndex task = fresh_[static_cast<std::size_t>(priority)].head(); task != no_task;
             task = tasks[task].next) {
            if (!visit(task)) {
                return;
            }
        }
    }
}

}  // namespace xebec::broker

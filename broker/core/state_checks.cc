// What holds of the state after every step: tests and the simulator look.

#include "broker/core/state.h"
#include "protocol/check.h"

#include <array>
#include <numeric>

namespace xebec::broker {

void State::check_invariants() const {
    std::array<std::uint64_t, task_state_count> sum{};
    for (std::size_t i = 0; i < queues_.queue_count(); ++i) {
        const Queue& queue = queues_[static_cast<QueueIndex>(i)];
        std::uint64_t present = 0;
        std::uint64_t ready = 0;
        std::uint64_t leased = 0;
        for (std::size_t state = 0; state < task_state_count; ++state) {
            sum[state] += queue.tasks[state];
            present += queue.tasks[state];
        }
        check(queue.restored + queue.created == present + queue.removed,
              "no task appears or vanishes (I10)");
        for (const LaneIndex lane : queue.lanes) {
            check(queues_[lane].count_tasks(tasks_) == queues_[lane].ready(),
                  "a lane counts its tasks");
            ready += queues_[lane].ready();
            leased += queues_[lane].leased;
        }
        check(ready == queue.tasks[static_cast<std::size_t>(TaskState::ready)] &&
                  leased == queue.tasks[static_cast<std::size_t>(TaskState::leased)],
              "lanes hold what their queue counts (I10)");
    }
    check(sum == counts_, "queues add up to the whole (I10)");
    check(std::accumulate(sum.begin(), sum.end(), std::uint64_t{0}) == tasks_.size(),
          "every task is in one queue (I10)");
    std::uint64_t octets = 0;
    std::uint64_t final_octets = 0;
    std::uint64_t live = 0;
    std::uint64_t away = 0;
    std::uint64_t away_in_lanes = 0;
    SegmentTable segments;
    for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
        away_in_lanes += queues_[static_cast<LaneIndex>(i)].away;
    }
    for (auto entry = tasks_.numbers().find_below(number_last_ + 1); entry;
         entry = tasks_.numbers().find_below(entry->number)) {
        const Task& task = tasks_[entry->task];
        check(tasks_.find(task.id) == entry->task, "every task is found by its id");
        octets += octets_of(task);
        live += live_cost(task);
        if (!task.payload_at.is_nowhere()) {
            SegmentEntry& segment = segments[task.payload_at.segment];
            segment.need(waiting_cost(task));
            if (tasks_.version_of(task) == 1) {
                segment.need_unchanged(waiting_cost(task));
            }
        }
        away += task.state == TaskState::ready && task.is_payload_away() ? 1 : 0;
        final_octets += is_final(task.state) ? final_cost(task) : 0;
    }
    check(octets == octets_ && final_octets == final_octets_, "what tasks hold is counted (I18)");
    check(live == live_octets_, "what the journal has to keep is counted");
    check(needs_the_same(segments, segments_), "what each segment has to keep is counted");
    check(tombstones_.count_told_until(UINT32_MAX) == tombstones_.count(),
          "where each tombstone stands is known (I1)");
    check(away == away_in_lanes, "lanes count the payloads that are away");
    check(retries_.size() + not_before_.size() ==
              counts_[static_cast<std::size_t>(TaskState::scheduled)],
          "every scheduled task has a timer (L1)");
}

}  // namespace xebec::broker

#pragma once
// The broker's durable state: tasks, queues, retention. It changes only by applying records, in
// live operation and in recovery alike; it decides nothing.

#include "broker/core/queues.h"
#include "broker/core/records.h"
#include "broker/core/segment_table.h"
#include "broker/core/shelves.h"
#include "broker/core/tasks.h"
#include "broker/core/timers.h"
#include "broker/core/tombstones.h"
#include "protocol/codec.h"
#include "protocol/messages.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace xebec::broker {

// Committed transitions of one queue, in order, as watchers will see them.
struct UpdateBatch {
    QueueIndex queue{};
    std::uint64_t sequence_first = 0;
    protocol::UpdatesEncoder updates;
};

class State {
public:
    // Applies one durable fact. The record must fit the state: a task exists, is in the state from
    // which this leads on, and so on. Gives whether it has to be written: what concerns a volatile
    // task is not.
    bool apply(const Record& record, Now now);
    // One whose kind is known.
    template <class Fact>
    bool apply(const Fact& fact, Now now) {
        is_durable_ = true;
        on(fact, now);
        return is_durable_;
    }

    // A start: every record that the journal has, in order, and then once `settle`. A task whose
    // beginning was trimmed is not known until it is told again, so what its older records say is
    // passed over. Time passes from one record to the next as they say, but by an hour at most, so
    // that neither a long sleep nor a wrong clock ends all retention at once.
    // What a shelved segment tells again comes behind the record that says so.
    // Gives the task whose payload or result the record brought, if one did.
    TaskIndex replay(const Record& record, const Places& places);
    void settle(Now now);

    // ---- payloads and results that are in the journal only ----

    // Where a record that was applied lies in the journal, now or again. Gives the task whose
    // payload or result that is, if it is one's.
    TaskIndex locate(const Record& record, const Places& places);
    // Drops the task's payload or result from memory, if the journal has it. Gives whether.
    bool put_away(TaskIndex task);
    bool is_result_away(const Task& task) const;
    // Takes a payload back into memory.
    void bring_back(TaskIndex task, Blob payload);
    void set_fetching(LaneIndex lane, bool is_fetching);  // its head's payload

    // The task as it is told again in the journal; its payload and result have to be given if they
    // are not in memory.
    TaskCarried tell_again(const Task& task, Now now) const;
    // What has to follow that; nothing: the task has no history.
    std::optional<HistoryCarried> tell_history(const Task& task) const;
    // Whether the task stands whole behind this segment of the journal too, as a start has found,
    // so that it need not be told again when the segment goes. A broker that is killed while it
    // tells a segment again leaves some twice, and twice they would stay for ever.
    bool is_told_again(std::uint64_t number, std::uint32_t segment) const;
    // Whether the task is as an earlier segment of the journal told of it first, with a payload, so
    // that its order there is enough to tell it again.
    bool is_as_told_in(const Task& task, std::uint32_t segment) const;
    // What removing a final task says.
    TaskRemoved removal(const Task& task, WallTime at) const;

    TaskTable& tasks() { return tasks_; }
    const TaskTable& tasks() const { return tasks_; }
    QueueTable& queues() { return queues_; }
    const QueueTable& queues() const { return queues_; }
    const Tombstones& tombstones() const { return tombstones_; }

    Queue& queue_of(const Task& task) { return queues_[queues_[task.lane].queue()]; }
    const Queue& queue_of(const Task& task) const { return queues_[queues_[task.lane].queue()]; }

    std::uint64_t number_last() const { return number_last_; }
    std::uint64_t number_shown_last() const { return number_shown_last_; }  // of a durable task
    // No task was accepted later, by the wall clock, than one with a higher number, but for so
    // much.
    milliseconds accepted_back_max() const { return accepted_back_max_; }
    // What every segment has to say for those before it.
    std::vector<Record> bases() const {
        return {BasesCarried{number_last_, finished_order_last_}, FloorRaised{tombstones_.floor()}};
    }
    // What telling all tasks and tombstones again would take in the journal, nearly.
    std::uint64_t live_octets() const;
    const SegmentTable& segments() const { return segments_; }
    // What comes stands behind this segment.
    void pass_segment(std::uint32_t segment) { segment_ = std::max(segment_, segment + 1); }
    // The oldest has gone, or one that was shelved.
    void forget_segment(std::uint32_t segment);
    void forget_shelf(std::uint32_t segment) { segments_.forget(segment); }
    const Shelves& shelves() const { return shelves_; }
    std::uint64_t octets() const { return octets_; }  // payloads, results and errors in memory
    std::uint64_t final_octets() const { return final_octets_; }  // what final tasks cost
    // What they and the tombstones of others take in memory without their results, about.
    std::uint64_t ended_entries_octets() const;
    const std::array<std::uint64_t, task_state_count>& counts() const { return counts_; }
    const protocol::Totals& totals() const { return totals_; }
    std::uint64_t final_count() const;
    std::uint64_t ended_total() const { return finished_order_last_; }  // ever

    // Scheduled tasks and deadlines that are due, one at a time.
    struct Due {
        TaskIndex task = no_task;
        bool is_deadline = false;
    };
    std::optional<Due> take_due(Now now);
    std::optional<Instant> next_due_steady() const { return retries_.next(); }
    std::optional<WallTime> next_due_wall() const;

    // The final task whose retention is over first, if one's is, or that has to go for room, of
    // which tombstones take their share; no_task: none has to.
    TaskIndex next_removal(Instant now, std::uint64_t octets_max, std::uint64_t count_min) const;
    std::optional<Instant> next_retention_end() const;

    // Lanes that became empty, ready, paused or resumed since the last call.
    const std::vector<LaneIndex>& touched_lanes() const { return touched_lanes_; }
    void forget_touched_lanes() { touched_lanes_.clear(); }

    // With `watching`, transitions are noted for watchers; sequences are counted either way.
    void set_watching(bool watching) { watching_ = watching; }
    std::vector<UpdateBatch> take_updates();

    void check_invariants() const;

private:
    void on(const TaskAccepted& record, Now now);
    void on(const TaskDue& record, Now now);
    void on(const AttemptStarted& record, Now now);
    void on(const AttemptReturned& record, Now now);
    void on(const AttemptFailed& record, Now now);
    void on(const TaskSucceeded& record, Now now);
    void on(const TaskDied& record, Now now);
    void on(const TaskCancelled& record, Now now);
    void on(const TaskExpired& record, Now now);
    void on(const TaskRetried& record, Now now);
    void on(const TaskRemoved& record, Now now);
    void on(const QueueChanged& record, Now now);
    void on(const FloorRaised& record, Now now);
    void on(const TaskCarried& record, Now now);
    void on(const TombstoneCarried& record, Now now);
    void on(const BasesCarried& record, Now now);
    void on(const HistoryCarried& record, Now now);
    void on(const SegmentShelved& record, Now now);

    void raise_bases(std::uint64_t number, std::uint64_t finished_order);
    void note_told_again(std::uint64_t number, std::uint32_t segment);
    bool take_shelved(const Record& record, const Places& places);
    void pass_replayed(WallTime at, WallTime at_least);
    void shift_times(Duration by);
    void note_accepted(WallTime at);
    void sort_lines();
    void forget_figures();
    void forget_segments_given_up();
    TaskIndex expect(std::uint64_t number);
    void leave(TaskIndex task);                                       // the state it is in
    void enter(TaskIndex task, TaskState state, Now now);             // another one
    void end(TaskIndex task, TaskState state, WallTime at, Now now);  // a final one
    void set_error(Task& task, const Blob& error_class, const Blob& error_text);
    // The attempt that has just ended goes into the task's history, before it is counted.
    void remember_attempt(Task& task, TaskState after, WallTime at, const Blob& error_class,
                          const Blob& error_text);
    void touch(LaneIndex lane);
    void note(Task& task, std::uint64_t duration_us, bool removed = false);  // a change
    void tell(const Task& task, std::uint64_t duration_us, bool removed = false);
    std::uint64_t octets_of(const Task& task) const;     // payload, result and errors in memory
    std::uint64_t final_cost(const Task& task) const;    // in memory or in the journal
    std::uint64_t live_cost(const Task& task) const;     // in the journal
    std::uint64_t waiting_cost(const Task& task) const;  // there, had it never run
    void forget_place(Task& task);                       // of its payload
    TaskIndex locate_whole(std::uint64_t number, const Places& places);
    TaskIndex locate_result(std::uint64_t number, const Places& places);
    std::uint32_t place_result(Task& task, const Places& places);
    void touch_shelf(const Task& task);
    void leave_place(const Task& task);  // it is not any more as it stands there
    LaneIndex lane_for(std::string_view queue, std::string_view kind);
    void set_sizes(Task& task, std::uint32_t payload_octets, std::uint32_t result_octets);
    void watch_head(QueueIndex queue);    // of the queue's final tasks, after a change
    void unwatch_head(QueueIndex queue);  // before one
    void pass_head(QueueIndex queue);     // before it leaves
    void prefetch_removals(const TaskLine& finals) const;

    TaskTable tasks_;
    QueueTable queues_;
    Tombstones tombstones_;

    Timers<Instant, TaskIndex> retries_;      // scheduled tasks that failed
    Timers<WallTime, TaskIndex> not_before_;  // scheduled tasks that never ran
    Timers<WallTime, TaskIndex> deadlines_;
    // Of each queue that has final tasks, the first of them to go: by end, and by order of ending.
    Timers<Instant, QueueIndex> retention_ends_;
    Timers<std::uint64_t, QueueIndex> final_heads_;

    std::uint64_t number_last_ = 0;
    std::uint64_t number_shown_last_ = 0;
    WallTime accepted_last_{};  // the latest
    milliseconds accepted_back_max_{};
    bool is_durable_ = true;  // what is being applied
    std::uint64_t finished_order_last_ = 0;
    std::uint64_t octets_ = 0;
    std::uint64_t final_octets_ = 0;
    std::uint64_t live_octets_ = 0;
    SegmentTable segments_;
    Shelves shelves_;
    std::array<std::uint64_t, task_state_count> counts_{};
    protocol::Totals totals_;

    std::vector<LaneIndex> touched_lanes_;
    bool watching_ = false;
    std::vector<UpdateBatch> updates_;

    // By number, of what stands in the journal more than once: the last segment in which it stands
    // whole. What a shelved one tells does not count: it is known then.
    absl::flat_hash_map<std::uint64_t, std::uint32_t> told_again_;
    std::uint64_t history_awaited_ = 0;     // of this task, before it has been told again
    std::uint32_t history_awaited_in_ = 0;  // that segment

    // The segment of the record that is being applied, or an earlier one.
    std::uint32_t segment_ = 0;
    std::uint32_t replayed_first_ = 0;  // the first one, those that are shelved aside
    // While it replays: a steady clock of its own, and the wall clock of the last record.
    std::optional<Now> replayed_;
    bool is_replay_timed_ = false;  // a record has said when it was made
};

}  // namespace xebec::broker

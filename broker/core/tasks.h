#pragma once
// Every task the broker knows, by its place, its id and its number.

#include "broker/core/history.h"
#include "broker/core/id_hash.h"
#include "broker/core/indices.h"
#include "broker/core/places.h"
#include "broker/core/slab.h"
#include "protocol/blob.h"
#include "protocol/ids.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace xebec::broker {

// What every task has, in as few octets as possible: millions of them wait at a time.
struct Task {
    TaskId id;
    std::uint64_t number = 0;
    std::uint64_t content_hash = 0;  // of kind, queue, payload and options as sent
    Blob payload;                    // until its end, unless it is dead; or it is only in the
    Locator payload_at;              // journal, here
    Instant since{};                 // when it became ready, was leased, or ended
    WallTime accepted_at{};
    TaskIndex previous = no_task;  // its neighbours in the one line its state puts it in
    TaskIndex next = no_task;
    LaneIndex lane{};
    DetailsIndex details = no_index<DetailsIndex>;
    std::uint32_t payload_octets = 0;
    std::uint32_t version = 0;
    std::uint16_t attempts = 0;  // ended ones that count against the limit
    std::uint16_t attempts_max = 0;
    TaskState state = TaskState::scheduled;
    std::uint8_t priority = 0;
    ContentType content_type = ContentType::octets;
    bool is_returned : 1 = false;  // it has been given out or delayed before
    bool is_waited_for : 1 = false;
    bool is_volatile : 1 = false;  // a plain request: never in the journal

    std::uint64_t number_shown() const { return is_volatile ? 0 : number; }
    bool is_payload_away() const { return payload_octets > 0 && payload.empty(); }
};
static_assert(sizeof(Task) <= 96);

// What only some tasks have: options that differ from the queue's, an attempt, an end.
struct Details {
    WallTime not_before{};
    WallTime deadline{};
    milliseconds run_max{0};
    std::uint32_t series = 0;

    Instant retry_at{};  // of a scheduled task that failed; else the wall clock's not_before counts

    Fence fence;                       // of the latest attempt
    SessionIndex holder = no_session;  // while leased
    Blob worker;                       // the latest attempt's
    WallTime started_at{};
    Instant lease_ends{};
    Instant run_ends = Instant::max();  // when the broker itself ends the attempt

    Blob error_class;
    Blob error_text;
    std::unique_ptr<History> history;  // of a task with an attempt that ended without success

    Blob result;  // or it is only in the journal
    Locator result_at;
    std::uint32_t result_octets = 0;
    ContentType result_type = ContentType::octets;
    WallTime finished_at{};
    std::uint64_t finished_order = 0;
};

// Tasks by number: four octets for each number between the oldest and the newest task alive, less
// the chunks in which none is.
class NumberIndex {
public:
    void insert(std::uint64_t number, TaskIndex task);
    void erase(std::uint64_t number);
    TaskIndex find(std::uint64_t number) const;

    // The task with the highest number below `bound`, and that number.
    struct Entry {
        std::uint64_t number = 0;
        TaskIndex task = no_task;
    };
    std::optional<Entry> find_below(std::uint64_t bound) const;

private:
    static constexpr std::uint64_t chunk_numbers = 4096;
    struct Chunk {
        std::array<TaskIndex, chunk_numbers> tasks;
        std::uint32_t count = 0;
    };

    Chunk* chunk_of(std::uint64_t number) const;  // nothing: there is none

    // A chunk that was asked for, or that there is none.
    struct Found {
        std::uint64_t at = UINT64_MAX;
        Chunk* chunk = nullptr;
    };
    Found& found_last(std::uint64_t at) const { return found_last_[at % found_last_.size()]; }

    absl::btree_map<std::uint64_t, std::unique_ptr<Chunk>> chunks_;
    // Neighbours are asked for together: what comes, what runs, what is removed, in turns.
    mutable std::array<Found, 16> found_last_;
};

class TaskTable {
public:
    TaskTable();

    // Neither the id nor the number may be known yet.
    TaskIndex insert(const TaskId& id, std::uint64_t number);
    void erase(TaskIndex task);

    TaskIndex find(const TaskId& id) const;
    // Asks the processor for what `find` will look at, so that the look-ups of a batch overlap.
    void prefetch(const TaskId& id) const;
    // The same for the entry of a task, and then, when that is there, for what else `erase` needs.
    void prefetch(TaskIndex task) const { tasks_.prefetch(task); }
    void prefetch_rest(TaskIndex task) const;
    TaskIndex find(std::uint64_t number) const { return numbers_.find(number); }
    const NumberIndex& numbers() const { return numbers_; }

    Task& operator[](TaskIndex task) { return tasks_[task]; }
    const Task& operator[](TaskIndex task) const { return tasks_[task]; }

    // Makes them if absent.
    Details& details(Task& task) {
        if (task.details == no_index<DetailsIndex>) {
            task.details = details_.acquire();
        }
        return details_[task.details];
    }
    // Nothing if absent.
    const Details* find_details(const Task& task) const {
        return task.details == no_index<DetailsIndex> ? nullptr : &details_[task.details];
    }
    Fence fence_of(const Task& task) const {
        const Details* details = find_details(task);
        return details == nullptr ? Fence{} : details->fence;
    }
    SessionIndex holder_of(const Task& task) const {
        const Details* details = find_details(task);
        return details == nullptr ? no_session : details->holder;
    }

    std::uint32_t size() const { return tasks_.size(); }
    // Places 0 to used() - 1 have been given out; one that is free has number 0.
    std::uint32_t used() const { return tasks_.used(); }

private:
    struct HashById {
        using is_transparent = void;
        const Slab<Task, TaskIndex>* tasks;
        std::size_t operator()(TaskIndex task) const;
        std::size_t operator()(const TaskId& id) const;
    };
    struct EqualById {
        using is_transparent = void;
        const Slab<Task, TaskIndex>* tasks;
        bool operator()(TaskIndex a, TaskIndex b) const { return a == b; }
        bool operator()(TaskIndex a, const TaskId& b) const { return (*tasks)[a].id == b; }
        bool operator()(const TaskId& a, TaskIndex b) const { return (*tasks)[b].id == a; }
    };
    using Ids = absl::flat_hash_set<TaskIndex, HashById, EqualById>;

    // Many small tables instead of a large one, so that growth never stalls a step.
    static constexpr std::size_t shard_count = 1024;
    static std::size_t shard_of(std::size_t hash);

    Slab<Task, TaskIndex> tasks_;
    // They come when a task starts, as its payload may leave: a chunk fits where some lay.
    Slab<Details, DetailsIndex, 128> details_;
    std::vector<Ids> ids_;
    NumberIndex numbers_;
};

}  // namespace xebec::broker

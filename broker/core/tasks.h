#pragma once
// Every task the broker knows, by its place, its id and its number.

#include "broker/core/id_table.h"
#include "broker/core/indices.h"
#include "broker/core/slab.h"
#include "broker/core/task.h"
#include "protocol/ids.h"

#include <xebec/task.h>

#include <absl/container/btree_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace xebec::broker {

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
    // Neither the id nor the number may be known yet.
    TaskIndex insert(const TaskId& id, std::uint64_t number);
    void erase(TaskIndex task);

    TaskIndex find(const TaskId& id) const { return ids_.find(id); }
    // Asks the processor for what `find` will look at, so that the look-ups of a batch overlap.
    void prefetch(const TaskId& id) const { ids_.prefetch(id); }
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
    // Ended ones that count against the limit.
    std::uint16_t attempts_of(const Task& task) const {
        const Details* details = find_details(task);
        return details == nullptr ? 0 : details->attempts;
    }
    // Grows with every change that watchers see.
    std::uint32_t version_of(const Task& task) const {
        const Details* details = find_details(task);
        return 1 + (details == nullptr ? 0 : details->changes);
    }
    SessionIndex holder_of(const Task& task) const {
        const Details* details = find_details(task);
        return details == nullptr ? no_session : details->holder;
    }

    std::uint32_t size() const { return tasks_.size(); }
    // Places 0 to used() - 1 have been given out; one that is free has number 0.
    std::uint32_t used() const { return tasks_.used(); }

private:
    IdTable::Tasks tasks_;
    // They come when a task starts, as its payload may leave: a chunk fits where some lay.
    Slab<Details, DetailsIndex, 128> details_;
    IdTable ids_{tasks_};
    NumberIndex numbers_;
};

}  // namespace xebec::broker

#pragma once
// Every task the broker knows, by its id.

#include "broker/core/id_hash.h"
#include "broker/core/indices.h"
#include "broker/core/slab.h"
#include "broker/core/task.h"
#include "protocol/ids.h"

#include <xebec/task.h>

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xebec::broker {

// Many small tables, so that growth never stalls a step. What is made together comes, runs and goes
// together, and an id says when it was made: each table has the ids of some milliseconds. So what
// is looked for lies in the processor's cache, however many tasks wait. All tables are used again
// after half a minute. Where very many ids say the same time, or none is said, those that find
// their table full go to others, spread over all of them.
class IdTable {
public:
    using Tasks = Slab<Task, TaskIndex>;

    explicit IdTable(const Tasks& tasks);
    IdTable(const IdTable&) = delete;
    IdTable& operator=(const IdTable&) = delete;

    // The id is that of the task; it is not known yet. It must not change while it is known.
    void insert(TaskIndex task);
    void erase(TaskIndex task);

    TaskIndex find(const TaskId& id) const;
    // Asks the processor for what `find` will look at, so that the look-ups of a batch overlap.
    void prefetch(const TaskId& id) const;

private:
    struct HashById {
        using is_transparent = void;
        const Tasks* tasks;
        std::size_t operator()(TaskIndex task) const { return (*this)((*tasks)[task].id); }
        std::size_t operator()(const TaskId& id) const { return IdHash{}(id); }
    };
    struct EqualById {
        using is_transparent = void;
        const Tasks* tasks;
        bool operator()(TaskIndex a, TaskIndex b) const { return a == b; }
        bool operator()(TaskIndex a, const TaskId& b) const { return (*tasks)[a].id == b; }
        bool operator()(const TaskId& a, TaskIndex b) const { return (*tasks)[b].id == a; }
    };
    using Ids = absl::flat_hash_set<TaskIndex, HashById, EqualById>;
    struct Table {
        Ids ids;
        std::uint32_t elsewhere = 0;  // of those that belong here
    };

    static_assert(sizeof(Table) <= 64);

    static constexpr std::size_t table_count = 8192;
    static constexpr std::int64_t table_ms = 4;
    static constexpr std::size_t table_ids_max = 12'288;  // 16,383 places, though they come and go
    static constexpr std::size_t places_per_id_max = 16;
    static constexpr std::size_t shard_count = 1024;

    Ids make() const { return Ids(0, HashById{&tasks_}, EqualById{&tasks_}); }
    static std::size_t table_of(const TaskId& id, std::size_t hash);
    static std::size_t shard_of(std::size_t hash);
    bool take(Ids& ids, TaskIndex task, std::size_t hash) const;

    const Tasks& tasks_;
    std::vector<Table> tables_;
    std::vector<Ids> shards_;  // of ids that are elsewhere
};

}  // namespace xebec::broker

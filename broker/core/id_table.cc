#include "broker/core/id_table.h"

#include "protocol/check.h"

namespace xebec::broker {

IdTable::IdTable(const Tasks& tasks) : tasks_(tasks) {
    tables_.reserve(table_count);
    while (tables_.size() < table_count) {
        tables_.push_back({.ids = make()});
    }
    shards_.reserve(shard_count);
    while (shards_.size() < shard_count) {
        shards_.push_back(make());
    }
}

std::size_t IdTable::table_of(const TaskId& id, std::size_t hash) {
    const auto made = made_at(id);
    const std::size_t at =
        made ? static_cast<std::size_t>(made->time_since_epoch().count() / table_ms) : hash >> 48;
    return at % table_count;
}

// The shards get unequal shares, the last about twice that of the first, so that they do not all
// have to grow at the same time: shard i gets what lies between 2^(i/n) and 2^((i+1)/n), nearly.
std::size_t IdTable::shard_of(std::size_t hash) {
    constexpr std::uint64_t one = 1 << 16;
    constexpr std::uint64_t slope_first = 88'245;  // of log2(1 + u) as u (1.3465 - 0.3465 u)
    constexpr std::uint64_t slope_loss = 22'709;
    const std::uint64_t u = static_cast<std::uint64_t>(hash) >> 48;
    const std::uint64_t logarithm = u * (slope_first - slope_loss * u / one) / one;
    return static_cast<std::size_t>(logarithm * shard_count / one);
}

// In one that was empty as many are expected as in the one before: it need not grow then. But ids
// that say no time come to all tables alike.
void IdTable::insert(TaskIndex task) {
    const TaskId& id = tasks_[task].id;
    const std::size_t hash = IdHash{}(id);
    const std::size_t at = table_of(id, hash);
    Table& table = tables_[at];
    if (table.ids.size() >= table_ids_max) {
        ++table.elsewhere;
        check(shards_[shard_of(hash)].insert(task).second, "an id belongs to one task");
        return;
    }
    if (table.ids.empty() && made_at(id)) {
        table.ids.reserve(tables_[(at + table_count - 1) % table_count].ids.size());
    }
    check(table.ids.insert(task).second, "an id belongs to one task");
}

void IdTable::erase(TaskIndex task) {
    const TaskId& id = tasks_[task].id;
    const std::size_t hash = IdHash{}(id);
    Table& table = tables_[table_of(id, hash)];
    if (!take(table.ids, task, hash)) {
        check(take(shards_[shard_of(hash)], task, hash), "a task's id is known");
        --table.elsewhere;
    }
}

// Memory that few of many are left in is for other tables.
bool IdTable::take(Ids& ids, TaskIndex task, std::size_t hash) const {
    const auto found = ids.find(task, hash);
    if (found == ids.end()) {
        return false;
    }
    ids.erase(found);
    if (ids.empty()) {
        ids = make();
    } else if (ids.size() < ids.capacity() / places_per_id_max) {
        ids.rehash(0);
    }
    return true;
}

TaskIndex IdTable::find(const TaskId& id) const {
    const std::size_t hash = IdHash{}(id);
    const Table& table = tables_[table_of(id, hash)];
    if (const auto found = table.ids.find(id, hash); found != table.ids.end()) {
        return *found;
    }
    if (table.elsewhere > 0) {
        const Ids& ids = shards_[shard_of(hash)];
        if (const auto found = ids.find(id, hash); found != ids.end()) {
            return *found;
        }
    }
    return no_task;
}

void IdTable::prefetch(const TaskId& id) const {
    const std::size_t hash = IdHash{}(id);
    const Table& table = tables_[table_of(id, hash)];
    table.ids.prefetch(id);
    if (table.elsewhere > 0) {
        shards_[shard_of(hash)].prefetch(id);
    }
}

}  // namespace xebec::broker

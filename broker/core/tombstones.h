#pragma once
// What is remembered of tasks that retention removed, so that a late repeat is not run again. They
// lie in buckets by the minute in which their ids were made; dropping a bucket raises a floor,
// below which an unknown id is refused.

#include "protocol/ids.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>

namespace xebec::broker {

struct Tombstone {
    std::uint64_t number = 0;
    std::uint64_t content_hash = 0;
    Fence fence;
    TaskState state = TaskState::succeeded;
};

class Tombstones {
public:
    static constexpr Duration window = std::chrono::hours{1};
    static constexpr std::size_t count_max = 1'000'000;

    // An id that says no time is filed under `now.wall`.
    void add(const TaskId& id, const Tombstone& tombstone, Now now);
    const Tombstone* find(const TaskId& id) const;

    // The floor to which dropping the bucket that has to go first would lead, if one has to go: its
    // latest tombstone is older than the window, or there are too many.
    std::optional<WallTime> next_floor(Instant now) const;
    void raise_floor(WallTime floor);  // drops what lies below

    WallTime floor() const { return floor_; }
    std::size_t count() const { return count_; }
    std::optional<Instant> next_deadline() const;

private:
    struct Bucket {
        absl::flat_hash_map<TaskId, Tombstone> tombstones;
        Instant latest{};
    };
    static std::int64_t minute_of(WallTime at);

    absl::btree_map<std::int64_t, Bucket> buckets_;
    WallTime floor_{};
    std::size_t count_ = 0;
};

}  // namespace xebec::broker

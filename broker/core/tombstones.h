#pragma once
// What is remembered of tasks that retention removed, so that a late repeat is not run again. They
// lie in buckets by the time at which their ids were made; dropping a bucket raises a floor,
// below which an unknown id is refused.

#include "broker/core/id_hash.h"
#include "protocol/ids.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <ratio>
#include <utility>
#include <vector>

namespace xebec::broker {

struct Tombstone {
    std::uint64_t number = 0;
    std::uint64_t content_hash = 0;
    Fence fence;
    TaskState state = TaskState::succeeded;
    // The segment of the journal that says all this, or an earlier one; 0: any does.
    std::uint32_t told_in = 0;
};
static_assert(sizeof(Tombstone) <= 32);

// What a record about a task that is gone says of it.
template <class Fact>
Tombstone tombstone_of(const Fact& fact, std::uint32_t told_in) {
    return {.number = fact.number,
            .content_hash = fact.content_hash,
            .fence = fact.fence,
            .state = fact.state,
            .told_in = told_in};
}

class Tombstones {
public:
    static constexpr Duration window = std::chrono::hours{1};
    static constexpr milliseconds window_wall = std::chrono::hours{1};

    // An id that says no time is filed under the time of its removal.
    void add(const TaskId& id, const Tombstone& tombstone, Now removed);
    const Tombstone* find(const TaskId& id) const;
    // Asks the processor for what `find` will look at.
    void prefetch(const TaskId& id) const;

    // The floor to which dropping the oldest buckets would lead that have to go: their latest
    // tombstones are older than the window, or there are more than so many. Of very many some stay
    // until the next call. A floor never rises to where it would refuse ids that are made now: one
    // whose maker's clock is ahead has to stay.
    std::optional<WallTime> next_floor(Now now, std::size_t count_max) const;
    void raise_floor(WallTime floor);  // drops what lies below

    // ---- those that have to be told again when a segment of the journal goes ----

    // How many were told in this segment or an earlier one.
    std::size_t count_told_until(std::uint32_t segment) const;
    // It is told in that segment too. There has to be one.
    void tell_again(const TaskId& id, std::uint32_t segment);
    // A way through them, the newest buckets first: the oldest may be dropped meanwhile.
    class Walk {
    public:
        bool is_over() const { return is_over_; }

    private:
        friend class Tombstones;
        std::int64_t slot_ = std::numeric_limits<std::int64_t>::max();  // those before are left
        bool is_over_ = false;
    };
    // Looks at a few thousand buckets more, and appends the ids of some of those in one of them.
    // These have to be told again, or dropped, before the next look.
    void look_on(std::uint32_t segment, Walk& walk, std::vector<TaskId>& ids) const;

    void shift_times(Duration by);  // of the steady clock

    WallTime floor() const { return floor_; }
    std::size_t count() const { return count_; }
    std::uint64_t octets() const { return octets_; }  // that they take in memory, nearly
    std::optional<Instant> next_deadline(Now now) const;

private:
    // How many were told in which segments. Of these there are few.
    class TellingCounts {
    public:
        void add(std::uint32_t segment);
        void take(std::uint32_t segment, std::size_t count = 1);
        void take(const TellingCounts& others);
        std::size_t until(std::uint32_t segment) const;

    private:
        absl::InlinedVector<std::pair<std::uint32_t, std::size_t>, 2> counts_;  // by segment
    };
    struct Bucket {
        absl::flat_hash_map<TaskId, Tombstone, IdHash> tombstones;
        TellingCounts tellings;
        Instant latest{};
    };
    // Since 1970. So short that a bucket is filled and dropped within a step at any rate of tasks.
    using Slot = std::chrono::duration<std::int64_t, std::ratio<1, 50>>;
    static std::uint64_t octets_of(const Bucket& bucket);
    Bucket* bucket_at(Slot slot) const;  // nothing: there is none
    Bucket* make_bucket(Slot slot);
    void file_timeless(const TaskId& id, Slot slot);
    Bucket* bucket_for(const TaskId& id) const;  // nothing: there is none
    static Slot slot_of(WallTime at);
    static WallTime end_of(Slot slot);

    absl::btree_map<Slot, std::unique_ptr<Bucket>> buckets_;
    // The one that was asked for last: ids that were made together are asked for together.
    mutable Slot slot_last_ = Slot::min();
    mutable Bucket* bucket_last_ = nullptr;
    // The buckets of ids that say no time.
    absl::flat_hash_map<TaskId, Slot, IdHash> timeless_;
    WallTime floor_{};
    TellingCounts tellings_;
    std::size_t count_ = 0;
    std::uint64_t octets_ = 0;
};

}  // namespace xebec::broker

#include "broker/core/tombstones.h"

#include <algorithm>
#include <chrono>

namespace xebec::broker {

using std::chrono::seconds;

Tombstones::Second Tombstones::second_of(WallTime at) {
    return std::chrono::floor<seconds>(at).time_since_epoch().count();
}

WallTime Tombstones::end_of(Second second) {
    return WallTime{seconds{second + 1}};
}

void Tombstones::add(const TaskId& id, const Tombstone& tombstone, Now removed) {
    const auto made = made_at(id);
    const Second second = second_of(made.value_or(removed.wall));
    if (!made) {
        timeless_.insert_or_assign(id, second);
    }
    Bucket& bucket = buckets_[second];
    bucket.latest = removed.steady;
    count_ += bucket.tombstones.insert_or_assign(id, tombstone).second ? 1 : 0;
}

const Tombstone* Tombstones::find(const TaskId& id) const {
    Second second = 0;
    if (const auto made = made_at(id)) {
        second = second_of(*made);
    } else if (const auto known = timeless_.find(id); known != timeless_.end()) {
        second = known->second;
    } else {
        return nullptr;
    }
    const auto bucket = buckets_.find(second);
    if (bucket == buckets_.end()) {
        return nullptr;
    }
    const auto found = bucket->second.tombstones.find(id);
    return found == bucket->second.tombstones.end() ? nullptr : &found->second;
}

std::optional<WallTime> Tombstones::next_floor(Now now) const {
    if (buckets_.empty()) {
        return std::nullopt;
    }
    const auto& [second, oldest] = *buckets_.begin();
    const WallTime floor = end_of(second);
    const bool is_old = now.steady - oldest.latest >= window && floor + window_wall <= now.wall;
    const bool must_go = count_ > count_max && floor <= now.wall;
    return is_old || must_go ? std::optional(floor) : std::nullopt;
}

void Tombstones::raise_floor(WallTime floor) {
    floor_ = std::max(floor_, floor);
    while (!buckets_.empty() && end_of(buckets_.begin()->first) <= floor_) {
        const auto& tombstones = buckets_.begin()->second.tombstones;
        count_ -= tombstones.size();
        for (auto known = tombstones.begin(); !timeless_.empty() && known != tombstones.end();
             ++known) {
            timeless_.erase(known->first);
        }
        buckets_.erase(buckets_.begin());
    }
}

void Tombstones::shift_times(Duration by) {
    for (auto& [second, bucket] : buckets_) {
        bucket.latest += by;
    }
}

std::optional<Instant> Tombstones::next_deadline(Now now) const {
    if (buckets_.empty()) {
        return std::nullopt;
    }
    const auto& [second, oldest] = *buckets_.begin();
    // Looked at again within the window, in case the wall clock jumps.
    const milliseconds wait =
        std::clamp(end_of(second) + window_wall - now.wall, milliseconds{0}, window_wall);
    return std::max(oldest.latest + window, now.steady + wait);
}

}  // namespace xebec::broker

#include "broker/core/tombstones.h"

#include <algorithm>
#include <chrono>

namespace xebec::broker {

std::int64_t Tombstones::minute_of(WallTime at) {
    return std::chrono::floor<std::chrono::minutes>(at).time_since_epoch().count();
}

void Tombstones::add(const TaskId& id, const Tombstone& tombstone, Now now) {
    Bucket& bucket = buckets_[minute_of(made_at(id).value_or(now.wall))];
    bucket.latest = now.steady;
    count_ += bucket.tombstones.insert_or_assign(id, tombstone).second ? 1 : 0;
}

const Tombstone* Tombstones::find(const TaskId& id) const {
    if (const auto made = made_at(id)) {
        const auto bucket = buckets_.find(minute_of(*made));
        if (bucket == buckets_.end()) {
            return nullptr;
        }
        const auto found = bucket->second.tombstones.find(id);
        return found == bucket->second.tombstones.end() ? nullptr : &found->second;
    }
    // An id that says no time lies in the bucket of its removal: behind at most a day of buckets
    // whose ids lie in the future, and at most a window old.
    constexpr int buckets_max = 2 * 24 * 60;
    int looked_at = 0;
    for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
        const auto found = bucket->second.tombstones.find(id);
        if (found != bucket->second.tombstones.end()) {
            return &found->second;
        }
        if (++looked_at == buckets_max) {
            break;
        }
    }
    return nullptr;
}

std::optional<WallTime> Tombstones::next_floor(Instant now) const {
    if (buckets_.empty()) {
        return std::nullopt;
    }
    const auto& [minute, oldest] = *buckets_.begin();
    if (count_ <= count_max && now - oldest.latest < window) {
        return std::nullopt;
    }
    return WallTime{std::chrono::minutes{minute + 1}};
}

void Tombstones::raise_floor(WallTime floor) {
    floor_ = std::max(floor_, floor);
    while (!buckets_.empty() &&
           WallTime{std::chrono::minutes{buckets_.begin()->first + 1}} <= floor_) {
        count_ -= buckets_.begin()->second.tombstones.size();
        buckets_.erase(buckets_.begin());
    }
}

std::optional<Instant> Tombstones::next_deadline() const {
    return buckets_.empty() ? std::nullopt
                            : std::optional(buckets_.begin()->second.latest + window);
}

}  // namespace xebec::broker

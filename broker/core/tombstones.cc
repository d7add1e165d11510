#include "broker/core/tombstones.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace xebec::broker {

namespace {

constexpr std::uint64_t timeless_octets = 48;  // of one in that table, about
constexpr std::size_t dropped_at_once_max = 20'000;

}  // namespace

Tombstones::Slot Tombstones::slot_of(WallTime at) {
    return std::chrono::floor<Slot>(at.time_since_epoch());
}

WallTime Tombstones::end_of(Slot slot) {
    return WallTime{slot + Slot{1}};
}

// Nothing leaves a bucket, so that its capacity never gets smaller.
std::uint64_t Tombstones::octets_of(const Bucket& bucket) {
    constexpr std::uint64_t entry = sizeof(decltype(bucket.tombstones)::value_type) + 1;
    constexpr std::uint64_t rest = sizeof(Slot) + sizeof(Bucket*) + sizeof(Bucket) + 48;
    return bucket.tombstones.empty() ? 0 : rest + bucket.tombstones.capacity() * entry;
}

void Tombstones::add(const TaskId& id, const Tombstone& tombstone, Now removed) {
    const auto made = made_at(id);
    const Slot slot = slot_of(made.value_or(removed.wall));
    if (!made) {
        octets_ += timeless_.insert_or_assign(id, slot).second ? timeless_octets : 0;
    }
    Bucket* there = bucket_at(slot);
    Bucket& bucket = there != nullptr ? *there : *make_bucket(slot);
    bucket.latest = removed.steady;
    octets_ -= octets_of(bucket);
    count_ += bucket.tombstones.insert_or_assign(id, tombstone).second ? 1 : 0;
    octets_ += octets_of(bucket);
}

Tombstones::Bucket* Tombstones::bucket_at(Slot slot) const {
    if (slot != slot_last_) {
        const auto found = buckets_.find(slot);
        slot_last_ = slot;
        bucket_last_ = found == buckets_.end() ? nullptr : found->second.get();
    }
    return bucket_last_;
}

// In the newest as many are expected as in the one before: a table that need not grow costs half,
// and the blocks of those that are dropped fit the next ones. Others may be in any order, and few.
Tombstones::Bucket* Tombstones::make_bucket(Slot slot) {
    const auto made = buckets_.emplace(slot, std::make_unique<Bucket>()).first;
    bucket_last_ = made->second.get();
    if (std::next(made) == buckets_.end() && made != buckets_.begin()) {
        bucket_last_->tombstones.reserve(std::prev(made)->second->tombstones.size());
    }
    return bucket_last_;
}

const Tombstones::Bucket* Tombstones::bucket_for(const TaskId& id) const {
    Slot slot{};
    if (const auto made = made_at(id)) {
        slot = slot_of(*made);
    } else if (const auto known = timeless_.find(id); known != timeless_.end()) {
        slot = known->second;
    } else {
        return nullptr;
    }
    return bucket_at(slot);
}

const Tombstone* Tombstones::find(const TaskId& id) const {
    const Bucket* bucket = bucket_for(id);
    if (bucket == nullptr) {
        return nullptr;
    }
    const auto found = bucket->tombstones.find(id);
    return found == bucket->tombstones.end() ? nullptr : &found->second;
}

void Tombstones::prefetch(const TaskId& id) const {
    if (const Bucket* bucket = bucket_for(id)) {
        bucket->tombstones.prefetch(id);
    }
}

std::optional<WallTime> Tombstones::next_floor(Now now, std::size_t count_max) const {
    std::optional<WallTime> floor;
    std::size_t dropped = 0;
    for (const auto& [slot, bucket] : buckets_) {
        const WallTime end = end_of(slot);
        const bool is_old = now.steady - bucket->latest >= window && end + window_wall <= now.wall;
        const bool must_go = count_ - dropped > count_max && end <= now.wall;
        if ((!is_old && !must_go) || dropped >= dropped_at_once_max) {
            break;
        }
        dropped += bucket->tombstones.size();
        floor = end;
    }
    return floor;
}

void Tombstones::raise_floor(WallTime floor) {
    floor_ = std::max(floor_, floor);
    while (!buckets_.empty() && end_of(buckets_.begin()->first) <= floor_) {
        const auto& tombstones = buckets_.begin()->second->tombstones;
        count_ -= tombstones.size();
        octets_ -= octets_of(*buckets_.begin()->second);
        for (auto known = tombstones.begin(); !timeless_.empty() && known != tombstones.end();
             ++known) {
            octets_ -= timeless_.erase(known->first) * timeless_octets;
        }
        buckets_.erase(buckets_.begin());
    }
    slot_last_ = Slot::min();
    bucket_last_ = nullptr;
}

void Tombstones::shift_times(Duration by) {
    for (auto& [slot, bucket] : buckets_) {
        bucket->latest += by;
    }
}

std::optional<Instant> Tombstones::next_deadline(Now now) const {
    if (buckets_.empty()) {
        return std::nullopt;
    }
    const auto& [slot, oldest] = *buckets_.begin();
    // Looked at again within the window, in case the wall clock jumps.
    const milliseconds wait =
        std::clamp(end_of(slot) + window_wall - now.wall, milliseconds{0}, window_wall);
    return std::max(oldest->latest + window, now.steady + wait);
}

}  // namespace xebec::broker

#include "broker/core/tombstones.h"

#include "protocol/check.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace xebec::broker {

namespace {

constexpr std::uint64_t timeless_octets = 48;  // of one in that table, about
constexpr std::size_t dropped_at_once_max = 20'000;
constexpr std::size_t buckets_per_look_max = 4'000;
constexpr std::size_t ids_per_look_max = 4'000;

}  // namespace

Tombstones::Slot Tombstones::slot_of(WallTime at) {
    return std::chrono::floor<Slot>(at.time_since_epoch());
}

WallTime Tombstones::end_of(Slot slot) {
    return WallTime{slot + Slot{1}};
}

// What leaves a bucket before it is dropped makes its table no smaller.
std::uint64_t Tombstones::octets_of(const Bucket& bucket) {
    constexpr std::uint64_t entry = sizeof(decltype(bucket.tombstones)::value_type) + 1;
    constexpr std::uint64_t rest = sizeof(Slot) + sizeof(Bucket*) + sizeof(Bucket) + 48;
    return bucket.tombstones.empty() ? 0 : rest + bucket.tombstones.capacity() * entry;
}

void Tombstones::add(const TaskId& id, const Tombstone& tombstone, Now removed) {
    const auto made = made_at(id);
    const Slot slot = slot_of(made.value_or(removed.wall));
    if (!made) {
        file_timeless(id, slot);
    }
    Bucket* there = bucket_at(slot);
    Bucket& bucket = there != nullptr ? *there : *make_bucket(slot);
    bucket.latest = removed.steady;
    octets_ -= octets_of(bucket);
    const auto [known, is_new] = bucket.tombstones.try_emplace(id, tombstone);
    if (is_new) {
        ++count_;
    } else {
        bucket.tellings.take(known->second.told_in);
        tellings_.take(known->second.told_in);
        known->second = tombstone;
    }
    bucket.tellings.add(tombstone.told_in);
    tellings_.add(tombstone.told_in);
    octets_ += octets_of(bucket);
}

// It is found in the bucket of its latest removal, and is in no other.
void Tombstones::file_timeless(const TaskId& id, Slot slot) {
    const auto [known, is_new] = timeless_.try_emplace(id, slot);
    octets_ += is_new ? timeless_octets : 0;
    if (known->second == slot) {
        return;
    }
    Bucket& before = *bucket_at(std::exchange(known->second, slot));
    const auto tombstone = before.tombstones.find(id);
    octets_ -= octets_of(before);
    --count_;
    before.tellings.take(tombstone->second.told_in);
    tellings_.take(tombstone->second.told_in);
    before.tombstones.erase(tombstone);
    octets_ += octets_of(before);
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

Tombstones::Bucket* Tombstones::bucket_for(const TaskId& id) const {
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
        tellings_.take(buckets_.begin()->second->tellings);
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

// ---- those that have to be told again ----

void Tombstones::TellingCounts::add(std::uint32_t segment) {
    // Nearly always it is the last one.
    auto at = counts_.end();
    while (at != counts_.begin() && std::prev(at)->first >= segment) {
        --at;
    }
    if (at == counts_.end() || at->first != segment) {
        at = counts_.insert(at, {segment, 0});
    }
    ++at->second;
}

void Tombstones::TellingCounts::take(std::uint32_t segment, std::size_t count) {
    const auto at =
        std::lower_bound(counts_.begin(), counts_.end(), segment,
                         [](const auto& one, std::uint32_t s) { return one.first < s; });
    check(at != counts_.end() && at->first == segment && at->second >= count,
          "where a tombstone is told was counted (I1)");
    at->second -= count;
    if (at->second == 0) {
        counts_.erase(at);
    }
}

void Tombstones::TellingCounts::take(const TellingCounts& others) {
    for (const auto& [segment, count] : others.counts_) {
        take(segment, count);
    }
}

std::size_t Tombstones::TellingCounts::until(std::uint32_t segment) const {
    std::size_t count = 0;
    for (auto one = counts_.begin(); one != counts_.end() && one->first <= segment; ++one) {
        count += one->second;
    }
    return count;
}

std::size_t Tombstones::count_told_until(std::uint32_t segment) const {
    return tellings_.until(segment);
}

void Tombstones::tell_again(const TaskId& id, std::uint32_t segment) {
    Bucket& bucket = *bucket_for(id);
    std::uint32_t& told_in = bucket.tombstones.find(id)->second.told_in;
    for (TellingCounts* counts : {&bucket.tellings, &tellings_}) {
        counts->take(told_in);
        counts->add(segment);
    }
    told_in = segment;
}

void Tombstones::look_on(std::uint32_t segment, Walk& walk, std::vector<TaskId>& ids) const {
    auto next = buckets_.lower_bound(Slot(walk.slot_));
    for (std::size_t i = 0; i < buckets_per_look_max && next != buckets_.begin(); ++i) {
        --next;
        const Bucket& bucket = *next->second;
        if (bucket.tellings.until(segment) > 0) {  // until none of it is: it is looked at again
            for (const auto& [id, tombstone] : bucket.tombstones) {
                if (ids.size() == ids_per_look_max) {
                    break;
                }
                if (tombstone.told_in <= segment) {
                    ids.push_back(id);
                }
            }
            return;
        }
        walk.slot_ = next->first.count();
    }
    walk.is_over_ = next == buckets_.begin();
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

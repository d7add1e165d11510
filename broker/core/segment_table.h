#pragma once
// What each segment of the journal tells of, and how much of it is needed still.

#include "broker/core/told_tasks.h"
#include "protocol/check.h"

#include <cstdint>
#include <deque>

namespace xebec::broker {

struct SegmentEntry {
    // What telling again would take of the tasks with a payload here that have not ended, or are
    // dead.
    std::uint64_t needed_octets = 0;
    // Of these, those that are as this segment tells of them.
    std::uint64_t unchanged_octets = 0;
    std::uint32_t unchanged_tasks = 0;
    // Something else than such tasks, which may be needed too.
    bool tells_of_others = false;
    // All that it tells of whole, needed or not; of one that has gone, none.
    ToldTasks told;

    void need(std::uint64_t octets) { needed_octets += octets; }
    void leave(std::uint64_t octets) {
        check(needed_octets >= octets, "what is needed was counted");
        needed_octets -= octets;
    }
    void need_unchanged(std::uint64_t octets) {
        unchanged_octets += octets;
        ++unchanged_tasks;
    }
    void leave_unchanged(std::uint64_t octets) {
        check(unchanged_tasks > 0 && unchanged_octets >= octets, "what is unchanged was counted");
        unchanged_octets -= octets;
        --unchanged_tasks;
        tells_of_others = true;
    }
    // Nobody has to look at it before it is shelved: every task holds as it stands here.
    bool is_whole() const { return unchanged_tasks > 0 && !tells_of_others; }
};

// From the oldest that is not forgotten to the newest: most come and go in order.
class SegmentTable {
public:
    // Made if absent.
    SegmentEntry& operator[](std::uint32_t segment) {
        if (entries_.empty()) {
            first_ = segment;
        }
        for (; segment < first_; --first_) {
            entries_.emplace_front();
        }
        while (segment - first_ >= entries_.size()) {
            entries_.emplace_back();
        }
        return entries_[segment - first_];
    }
    std::uint32_t first() const { return first_; }
    // Nothing if absent.
    const SegmentEntry* find(std::uint32_t segment) const {
        const bool is_here = segment >= first_ && segment - first_ < entries_.size();
        return is_here ? &entries_[segment - first_] : nullptr;
    }

    // It has gone.
    void forget(std::uint32_t segment) {
        if (find(segment) != nullptr) {
            (*this)[segment].told = {};
        }
        for (; !entries_.empty() && first_ <= segment && entries_.front().needed_octets == 0 &&
               entries_.front().told.count() == 0;
             ++first_) {
            entries_.pop_front();
        }
    }

    std::uint64_t needed_octets(std::uint32_t segment) const {
        const SegmentEntry* entry = find(segment);
        return entry == nullptr ? 0 : entry->needed_octets;
    }
    std::uint64_t unchanged_octets(std::uint32_t segment) const {
        const SegmentEntry* entry = find(segment);
        return entry == nullptr ? 0 : entry->unchanged_octets;
    }
    const ToldTasks& told(std::uint32_t segment) const {
        static const ToldTasks none;
        const SegmentEntry* entry = find(segment);
        return entry == nullptr ? none : entry->told;
    }
    // How many tasks it tells of; 0: somebody has to look.
    std::uint32_t tasks_if_whole(std::uint32_t segment) const {
        const SegmentEntry* entry = find(segment);
        return entry == nullptr || !entry->is_whole() ? 0 : entry->unchanged_tasks;
    }

    // Whether of each segment as much is needed.
    friend bool needs_the_same(const SegmentTable& a, const SegmentTable& b) {
        return a.covers(b) && b.covers(a);
    }

private:
    bool covers(const SegmentTable& other) const {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const auto segment = static_cast<std::uint32_t>(first_ + i);
            if (entries_[i].needed_octets != other.needed_octets(segment) ||
                entries_[i].unchanged_octets != other.unchanged_octets(segment)) {
                return false;
            }
        }
        return true;
    }

    std::uint32_t first_ = 0;
    std::deque<SegmentEntry> entries_;
};

}  // namespace xebec::broker

#pragma once
// How many octets of each segment of the journal are needed still.

#include "protocol/check.h"

#include <cstdint>
#include <deque>

namespace xebec::broker {

// Of those from the first to the last that has something: they come in order, and most go so.
class SegmentOctets {
public:
    void add(std::uint32_t segment, std::uint64_t octets) {
        if (octets_.empty()) {
            first_ = segment;
        }
        for (; segment < first_; --first_) {
            octets_.push_front(0);
        }
        while (segment - first_ >= octets_.size()) {
            octets_.push_back(0);
        }
        octets_[segment - first_] += octets;
    }

    // Of what was added.
    void take(std::uint32_t segment, std::uint64_t octets) {
        check(of(segment) >= octets, "a segment has what is taken from it");
        octets_[segment - first_] -= octets;
        for (; !octets_.empty() && octets_.front() == 0; ++first_) {
            octets_.pop_front();
        }
        while (!octets_.empty() && octets_.back() == 0) {
            octets_.pop_back();
        }
    }

    std::uint64_t of(std::uint32_t segment) const {
        const bool is_here = segment >= first_ && segment - first_ < octets_.size();
        return is_here ? octets_[segment - first_] : 0;
    }

    friend bool operator==(const SegmentOctets& a, const SegmentOctets& b) {
        return a.octets_ == b.octets_ && (a.octets_.empty() || a.first_ == b.first_);
    }

private:
    std::uint32_t first_ = 0;
    std::deque<std::uint64_t> octets_;
};

}  // namespace xebec::broker

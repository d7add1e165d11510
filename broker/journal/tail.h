#pragma once
// The segment that was written to last: how far it is whole, how far it is known to be on the disk,
// and what lies behind.

#include "broker/journal/found_segments.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xebec::broker::journal {

struct Tail {
    std::vector<Frame> frames;        // whole ones, in order, behind the opening
    std::uint64_t end = 0;            // of the last of them
    std::uint64_t flushed = 0;        // what is before this was on the disk: a frame says so
    bool is_opening_flushed = false;  // a frame behind it says so: it cannot say so itself
    std::uint64_t torn = 0;           // octets behind `end` that were begun and are not whole
    std::uint32_t oldest = 0;         // the first segment that is needed
    bool was_stopped_cleanly = false;
    // Of a sealed segment: the next one is there, or even has an opening that is on the disk.
    enum class Successor { none, made, begun };
    Successor successor = Successor::none;

    // Set when what is not whole had been on the disk: then it is not a torn tail but damage.
    bool is_damaged = false;
    std::string fault;
};

// `segment` has an opening.
Tail examine_tail(const FoundSegment& segment);

// A segment without an opening has nothing in it, or a start was killed while it wrote there; then
// `torn` says how much. If a frame says that the opening had been on the disk, it is damaged.
Tail examine_unopened(const FoundSegment& segment);

// The first segment that was needed, as far as any frame says that is right by itself, also behind
// damage.
std::uint32_t find_oldest_named(const FoundSegment& segment);

}  // namespace xebec::broker::journal

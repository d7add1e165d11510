#pragma once
// What the owner's side of a journal and the disk's side share.

#include "broker/journal/layout.h"
#include "broker/journal/recovery.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xebec::broker::journal {

// Up to where the journal is durable, and the first segment that a start would need of it then.
struct DurableEnd {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::uint32_t oldest = 1;
};

// Segments from `first` on stay, and those that are shelved, for as long as this is there.
struct Hold {
    std::uint64_t backup = 0;
    std::uint32_t first = 0;
    std::set<std::uint32_t> shelves;
};

struct Shared {
    Shared(std::uint64_t segment_octets, Layout::Cursor cursor, Position end)
        : layout(segment_octets, cursor, end), durable(end) {}

    mutable std::mutex mutex;  // of what follows, up to the atomics
    Layout layout;
    Batch growing;  // what the next flush will make durable
    std::uint32_t oldest_wanted = 1;
    std::vector<SegmentUse> segments;
    std::set<std::uint32_t> shelves;  // they stay, whatever is the first that is needed
    DurableEnd durable_end;
    std::vector<Hold> holds;
    std::string failure;
    bool is_closing = false;
    bool is_trim_announced = false;

    // With the mutex: the oldest segment that may go, if those before `first_needed` are needed no
    // more.
    std::optional<std::uint32_t> find_free(std::uint32_t first_needed) const {
        for (const Hold& hold : holds) {
            first_needed = std::min(first_needed, hold.first);
        }
        for (const SegmentUse& use : segments) {
            if (use.segment >= first_needed) {
                break;
            }
            const bool is_held = std::any_of(holds.begin(), holds.end(), [&use](const Hold& hold) {
                return hold.shelves.contains(use.segment);
            });
            if (!is_held && !shelves.contains(use.segment)) {
                return use.segment;
            }
        }
        return std::nullopt;
    }

    std::atomic<Position> durable;
    std::atomic<Position> awaited{0};  // by the owner
    std::atomic<std::uint64_t> octets_waiting{0};
    std::atomic<bool> is_disk_full{false};
    std::atomic<bool> has_failed{false};
    std::atomic<bool> is_closed{false};
};

}  // namespace xebec::broker::journal

#pragma once
// What the owner's side of a journal and the disk's side share.

#include "broker/journal/layout.h"
#include "broker/journal/recovery.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace xebec::broker::journal {

struct Shared {
    Shared(std::uint64_t segment_octets, Layout::Cursor cursor, Position end)
        : layout(segment_octets, cursor, end), durable(end) {}

    mutable std::mutex mutex;  // of what follows, up to the atomics
    Layout layout;
    Batch growing;  // what the next flush will make durable
    std::uint32_t oldest_wanted = 1;
    std::vector<SegmentUse> segments;
    std::string failure;
    bool is_closing = false;
    bool is_trim_announced = false;

    std::atomic<Position> durable;
    std::atomic<Position> awaited{0};  // by the owner
    std::atomic<std::uint64_t> octets_waiting{0};
    std::atomic<bool> is_disk_full{false};
    std::atomic<bool> has_failed{false};
    std::atomic<bool> is_closed{false};
};

}  // namespace xebec::broker::journal

#pragma once
// Where the journal keeps payloads and results.

#include "protocol/ids.h"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace xebec::broker {

// Where a payload or a result lies. A default one: nowhere.
struct Locator {
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;

    bool is_nowhere() const { return segment == 0; }
    friend auto operator<=>(const Locator&, const Locator&) = default;
};

// Where a record lies, and its payload and result; sizes, because one that stands apart is not read
// at a start.
struct Places {
    Locator payload;
    Locator result;
    std::uint32_t payload_octets = 0;
    std::uint32_t result_octets = 0;
    std::uint32_t segment = 0;  // 0: in none
    // Told again by SegmentShelved: the segment is the one that this lies in.
    bool is_shelved = false;

    friend bool operator==(const Places&, const Places&) = default;
};

// A segment of the journal, and how many octets of it there are.
struct SegmentUse {
    std::uint32_t segment = 0;
    std::uint64_t octets = 0;

    friend bool operator==(const SegmentUse&, const SegmentUse&) = default;
};

// What a segment of the journal speaks of that may be needed still, when it is to go.
struct Mentions {
    struct Mention {
        std::uint64_t number = 0;
        TaskId id;
    };
    std::size_t count() const { return tasks.size() + tombstones.size(); }

    std::uint32_t segment = 0;
    std::vector<Mention> tasks;       // that are told of whole, in the order of the records
    std::vector<Mention> tombstones;  // and those of tasks that were removed
    std::vector<std::string> queues;
    std::string fault;  // not empty: it cannot be read
};

}  // namespace xebec::broker

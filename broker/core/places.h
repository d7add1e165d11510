#pragma once
// Where the journal keeps payloads and results.

#include <compare>
#include <cstdint>

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
    // Of a shelved segment, whose tasks are told again by SegmentShelved, in their order: so many
    // come before. The segment is the one that this lies in.
    std::uint32_t order = 0;
    bool is_shelved = false;
    bool holds = true;  // else it is not told again

    friend bool operator==(const Places&, const Places&) = default;
};

// A segment of the journal, and how many octets of it there are.
struct SegmentUse {
    std::uint32_t segment = 0;
    std::uint64_t octets = 0;

    friend bool operator==(const SegmentUse&, const SegmentUse&) = default;
};

}  // namespace xebec::broker

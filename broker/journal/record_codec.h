#pragma once
// Records to octets and back. docs/journal.md has the layout of each.

#include "broker/core/records.h"
#include "broker/journal/format.h"
#include "broker/journal/octets.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::broker::journal {

// A frame's records under construction: their metadata, and where large payloads lie until all of
// it is appended to something.
class RecordEncoder {
public:
    void clear();
    // Adds one record; places are offsets in the frame's metadata (segment 1) or in its payload
    // part (segment 2) until `place` makes them real.
    void add(const Record& record, Places& places);
    // Takes back everything behind this many octets of metadata and of payloads.
    struct Extent {
        std::size_t metadata = 0;
        std::size_t payloads = 0;
        std::size_t payload_count = 0;

        std::size_t octets() const { return metadata + payloads; }
    };
    Extent extent() const {
        return {.metadata = metadata_.size(),
                .payloads = payload_octets_,
                .payload_count = apart_.size()};
    }
    void cut(const Extent& extent);

    std::string_view metadata() const { return metadata_.view(); }
    void append_to(Buffer& into) const;  // metadata and payload part

private:
    struct ApartOctets {
        std::string_view octets;  // borrowed for the length of the caller's append
        std::uint64_t checksum = 0;
    };
    friend class RecordWriter;

    Buffer metadata_;
    std::size_t payload_octets_ = 0;
    std::vector<ApartOctets> apart_;
};

// Makes the places of a frame's record real: the frame's metadata and its payload part lie in that
// segment at these offsets.
void place(Places& places, std::uint32_t segment, std::uint64_t metadata_offset,
           std::uint64_t payload_offset);

// A payload or result that stands apart, as the metadata describes it.
struct Apart {
    std::uint32_t offset = 0;  // in the frame's payload part
    std::uint32_t octets = 0;
    std::uint64_t checksum = 0;
};

// Reads a frame's metadata, which may hold anything. Texts and inline payloads borrow from it;
// payloads that stand apart are empty and described by `apart`.
class RecordDecoder {
public:
    explicit RecordDecoder(std::string_view metadata) : rest_(metadata), all_(metadata) {}

    // The next record; nothing at the end, and when the metadata is wrong: then `fault` says how.
    std::optional<Record> next();
    const Places& places() const { return places_; }  // as `RecordEncoder::add` gives them
    const std::vector<Apart>& apart() const { return apart_; }
    const std::string& fault() const { return fault_; }

private:
    friend class RecordReader;

    std::string_view rest_;
    std::string_view all_;
    Places places_;
    std::vector<Apart> apart_;
    std::string fault_;
    Blob worker_last_;  // attempts of one worker come together
};

}  // namespace xebec::broker::journal

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

// A frame's records under construction: metadata straight into a buffer that others share, and
// large payloads remembered until the metadata is complete.
class RecordEncoder {
public:
    explicit RecordEncoder(Buffer& into) : into_(into) {}

    // Begins a frame's metadata at the buffer's present end.
    void begin();
    // Adds one record; places are offsets in the frame's metadata (segment 1) or in its payload
    // part (segment 2) until `place` makes them real.
    void add(const Record& record, Places& places);
    // Takes back everything behind this many octets of metadata and of payloads.
    struct Extent {
        std::size_t metadata = 0;
        std::size_t payloads = 0;
        std::size_t payload_count = 0;
    };
    Extent extent() const;
    void cut(const Extent& extent);
    // Appends the payload part.
    void finish();

private:
    struct ApartOctets {
        std::string_view octets;  // borrowed for the length of the caller's append
        std::uint64_t checksum = 0;
    };
    friend class RecordWriter;

    Buffer& into_;
    std::size_t begin_ = 0;
    std::size_t payload_octets_ = 0;
    std::vector<ApartOctets> apart_;
};

// Makes the places of a frame's record real.
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

#pragma once
// The journal's bytes: segments and frames. docs/journal.md is normative.

#include "broker/core/places.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::broker::journal {

constexpr std::uint16_t format_version = 4;
constexpr std::uint16_t format_version_oldest = 1;  // that is read
constexpr std::uint64_t sector_octets = 512;        // frames begin on its multiples
constexpr std::uint64_t segment_octets_default = 64 << 20;
constexpr std::uint64_t segment_octets_min = 8 * sector_octets;
constexpr std::uint64_t segment_octets_max = 1 << 30;
constexpr std::size_t inline_octets_max = 256;  // larger payloads stand apart from the metadata

constexpr std::uint64_t opening_offset = sector_octets;
constexpr std::uint64_t frames_offset = 2 * sector_octets;
// Kept free for a closing frame and a seal.
constexpr std::uint64_t ending_octets = 2 * sector_octets;

constexpr std::uint64_t in_sectors(std::uint64_t octets) {
    return (octets + sector_octets - 1) / sector_octets * sector_octets;
}

using broker::Locator;
using broker::Places;
using broker::SegmentUse;

struct SegmentHeader {
    std::uint32_t partition = 0;
    std::uint32_t segment = 0;  // counts from 1
    std::uint32_t octets = 0;   // of the file when it was made
    std::uint64_t nonce = 0;    // random: tells this life of the file from earlier ones
    std::uint16_t version = format_version;
};

std::array<char, sector_octets> encode(const SegmentHeader& header);

enum class HeaderFault { none, foreign, other_version, damaged };
struct DecodedHeader {
    HeaderFault fault = HeaderFault::none;
    std::uint16_t version = 0;
    SegmentHeader header;
};
DecodedHeader decode_segment_header(std::string_view octets);

enum class FrameKind : std::uint8_t {
    opening =
        1,      // the first of its segment: the segment before it ends where it says, and is whole
    batch = 2,  // records
    mark = 3,   // an idle writer's word on how far it has flushed
    closing = 4,  // a clean stop
    seal = 5,     // the last of its segment: the next one follows
};

struct Frame {
    FrameKind kind = FrameKind::batch;
    std::uint32_t offset = 0;
    std::uint32_t flushed = 0;  // everything in the segment before this was on the disk
    std::uint32_t metadata_octets = 0;
    std::uint32_t payload_octets = 0;
    std::uint32_t record_count = 0;
    std::uint32_t oldest_segment = 0;  // the first that was still needed
    std::uint64_t position = 0;        // of its first record
    std::uint64_t nonce = 0;           // the segment's
    std::uint64_t predecessor = 0;     // the checksum of the frame before it
    std::uint64_t checksum = 0;        // of all this and of the metadata

    std::uint64_t octets() const;  // on disk, whole sectors
    std::uint64_t end() const { return offset + octets(); }
};

constexpr std::size_t frame_header_octets = 64;

// Computes the checksum, sets it, and writes the header.
void encode(Frame& frame, std::string_view metadata, char* into);

// Nothing if this is no frame header. Whether its checksum is right has to be asked for.
std::optional<Frame> decode_frame(std::string_view octets);
bool has_right_checksum(std::string_view header, std::string_view metadata);

// A payload as it stands in metadata and apart: length, checksum, octets.
constexpr std::size_t payload_prefix_octets = 12;
std::uint64_t payload_checksum(std::string_view octets);

// The names of files in the journal's folder.
std::string segment_name(std::uint32_t segment);
std::optional<std::uint32_t> parse_segment_name(std::string_view name);
constexpr std::string_view spare_prefix = "spare-";
constexpr std::string_view cut_prefix = "cut-";

}  // namespace xebec::broker::journal

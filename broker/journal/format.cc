#include "broker/journal/format.h"

#include "broker/journal/octets.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>

namespace xebec::broker::journal {

namespace {

// Not text, and damaged by whatever rewrites the ends of lines.
constexpr std::string_view segment_magic("\x89XBJ\r\n\x1a\n", 8);
constexpr std::uint32_t frame_magic = 0x314A'4258;  // "XBJ1"
constexpr std::size_t segment_header_octets = 48;
constexpr std::size_t header_checksummed_octets = 40;
constexpr std::size_t frame_checksummed_octets = 56;

std::uint64_t frame_checksum(const char* header, std::string_view metadata) {
    const std::uint64_t seed = XXH3_64bits(header, frame_checksummed_octets);
    return XXH3_64bits_withSeed(metadata.data(), metadata.size(), seed);
}

bool is_zero(std::string_view octets) {
    return std::all_of(octets.begin(), octets.end(), [](char octet) { return octet == 0; });
}

}  // namespace

std::array<char, sector_octets> encode(const SegmentHeader& header) {
    std::array<char, sector_octets> octets{};
    std::copy(segment_magic.begin(), segment_magic.end(), octets.begin());
    store(&octets[8], header.version);
    store(&octets[12], header.partition);
    store(&octets[16], header.segment);
    store(&octets[20], header.octets);
    store(&octets[24], header.nonce);
    store(&octets[40], XXH3_64bits(octets.data(), header_checksummed_octets));
    return octets;
}

DecodedHeader decode_segment_header(std::string_view octets) {
    DecodedHeader decoded;
    if (octets.size() < segment_header_octets || octets.substr(0, 8) != segment_magic) {
        decoded.fault = HeaderFault::foreign;
        return decoded;
    }
    const char* from = octets.data();
    decoded.version = load<std::uint16_t>(from + 8);
    const bool is_whole =
        load<std::uint64_t>(from + 40) == XXH3_64bits(from, header_checksummed_octets) &&
        is_zero(octets.substr(segment_header_octets));
    if (!is_whole) {
        decoded.fault = HeaderFault::damaged;
    } else if (decoded.version < format_version_oldest || decoded.version > format_version) {
        decoded.fault = HeaderFault::other_version;
    }
    decoded.header = {.partition = load<std::uint32_t>(from + 12),
                      .segment = load<std::uint32_t>(from + 16),
                      .octets = load<std::uint32_t>(from + 20),
                      .nonce = load<std::uint64_t>(from + 24),
                      .version = decoded.version};
    return decoded;
}

std::uint64_t Frame::octets() const {
    return in_sectors(frame_header_octets + std::uint64_t{metadata_octets} + payload_octets);
}

void encode(Frame& frame, std::string_view metadata, char* into) {
    store(into, frame_magic);
    store(into + 4, static_cast<std::uint32_t>(frame.kind));
    store(into + 8, frame.offset);
    store(into + 12, frame.flushed);
    store(into + 16, frame.metadata_octets);
    store(into + 20, frame.payload_octets);
    store(into + 24, frame.record_count);
    store(into + 28, frame.oldest_segment);
    store(into + 32, frame.position);
    store(into + 40, frame.nonce);
    store(into + 48, frame.predecessor);
    frame.checksum = frame_checksum(into, metadata);
    store(into + 56, frame.checksum);
}

std::optional<Frame> decode_frame(std::string_view octets) {
    if (octets.size() < frame_header_octets || load<std::uint32_t>(octets.data()) != frame_magic) {
        return std::nullopt;
    }
    const char* from = octets.data();
    const auto kind = load<std::uint32_t>(from + 4);
    if (kind < static_cast<std::uint32_t>(FrameKind::opening) ||
        kind > static_cast<std::uint32_t>(FrameKind::seal)) {
        return std::nullopt;
    }
    return Frame{.kind = static_cast<FrameKind>(kind),
                 .offset = load<std::uint32_t>(from + 8),
                 .flushed = load<std::uint32_t>(from + 12),
                 .metadata_octets = load<std::uint32_t>(from + 16),
                 .payload_octets = load<std::uint32_t>(from + 20),
                 .record_count = load<std::uint32_t>(from + 24),
                 .oldest_segment = load<std::uint32_t>(from + 28),
                 .position = load<std::uint64_t>(from + 32),
                 .nonce = load<std::uint64_t>(from + 40),
                 .predecessor = load<std::uint64_t>(from + 48),
                 .checksum = load<std::uint64_t>(from + 56)};
}

bool has_right_checksum(std::string_view header, std::string_view metadata) {
    return frame_checksum(header.data(), metadata) == load<std::uint64_t>(header.data() + 56);
}

std::uint64_t payload_checksum(std::string_view octets) {
    return XXH3_64bits(octets.data(), octets.size());
}

std::string segment_name(std::uint32_t segment) {
    std::string digits = std::to_string(segment);
    return "segment-" + std::string(10 - digits.size(), '0') + digits;
}

std::optional<std::uint32_t> parse_segment_name(std::string_view name) {
    constexpr std::string_view prefix = "segment-";
    if (!name.starts_with(prefix)) {
        return std::nullopt;
    }
    const char* const end = name.data() + name.size();
    std::uint32_t segment = 0;
    const auto [rest, failure] = std::from_chars(name.data() + prefix.size(), end, segment);
    const bool is_name =
        failure == std::errc{} && rest == end && segment > 0 && name == segment_name(segment);
    return is_name ? std::optional(segment) : std::nullopt;
}

}  // namespace xebec::broker::journal

#include "broker/journal/segment_reader.h"

#include "broker/journal/record_codec.h"

#include <algorithm>

namespace xebec::broker::journal {

namespace {

constexpr std::uint64_t window_octets_metadata = 128 << 10;
constexpr std::uint64_t window_octets_everything = 1 << 20;

bool is_apart_right(const Apart& apart, std::string_view payloads) {
    const std::uint64_t size = payload_prefix_octets + std::uint64_t{apart.octets};
    if (apart.offset > payloads.size() || size > payloads.size() - apart.offset) {
        return false;
    }
    const std::string_view stored = payloads.substr(apart.offset, size);
    return load<std::uint32_t>(stored.data()) == apart.octets &&
           load<std::uint64_t>(stored.data() + 4) == apart.checksum &&
           payload_checksum(stored.substr(payload_prefix_octets)) == apart.checksum;
}

// An opening may be written behind frames that follow it.
bool is_flushed_possible(const Frame& frame) {
    return frame.kind == FrameKind::opening || frame.flushed <= frame.offset;
}

}  // namespace

bool is_payload_part_right(std::string_view metadata, std::string_view payloads) {
    RecordDecoder decoder(metadata);
    while (decoder.next()) {
    }
    std::uint64_t expected = 0;
    for (const Apart& apart : decoder.apart()) {
        if (apart.offset != expected || !is_apart_right(apart, payloads)) {
            return false;
        }
        expected += payload_prefix_octets + std::uint64_t{apart.octets};
    }
    return expected == payloads.size();
}

SegmentReader::SegmentReader(runtime::File& file, const SegmentHeader& header, Depth depth)
    : file_(file), header_(header), depth_(depth) {}

// Fewer octets than asked for at the end of the file.
std::string_view SegmentReader::view(std::uint64_t offset, std::uint64_t size) {
    const bool is_there =
        offset >= window_offset_ && offset + size <= window_offset_ + window_.size();
    if (!is_there) {
        const std::uint64_t window =
            depth_ == Depth::metadata ? window_octets_metadata : window_octets_everything;
        const std::uint64_t left = header_.octets - std::min<std::uint64_t>(offset, header_.octets);
        const std::uint64_t wanted = std::max(size, std::min(window, left));
        window_.resize(0);
        window_.room(wanted);
        window_offset_ = offset;
        window_.advance(file_.read_at(offset, window_.data(), wanted));
    }
    return window_.view().substr(std::min<std::uint64_t>(offset - window_offset_, window_.size()),
                                 size);
}

// Whole by itself: in its place, of this life of the file, with the right checksum.
std::optional<Frame> SegmentReader::frame_at(std::uint64_t offset) {
    const auto frame = decode_frame(view(offset, frame_header_octets));
    if (!frame || frame->offset != offset || frame->nonce != header_.nonce ||
        frame->end() > header_.octets || !is_flushed_possible(*frame)) {
        return std::nullopt;
    }
    const std::uint64_t size =
        frame_header_octets + std::uint64_t{frame->metadata_octets} +
        (depth_ == Depth::everything ? std::uint64_t{frame->payload_octets} : 0);
    const std::string_view octets = view(offset, size);
    if (octets.size() < size) {
        return std::nullopt;
    }
    metadata_ = octets.substr(frame_header_octets, frame->metadata_octets);
    payloads_ = octets.substr(frame_header_octets + metadata_.size());
    return has_right_checksum(octets, metadata_) ? frame : std::nullopt;
}

std::optional<Frame> SegmentReader::read_opening() {
    const auto frame = frame_at(opening_offset);
    if (!frame || frame->kind != FrameKind::opening || frame->octets() != sector_octets) {
        return std::nullopt;
    }
    offset_ = frames_offset;
    checksum_ = frame->checksum;
    position_ = frame->position;
    return frame;
}

std::optional<Frame> SegmentReader::next() {
    if (is_over_) {
        return stop("the segment ends");
    }
    const auto frame = frame_at(offset_);
    if (!frame || !is_next(*frame)) {
        return stop("there is no frame, or it is not whole");
    }
    if (depth_ == Depth::everything && !is_payload_right(*frame)) {
        return stop("a payload is not what was written");
    }
    offset_ = frame->end();
    checksum_ = frame->checksum;
    position_ += frame->record_count;
    is_over_ = frame->kind == FrameKind::seal || frame->kind == FrameKind::closing;
    return frame;
}

bool SegmentReader::is_next(const Frame& frame) {
    return frame.kind != FrameKind::opening && frame.predecessor == checksum_ &&
           frame.position == position_;
}

bool SegmentReader::is_payload_right(const Frame& frame) {
    const std::string_view octets = view(offset_, frame.octets());
    const std::uint64_t used = frame_header_octets + std::uint64_t{frame.metadata_octets} +
                               std::uint64_t{frame.payload_octets};
    if (octets.size() < frame.octets()) {
        return false;
    }
    metadata_ = octets.substr(frame_header_octets, frame.metadata_octets);
    payloads_ = octets.substr(frame_header_octets + frame.metadata_octets, frame.payload_octets);
    const std::string_view padding = octets.substr(used);
    return std::all_of(padding.begin(), padding.end(), [](char c) { return c == 0; }) &&
           is_payload_part_right(metadata_, payloads_);
}

std::nullopt_t SegmentReader::stop(std::string fault) {
    metadata_ = {};
    payloads_ = {};
    fault_ = std::move(fault);
    return std::nullopt;
}

// One changed bit cannot hide both that a frame is of this life of the file and what precedes it.
bool SegmentReader::is_torn() {
    const std::string_view header = view(offset_, frame_header_octets);
    return !is_over_ && header.size() == frame_header_octets &&
           (load<std::uint64_t>(header.data() + 40) == header_.nonce ||
            (checksum_ != 0 && load<std::uint64_t>(header.data() + 48) == checksum_));
}

std::optional<Frame> SegmentReader::find_frame(std::uint64_t from) {
    for (std::uint64_t at = in_sectors(from); at + sector_octets <= header_.octets;
         at += sector_octets) {
        if (const auto frame = frame_at(at)) {
            return frame;
        }
    }
    return std::nullopt;
}

}  // namespace xebec::broker::journal

#pragma once
// Walks the chain of frames in one segment. The file may hold anything.

#include "broker/journal/format.h"
#include "broker/journal/octets.h"
#include "runtime/file_system.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::broker::journal {

enum class Depth {
    metadata,    // payloads that stand apart are skipped
    everything,  // and are verified with the rest
};

class SegmentReader {
public:
    // `file` has to outlive this.
    SegmentReader(runtime::File& file, const SegmentHeader& header, Depth depth);

    // The first frame, if it is whole. The chain begins behind it.
    std::optional<Frame> read_opening();

    // The next frame of the chain, or nothing: the chain ends at `offset`, for the reason `fault`.
    std::optional<Frame> next();
    std::string_view metadata() const { return metadata_; }  // until the next call
    std::string_view payloads() const { return payloads_; }  // with Depth::everything

    std::uint64_t offset() const { return offset_; }
    std::uint64_t checksum() const { return checksum_; }  // of the frame before
    std::uint64_t position() const { return position_; }
    const std::string& fault() const { return fault_; }

    // Whether anything at the end of the chain claims to belong here.
    bool is_torn();

    // The next frame at or behind `from` that is whole by itself, whatever stands before it.
    std::optional<Frame> find_frame(std::uint64_t from);

private:
    std::string_view view(std::uint64_t offset, std::uint64_t size);
    std::optional<Frame> frame_at(std::uint64_t offset);
    bool is_next(const Frame& frame);
    bool is_payload_right(const Frame& frame);
    std::nullopt_t stop(std::string fault);

    runtime::File& file_;
    SegmentHeader header_;
    Depth depth_;
    Buffer window_;
    std::uint64_t window_offset_ = 0;
    std::string_view metadata_;
    std::string_view payloads_;
    std::uint64_t offset_ = opening_offset;
    std::uint64_t checksum_ = 0;
    std::uint64_t position_ = 0;
    bool is_over_ = false;
    std::string fault_;
};

// Whether the payload part is what the metadata says: each payload whole, and nothing besides.
bool is_payload_part_right(std::string_view metadata, std::string_view payloads);

}  // namespace xebec::broker::journal

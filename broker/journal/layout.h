#pragma once
// Gives records their place: encodes them as frames, in the order in which they will lie on the
// disk. It knows nothing of files; whoever writes a batch completes the frames' headers.

#include "broker/journal/format.h"
#include "broker/journal/octets.h"
#include "broker/journal/position.h"
#include "broker/journal/record_codec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace xebec::broker::journal {

// Neighbouring frames of one segment.
struct Run {
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;  // in the segment
    std::size_t block = 0;     // of the batch
    std::size_t begin = 0;     // in the block
    std::size_t end = 0;
};

// What one flush makes durable. It lies in blocks of a MiB or more, so that it never has to move
// when it grows, and so that their memory can be used again.
class Batch {
public:
    std::vector<Run> runs;
    Position end = 0;

    bool empty() const { return runs.empty(); }
    std::uint64_t octets() const;
    char* at(const Run& run) { return blocks_[run.block].data() + run.begin; }
    Buffer& block(std::size_t index) { return blocks_[index]; }
    // For one more frame.
    std::size_t block_with_room();
    void clear();

private:
    std::vector<Buffer> blocks_;
    std::size_t blocks_used_ = 0;
};

class Layout {
public:
    struct Cursor {
        std::uint32_t segment = 1;
        std::uint64_t offset = frames_offset;
    };

    Layout(std::uint64_t segment_octets, Cursor cursor, Position end)
        : segment_octets_(segment_octets), cursor_(cursor), end_(end) {}

    // Adds the records as one frame, or as several if a segment cannot hold it. Appends their
    // places. Each record has to fit a segment.
    void add(std::span<const Record> records, Batch& batch, std::vector<Places>& places);

    // Room for a frame without records; nothing if the segment has none left.
    bool take_sector();

    const Cursor& cursor() const { return cursor_; }
    Position end() const { return end_; }

private:
    std::size_t add_frame(std::span<const Record> records, Batch& batch,
                          std::vector<Places>& places);
    void put_down(Frame& frame, std::size_t block, std::size_t begin, Batch& batch);
    std::uint64_t frame_octets_max() const {
        return segment_octets_ - frames_offset - ending_octets;
    }

    std::uint64_t segment_octets_;
    Cursor cursor_;
    Position end_;
};

}  // namespace xebec::broker::journal

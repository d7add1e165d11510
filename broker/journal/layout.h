#pragma once
// Encodes records as frames, and gives them their place, in the order in which they will lie on the
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

// Records as one frame, in memory of their owner's own. A batch's memory was read last where it was
// written to the disk, mostly by another processor, so that each of its cache lines has to come
// back to be written to. A processor lets only so many stores wait: small ones are all for one line
// then, those of a copy of the whole for many.
class FrameEncoder {
public:
    // Encodes records, from the first, as many as a segment of that size can hold in one frame, in
    // place of what was there. Appends their places, which `put_down` makes real; until then their
    // payloads are borrowed. Gives the rest.
    std::span<const Record> encode(std::span<const Record> records, std::uint64_t segment_octets,
                                   std::vector<Places>& places);

private:
    friend class Layout;

    RecordEncoder records_;
    std::uint32_t count_ = 0;
};

class Layout {
public:
    struct Cursor {
        std::uint32_t segment = 1;
        std::uint64_t offset = frames_offset;
    };

    Layout(std::uint64_t segment_octets, Cursor cursor, Position end)
        : segment_octets_(segment_octets), cursor_(cursor), end_(end) {}

    // Adds the frame to the batch, makes the places of its records real, and clears it.
    void put_down(FrameEncoder& encoded, Batch& batch, std::span<Places> places);

    // Room for a frame without records; nothing if the segment has none left.
    bool take_sector();

    const Cursor& cursor() const { return cursor_; }
    Position end() const { return end_; }

private:
    std::uint64_t segment_octets_;
    Cursor cursor_;
    Position end_;
};

}  // namespace xebec::broker::journal

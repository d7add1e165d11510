#include "broker/journal/tail.h"

#include <algorithm>

namespace xebec::broker::journal {

namespace {

// Looks at what lies behind the end of the chain.
void examine_rest(SegmentReader& reader, Tail& tail) {
    std::uint64_t torn_end = reader.is_torn() ? tail.end + sector_octets : tail.end;
    std::uint64_t from = tail.end;
    while (const auto frame = reader.find_frame(from)) {
        torn_end = std::max(torn_end, frame->end());
        from = frame->end();
        tail.is_damaged = tail.is_damaged || frame->flushed > tail.end;
    }
    tail.torn = torn_end - tail.end;
}

// A file is made whole before it gets its name, and only a start shortens it: when another follows.
void look_at_size(const FoundSegment& segment, Tail& tail) {
    const bool is_short = segment.file->size() < segment.header.octets;
    if (is_short && !tail.is_damaged && tail.successor == Tail::Successor::none) {
        tail.is_damaged = true;
        tail.fault = "the file is shorter than it was made";
    }
}

}  // namespace

Tail examine_tail(const FoundSegment& segment) {
    SegmentReader reader = segment.reader(Depth::everything);
    const auto opening = reader.read_opening();
    Tail tail{.flushed = std::max<std::uint64_t>(opening->flushed, opening_offset),
              .oldest = opening->oldest_segment};
    bool is_over = false;
    while (const auto frame = reader.next()) {
        tail.frames.push_back(*frame);
        tail.flushed = std::max<std::uint64_t>(tail.flushed, frame->flushed);
        tail.is_opening_flushed = tail.is_opening_flushed || frame->flushed >= frames_offset;
        tail.oldest = std::max(tail.oldest, frame->oldest_segment);
        is_over = frame->kind == FrameKind::closing || frame->kind == FrameKind::seal;
        tail.was_stopped_cleanly = frame->kind == FrameKind::closing;
        if (frame->kind == FrameKind::seal) {
            tail.successor =
                frame->metadata_octets > 0 ? Tail::Successor::begun : Tail::Successor::made;
        }
    }
    tail.end = reader.offset();
    tail.fault = reader.fault();
    if (!is_over) {
        examine_rest(reader, tail);
    }
    if (tail.flushed > tail.end) {
        tail.is_damaged = true;
    }
    look_at_size(segment, tail);
    return tail;
}

Tail examine_unopened(const FoundSegment& segment) {
    Tail tail{.end = opening_offset, .fault = "its first frame is not what was written"};
    SegmentReader reader = segment.reader(Depth::metadata);
    examine_rest(reader, tail);
    look_at_size(segment, tail);
    return tail;
}

std::uint32_t find_oldest_named(const FoundSegment& segment) {
    SegmentReader reader = segment.reader(Depth::metadata);
    std::uint32_t oldest = 0;
    std::uint64_t from = opening_offset;
    while (const auto frame = reader.find_frame(from)) {
        oldest = std::max(oldest, frame->oldest_segment);
        from = frame->end();
    }
    return oldest;
}

}  // namespace xebec::broker::journal

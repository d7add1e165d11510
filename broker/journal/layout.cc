#include "broker/journal/layout.h"

#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker::journal {

namespace {

constexpr std::size_t block_octets = 1 << 20;  // it takes no other frame once it has so many
// Memory beyond this is given back.
constexpr std::size_t block_octets_kept_max = 2 << 20;
constexpr std::size_t blocks_kept_max = 16;

}  // namespace

std::uint64_t Batch::octets() const {
    std::uint64_t octets = 0;
    for (const Run& run : runs) {
        octets += run.end - run.begin;
    }
    return octets;
}

std::size_t Batch::block_with_room() {
    if (blocks_used_ == 0 || blocks_[blocks_used_ - 1].size() >= block_octets) {
        if (blocks_used_ == blocks_.size()) {
            blocks_.emplace_back();
        }
        ++blocks_used_;
    }
    return blocks_used_ - 1;
}

void Batch::clear() {
    for (Buffer& block : blocks_) {
        block.clear(block_octets_kept_max);
    }
    blocks_.resize(std::min(blocks_.size(), blocks_kept_max));
    blocks_used_ = 0;
    runs.clear();
}

std::span<const Record> FrameEncoder::encode(std::span<const Record> records,
                                             std::uint64_t segment_octets,
                                             std::vector<Places>& places) {
    const std::uint64_t octets_max =
        segment_octets - frames_offset - ending_octets - frame_header_octets;
    records_.clear();
    const std::size_t first = places.size();
    places.resize(first + records.size());
    RecordEncoder::Extent before = records_.extent();
    std::size_t count = 0;
    while (count < records.size()) {
        records_.add(records[count], places[first + count]);
        const RecordEncoder::Extent after = records_.extent();
        if (after.octets() > octets_max) {
            records_.cut(before);
            break;
        }
        before = after;
        ++count;
    }
    check(count > 0, "a record fits a segment");
    places.resize(first + count);
    count_ = static_cast<std::uint32_t>(count);
    return records.subspan(count);
}

void Layout::put_down(FrameEncoder& encoded, Batch& batch, std::span<Places> places) {
    check(places.size() == encoded.count_, "each record of a frame has its place");
    const RecordEncoder::Extent extent = encoded.records_.extent();
    Frame frame{.kind = FrameKind::batch,
                .metadata_octets = static_cast<std::uint32_t>(extent.metadata),
                .payload_octets = static_cast<std::uint32_t>(extent.payloads),
                .record_count = encoded.count_,
                .position = end_};
    const std::uint64_t octets = frame.octets();
    if (cursor_.offset + octets + ending_octets > segment_octets_) {
        cursor_ = {cursor_.segment + 1, frames_offset};
        check(cursor_.offset + octets + ending_octets <= segment_octets_, "a frame fits a segment");
    }
    frame.offset = static_cast<std::uint32_t>(cursor_.offset);

    const std::size_t block = batch.block_with_room();
    Buffer& buffer = batch.block(block);
    const std::size_t begin = buffer.size();
    encode(frame, {}, buffer.room(octets));
    buffer.advance(frame_header_octets);
    encoded.records_.append_to(buffer);
    encoded.records_.clear();
    buffer.append_zeros(begin + octets - buffer.size());
    if (batch.runs.empty() || batch.runs.back().segment != cursor_.segment ||
        batch.runs.back().block != block) {
        batch.runs.push_back({.segment = cursor_.segment,
                              .offset = frame.offset,
                              .block = block,
                              .begin = begin,
                              .end = begin});
    }
    batch.runs.back().end += octets;
    const std::uint64_t metadata = cursor_.offset + frame_header_octets;
    for (Places& one : places) {
        place(one, cursor_.segment, metadata, metadata + frame.metadata_octets);
    }
    cursor_.offset += octets;
    end_ += frame.record_count;
    batch.end = end_;
}

bool Layout::take_sector() {
    if (cursor_.offset + sector_octets + ending_octets > segment_octets_) {
        return false;
    }
    cursor_.offset += sector_octets;
    return true;
}

}  // namespace xebec::broker::journal

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

void Layout::add(std::span<const Record> records, Batch& batch, std::vector<Places>& places) {
    while (!records.empty()) {
        records = records.subspan(add_frame(records, batch, places));
    }
}

std::size_t Layout::add_frame(std::span<const Record> records, Batch& batch,
                              std::vector<Places>& places) {
    const std::size_t block = batch.block_with_room();
    Buffer& octets = batch.block(block);
    const std::size_t begin = octets.size();
    const std::size_t places_begin = places.size();
    octets.room(frame_header_octets);
    octets.advance(frame_header_octets);
    RecordEncoder encoder(octets);
    encoder.begin();
    std::size_t count = 0;
    RecordEncoder::Extent before = encoder.extent();
    for (const Record& record : records) {
        encoder.add(record, places.emplace_back());
        const RecordEncoder::Extent after = encoder.extent();
        if (frame_header_octets + after.metadata + after.payloads > frame_octets_max()) {
            encoder.cut(before);
            places.pop_back();
            break;
        }
        before = after;
        ++count;
    }
    check(count > 0, "a record fits a segment");
    Frame frame{.kind = FrameKind::batch,
                .metadata_octets = static_cast<std::uint32_t>(encoder.extent().metadata),
                .payload_octets = static_cast<std::uint32_t>(encoder.extent().payloads),
                .record_count = static_cast<std::uint32_t>(count),
                .position = end_};
    encoder.finish();
    put_down(frame, block, begin, batch);
    const std::uint64_t metadata = frame.offset + frame_header_octets;
    for (std::size_t i = places_begin; i < places.size(); ++i) {
        place(places[i], cursor_.segment, metadata, metadata + frame.metadata_octets);
    }
    return count;
}

void Layout::put_down(Frame& frame, std::size_t block, std::size_t begin, Batch& batch) {
    const std::uint64_t octets = frame.octets();
    Buffer& buffer = batch.block(block);
    buffer.append_zeros(begin + octets - buffer.size());
    if (cursor_.offset + octets + ending_octets > segment_octets_) {
        cursor_ = {cursor_.segment + 1, frames_offset};
    }
    frame.offset = static_cast<std::uint32_t>(cursor_.offset);
    encode(frame, {}, buffer.data() + begin);
    if (batch.runs.empty() || batch.runs.back().segment != cursor_.segment ||
        batch.runs.back().block != block) {
        batch.runs.push_back({.segment = cursor_.segment,
                              .offset = frame.offset,
                              .block = block,
                              .begin = begin,
                              .end = begin});
    }
    batch.runs.back().end += octets;
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

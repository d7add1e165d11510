#include "broker/journal/segment_scanner.h"

#include "broker/journal/record_codec.h"
#include "broker/journal/segment_reader.h"

#include <array>
#include <string>
#include <utility>

namespace xebec::broker::journal {

namespace {

void note(const Record& record, Mentions& mentions) {
    if (const auto* accepted = std::get_if<TaskAccepted>(&record)) {
        mentions.tasks.push_back({accepted->number, accepted->id});
    } else if (const auto* carried = std::get_if<TaskCarried>(&record)) {
        mentions.tasks.push_back({carried->number, carried->id});
    } else if (const auto* tombstone = std::get_if<TombstoneCarried>(&record)) {
        mentions.tasks.push_back({tombstone->number, tombstone->id});
    } else if (const auto* changed = std::get_if<QueueChanged>(&record)) {
        mentions.queues.emplace_back(changed->queue);
    }
}

}  // namespace

void SegmentScanner::ask(std::uint32_t segment) {
    const std::lock_guard lock(mutex_);
    asked_ = segment;
}

std::optional<Mentions> SegmentScanner::take_answer() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answer_, std::nullopt);
}

bool SegmentScanner::work() {
    std::optional<std::uint32_t> segment;
    {
        const std::lock_guard lock(mutex_);
        segment = std::exchange(asked_, std::nullopt);
    }
    if (!segment) {
        return false;
    }
    Mentions mentions{.segment = *segment};
    try {
        mentions = scan(*segment);
    } catch (const runtime::FileError& error) {
        mentions.fault = error.what();
    }
    const std::lock_guard lock(mutex_);
    answer_ = std::move(mentions);
    return true;
}

Mentions SegmentScanner::scan(std::uint32_t segment) {
    const std::filesystem::path path = folder_ / segment_name(segment);
    Mentions mentions{.segment = segment};
    const auto file = files_.open(path, runtime::FileAccess::read);
    std::array<char, sector_octets> octets{};
    const std::size_t size = file->read_at(0, octets.data(), octets.size());
    const DecodedHeader decoded = decode_segment_header({octets.data(), size});
    if (decoded.fault != HeaderFault::none) {
        mentions.fault = path.string() + " has no right header";
        return mentions;
    }
    SegmentReader reader(*file, decoded.header, Depth::metadata);
    if (!reader.read_opening()) {
        mentions.fault = path.string() + " has no right opening";
        return mentions;
    }
    bool is_whole = false;
    while (const auto frame = reader.next()) {
        is_whole = frame->kind == FrameKind::seal;
        if (frame->kind != FrameKind::batch) {
            continue;
        }
        RecordDecoder decoder(reader.metadata());
        while (const auto record = decoder.next()) {
            note(*record, mentions);
        }
        if (!decoder.fault().empty()) {
            mentions.fault = path.string() + " at octet " + std::to_string(frame->offset) + ": " +
                             decoder.fault();
            return mentions;
        }
    }
    if (!is_whole) {
        mentions.fault =
            path.string() + " at octet " + std::to_string(reader.offset()) + ": " + reader.fault();
    }
    return mentions;
}

}  // namespace xebec::broker::journal

#include "broker/journal/recovery.h"

#include "broker/journal/frame_writer.h"
#include "broker/journal/journal_error.h"
#include "broker/journal/tail.h"
#include "runtime/failpoint.h"

#include <algorithm>
#include <string>

namespace xebec::broker::journal {

namespace {

class Recovery {
public:
    Recovery(SegmentFiles& files, const Replay& replay, const Ahead& ahead)
        : files_(files),
          folder_(files.options().folder),
          replay_(replay),
          ahead_(ahead),
          shelves_(replay_, ahead_) {}

    Recovered run();

private:
    void find_tail();
    void set_old_segments_aside();
    void settle_old_segments();
    void retire_old_segments();
    void replay_sealed(const FoundSegment& segment, const Frame& next);
    void replay_tail();
    void replay_frame(const FoundSegment& segment, const Frame& frame, std::string_view metadata,
                      std::uint32_t number, std::uint64_t offset);
    void keep_aside(const FoundSegment& segment, const Tail& tail);
    void reuse_unopened();
    void secure_opening();
    void begin_segment();
    Chain chain_at_flushed() const;
    std::uint64_t copy_frames(Chain chain);
    void seal_old(Chain chain, std::uint64_t opening_checksum);
    std::uint64_t octets_again() const;
    bool is_again(const Frame& frame) const {
        return frame.kind == FrameKind::batch && frame.offset >= tail_.flushed;
    }

    SegmentFiles& files_;
    std::filesystem::path folder_;
    const Replay& replay_;
    const Ahead& ahead_;

    std::vector<FoundSegment> opened_;
    ShelfReplay shelves_;
    std::vector<FoundSegment> unopened_;
    bool is_unopened_clean_ = true;
    Tail tail_;
    Recovered result_;
};

Recovered Recovery::run() {
    for (FoundSegment& segment :
         find_segments(files_.files(), folder_, files_.options().partition)) {
        (segment.opening ? opened_ : unopened_).push_back(std::move(segment));
    }
    find_tail();
    if (!opened_.empty()) {
        set_old_segments_aside();
        for (std::size_t i = 0; i + 1 < opened_.size(); ++i) {
            replay_sealed(opened_[i], *opened_[i + 1].opening);
        }
        replay_tail();
        settle_old_segments();
    }
    secure_opening();
    begin_segment();
    retire_old_segments();
    return std::move(result_);
}

void Recovery::find_tail() {
    for (const FoundSegment& segment : unopened_) {
        const Tail rest = examine_unopened(segment);
        if (rest.is_damaged) {
            throw JournalError::damage(segment.path, rest.end, rest.fault);
        }
        is_unopened_clean_ = is_unopened_clean_ && rest.torn == 0;
        keep_aside(segment, rest);
    }
    if (opened_.empty()) {
        if (!unopened_.empty() && unopened_.front().header.segment != 1) {
            throw JournalError::damage(unopened_.front().path, opening_offset,
                                       "its first frame is not what was written");
        }
        return;
    }
    const FoundSegment& last = opened_.back();
    tail_ = examine_tail(last);
    if (tail_.is_damaged) {
        throw JournalError::damage(last.path, tail_.end, tail_.fault);
    }
    if (tail_.successor != Tail::Successor::none && unopened_.empty()) {
        throw JournalError("segment " + std::to_string(last.header.segment + 1) +
                           " of the journal is missing in " + folder_.string() +
                           ": restore it, or see what xebec-broker --repair would cut");
    }
    if (tail_.successor == Tail::Successor::begun) {
        throw JournalError::damage(unopened_.front().path, opening_offset,
                                   "its first frame is not what was written");
    }
    keep_aside(last, tail_);
    result_.was_stopped_cleanly = tail_.was_stopped_cleanly;
}

void Recovery::set_old_segments_aside() {
    const auto first = std::find_if(
        opened_.begin(), std::prev(opened_.end()),
        [this](const auto& segment) { return segment.header.segment >= tail_.oldest; });
    std::for_each(opened_.begin(), first,
                  [this](FoundSegment& segment) { shelves_.add(std::move(segment)); });
    opened_.erase(opened_.begin(), first);
    if (opened_.front().header.segment > tail_.oldest) {
        throw JournalError("segment " + std::to_string(tail_.oldest) +
                           " of the journal is missing in " + folder_.string() +
                           ": restore it, or restore a backup");
    }
    expect_no_gap(opened_);
    expect_no_gap(unopened_);
    if (!unopened_.empty()) {
        expect_neighbours(opened_.back(), unopened_.front());
    }
}

void Recovery::settle_old_segments() {
    shelves_.expect_all(tail_.oldest, folder_);
    for (const auto& [number, segment] : shelves_.segments()) {
        if (shelves_.is_shelved(number)) {
            result_.shelves.insert(number);
            result_.segments.push_back({number, segment.file->size()});
        }
    }
    std::sort(result_.segments.begin(), result_.segments.end(),
              [](const SegmentUse& a, const SegmentUse& b) { return a.segment < b.segment; });
}

// Those that are not shelved were given up before a power cut took back their removal. What says so
// has to be on the disk, the end of the tail too.
void Recovery::retire_old_segments() {
    for (const auto& [number, segment] : shelves_.segments()) {
        if (!shelves_.is_shelved(number)) {
            files_.retire(number, true);
        }
    }
}

void Recovery::replay_sealed(const FoundSegment& segment, const Frame& next) {
    SegmentReader reader = segment.reader(Depth::metadata);
    reader.read_opening();
    while (reader.checksum() != next.predecessor) {
        const std::uint64_t offset = reader.offset();
        const auto frame = reader.next();
        if (!frame) {
            throw JournalError::damage(segment.path, offset, reader.fault());
        }
        replay_frame(segment, *frame, reader.metadata(), segment.header.segment, offset);
    }
    if (reader.position() != next.position) {
        throw JournalError::damage(segment.path, reader.offset(), "records are missing");
    }
    result_.segments.push_back({segment.header.segment, segment.file->size()});
}

// Frames that will be written again get their new place at once.
void Recovery::replay_tail() {
    const FoundSegment& segment = opened_.back();
    SegmentReader reader = segment.reader(Depth::everything);
    reader.read_opening();
    std::uint64_t again = frames_offset;
    for (const Frame& frame : tail_.frames) {
        reader.next();
        if (is_again(frame)) {
            replay_frame(segment, frame, reader.metadata(), segment.header.segment + 1, again);
            again += frame.octets();
        } else {
            replay_frame(segment, frame, reader.metadata(), segment.header.segment, frame.offset);
        }
    }
}

void Recovery::replay_frame(const FoundSegment& segment, const Frame& frame,
                            std::string_view metadata, std::uint32_t number, std::uint64_t offset) {
    if (frame.kind != FrameKind::batch) {
        return;
    }
    const std::uint64_t metadata_offset = offset + frame_header_octets;
    AnnouncedRecords records(metadata, ahead_);
    std::uint32_t count = 0;
    while (const auto record = records.next()) {
        Places places = records.decoder().places();
        place(places, number, metadata_offset, metadata_offset + frame.metadata_octets);
        replay_(*record, places);
        if (const auto* shelved = std::get_if<SegmentShelved>(&*record)) {
            shelves_.tell(*shelved);
        }
        ++count;
    }
    if (!records.decoder().fault().empty()) {
        throw JournalError::damage(segment.path, frame.offset, records.decoder().fault());
    }
    if (count != frame.record_count) {
        throw JournalError::damage(segment.path, frame.offset, "records are missing");
    }
}

void Recovery::keep_aside(const FoundSegment& segment, const Tail& tail) {
    if (tail.torn == 0) {
        return;
    }
    runtime::FileSystem& disk = files_.files();
    const std::string name = std::string(cut_prefix) + segment_name(segment.header.segment) + "-" +
                             std::to_string(tail.end);
    if (disk.exists(folder_ / name)) {  // an earlier start was killed here
        disk.remove(folder_ / name);
    }
    Buffer octets;
    octets.room(tail.torn);
    octets.advance(segment.file->read_at(tail.end, octets.data(), tail.torn));
    const auto file = disk.open(folder_ / name, runtime::FileAccess::create);
    file->write_at(0, octets.view());
    file->flush();
    disk.flush_folder(folder_);
    result_.cuts.push_back({segment.path, tail.end, octets.size(), folder_ / name});
}

// The next segment's file, if it was never written to, serves now. Otherwise it stays until another
// takes its name, so that a sealed segment never lacks its successor.
void Recovery::reuse_unopened() {
    while (unopened_.size() > 1) {
        const std::uint32_t segment = unopened_.back().header.segment;
        unopened_.pop_back();
        files_.retire(segment, true);
    }
    if (!unopened_.empty() && is_unopened_clean_ &&
        unopened_.front().header.version == format_version &&
        unopened_.front().header.octets == files_.options().segment_octets) {
        files_.adopt(unopened_.front().header);
    }
}

// Nothing says yet that the tail's own opening is on the disk. It may be in memory only; the same
// octets are written once more, so that it is.
void Recovery::secure_opening() {
    if (opened_.empty() || tail_.is_opening_flushed) {
        return;
    }
    const FoundSegment& segment = opened_.back();
    char octets[frames_offset];
    segment.file->read_at(0, octets, sizeof octets);
    const auto file = files_.files().open(segment.path, runtime::FileAccess::change);
    file->write_at(0, {octets, sizeof octets});
    file->flush();
    tail_.flushed = std::max<std::uint64_t>(tail_.flushed, frames_offset);
}

Chain Recovery::chain_at_flushed() const {
    Chain chain{.oldest = 1};
    if (opened_.empty()) {
        return chain;
    }
    const Frame* before = &*opened_.back().opening;
    for (const Frame& frame : tail_.frames) {
        before = frame.end() <= tail_.flushed ? &frame : before;
    }
    chain.checksum = before->checksum;
    chain.position = before->position + before->record_count;
    chain.oldest = tail_.oldest;
    return chain;
}

std::uint64_t Recovery::octets_again() const {
    std::uint64_t octets = 0;
    for (const Frame& frame : tail_.frames) {
        octets += is_again(frame) ? frame.octets() : 0;
    }
    return octets;
}

// The opening is written last: until it is on the disk, the old segment is the one that counts.
void Recovery::begin_segment() {
    const std::uint32_t number = opened_.empty() ? 1 : opened_.back().header.segment + 1;
    if (!opened_.empty()) {
        files_.raise_segment_octets(opened_.back().header.octets);
    }
    reuse_unopened();
    while (!files_.prepare(number)) {
    }
    XEBEC_FAILPOINT("start.before_copy");
    Head& head = result_.head;
    head.segment = files_.take_prepared();
    head.oldest = opened_.empty() ? 1 : tail_.oldest;
    const Chain old = chain_at_flushed();
    Chain chain = old;
    chain.nonce = head.segment.nonce;
    head.end = frames_offset + octets_again();
    std::array<char, sector_octets> octets{};
    Frame opening{.kind = FrameKind::opening,
                  .offset = opening_offset,
                  .flushed = static_cast<std::uint32_t>(head.end > frames_offset ? head.end
                                                                                 : opening_offset)};
    chain.link(opening, {}, octets.data());
    const std::uint64_t opening_checksum = chain.checksum;
    head.checksum = copy_frames(chain);
    XEBEC_FAILPOINT("start.before_opening");
    head.segment.file->write_at(opening_offset, {octets.data(), octets.size()});
    head.segment.file->flush();
    XEBEC_FAILPOINT("start.before_seal");
    seal_old(old, opening_checksum);
    head.flushed = head.end;
    head.position = old.position + result_.records_written_again;
    result_.segments.push_back({number, files_.options().segment_octets});
}

std::uint64_t Recovery::copy_frames(Chain chain) {
    std::uint64_t at = frames_offset;
    Buffer octets;
    for (const Frame& frame : tail_.frames) {
        if (!is_again(frame)) {
            continue;
        }
        octets.resize(0);
        octets.resize(frame.octets());
        opened_.back().file->read_at(frame.offset, octets.data(), octets.size());
        Frame again{.kind = FrameKind::batch,
                    .offset = static_cast<std::uint32_t>(at),
                    .flushed = opening_offset,
                    .metadata_octets = frame.metadata_octets,
                    .payload_octets = frame.payload_octets,
                    .record_count = frame.record_count};
        chain.link(again, octets.view().substr(frame_header_octets, frame.metadata_octets),
                   octets.data());
        result_.head.segment.file->write_at(at, octets.view());
        at += frame.octets();
        result_.records_written_again += frame.record_count;
    }
    if (at > frames_offset) {
        result_.head.segment.file->flush();
    }
    return chain.checksum;
}

void Recovery::seal_old(Chain chain, std::uint64_t opening_checksum) {
    if (opened_.empty()) {
        return;
    }
    const FoundSegment& segment = opened_.back();
    chain.nonce = segment.header.nonce;
    char successor[sizeof opening_checksum];
    store(successor, opening_checksum);
    const auto file = files_.files().open(segment.path, runtime::FileAccess::change);
    write_sector(*file, chain,
                 {.kind = FrameKind::seal,
                  .offset = static_cast<std::uint32_t>(tail_.flushed),
                  .flushed = static_cast<std::uint32_t>(tail_.flushed)},
                 {successor, sizeof successor});
    file->flush();
    XEBEC_FAILPOINT("start.sealed");
    const std::uint64_t end = tail_.flushed + sector_octets;
    if (file->size() > end) {
        file->truncate(end);
        file->flush();
    }
    result_.segments.push_back({segment.header.segment, end});
}

}  // namespace

Recovered recover(SegmentFiles& files, const Replay& replay, const Ahead& ahead) {
    return Recovery(files, replay, ahead).run();
}

}  // namespace xebec::broker::journal

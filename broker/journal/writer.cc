#include "broker/journal/writer.h"

#include "broker/journal/octets.h"
#include "protocol/check.h"
#include "runtime/failpoint.h"

#include <algorithm>

namespace xebec::broker::journal {

Writer::Writer(SegmentFiles files, Head head, Options options, Shared& shared)
    : files_(std::move(files)),
      options_(options),
      shared_(shared),
      segment_(std::move(head.segment)),
      chain_{.nonce = segment_.nonce,
             .checksum = head.checksum,
             .position = head.position,
             .oldest = head.oldest},
      end_(head.end),
      flushed_(head.flushed),
      oldest_named_(head.oldest) {}

std::optional<Instant> Writer::work(Instant now) {
    if (shared_.has_failed) {
        return std::nullopt;
    }
    try {
        return work_unguarded(now);
    } catch (const runtime::FileError& error) {
        fail(error.what());
        return std::nullopt;
    }
}

std::optional<Instant> Writer::work_unguarded(Instant now) {
    if (shared_.is_closed) {
        return std::nullopt;
    }
    // First, or a flood would put it off for ever. A batch that waits for a segment has named
    // nothing.
    if (batch_.empty() && flush_at_ && *flush_at_ <= now) {
        flush(now);
        return now;
    }
    if (take_batch()) {
        if (!write_batch(now)) {
            return retire_one(now) ? now : room_check_at_;
        }
        retire_one(now);
        while (!files_.needs_zeros() && !is_one_going() && prepare_next(now)) {
        }
        return now;
    }
    if (write_mark(now) || retire_one(now) || (!is_one_going() && prepare_next(now))) {
        return now;
    }
    return next_deadline();
}

std::optional<Instant> Writer::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& deadline : {room_check_at_, flush_at_, mark_at_}) {
        if (deadline && (!next || *deadline < *next)) {
            next = deadline;
        }
    }
    return next;
}

// ---- records ----

bool Writer::take_batch() {
    if (!batch_.empty()) {
        return true;  // it waits for a segment
    }
    const std::lock_guard lock(shared_.mutex);
    if (shared_.growing.empty()) {
        return false;
    }
    std::swap(batch_, shared_.growing);
    chain_.oldest = shared_.oldest_wanted;
    run_next_ = 0;
    return true;
}

bool Writer::write_batch(Instant now) {
    while (run_next_ < batch_.runs.size()) {
        const Run& run = batch_.runs[run_next_];
        if (run.segment != segment_.segment && !begin_segment(now)) {
            return false;
        }
        XEBEC_FAILPOINT("batch.before_write");
        write_run(run);
        ++run_next_;
    }
    XEBEC_FAILPOINT("batch.written");
    is_dirty_ = true;
    if (options_.flush_every == Duration{0}) {
        flush(now);
    } else if (!flush_at_) {
        flush_at_ = now + options_.flush_every;
    }
    XEBEC_FAILPOINT("batch.flushed");
    shared_.octets_waiting -= batch_.octets();
    note_durable();
    shared_.durable = batch_.end;
    XEBEC_FAILPOINT("batch.told");
    batch_.clear();
    return true;
}

void Writer::write_run(const Run& run) {
    check(run.offset == end_, "what is appended lies behind what is written");
    link_frames(run);
    segment_.file->write_at(run.offset, {batch_.at(run), run.end - run.begin});
    end_ += run.end - run.begin;
}

void Writer::link_frames(const Run& run) {
    const std::size_t size = run.end - run.begin;
    for (std::size_t at = 0; at < size;) {
        char* const octets = batch_.at(run) + at;
        auto frame = decode_frame({octets, size - at});
        check(frame.has_value(), "a batch consists of frames");
        frame->flushed = static_cast<std::uint32_t>(flushed_);
        chain_.link(*frame, {octets + frame_header_octets, frame->metadata_octets}, octets);
        at += frame->octets();
    }
}

// The old segment is whole on the disk before the new one says that it follows.
bool Writer::begin_segment(Instant now) {
    while (!next_) {
        files_.skip_zeros();  // under a flood there was no time for them
        if (!prepare_next(now)) {
            return false;
        }
    }
    XEBEC_FAILPOINT("next.before_seal");
    write_sector_frame(FrameKind::seal);
    flush_head();
    XEBEC_FAILPOINT("next.sealed");
    segment_ = std::move(*next_);
    next_.reset();
    chain_.nonce = segment_.nonce;
    end_ = opening_offset;
    flushed_ = opening_offset;
    write_sector_frame(FrameKind::opening);
    XEBEC_FAILPOINT("next.opened");
    note_segments();
    return true;
}

void Writer::write_sector_frame(FrameKind kind) {
    write_sector(*segment_.file, chain_,
                 {.kind = kind,
                  .offset = static_cast<std::uint32_t>(end_),
                  .flushed = static_cast<std::uint32_t>(flushed_)});
    end_ += sector_octets;
    is_dirty_ = true;
}

// ---- flushing ----

void Writer::flush_head() {
    segment_.file->flush();
    flushed_ = end_;
    is_dirty_ = false;
    oldest_named_ = chain_.oldest;
}

void Writer::flush(Instant now) {
    flush_head();
    flush_at_.reset();
    mark_at_ = now + options_.mark_after;
}

// Names what is on the disk, once nothing was appended for a while. Also when something else has to
// be said and there are no records to say it with.
bool Writer::write_mark(Instant now) {
    const auto kind = choose_mark(now);
    if (!kind) {
        return false;
    }
    if (*kind == FrameKind::closing && is_dirty_) {
        flush_head();
    }
    mark_at_.reset();
    flush_at_.reset();
    write_sector_frame(*kind);
    XEBEC_FAILPOINT("mark.written");
    flush_head();
    note_durable();
    shared_.is_closed = *kind == FrameKind::closing;
    return true;
}

std::optional<FrameKind> Writer::choose_mark(Instant now) {
    const std::lock_guard lock(shared_.mutex);
    if (!shared_.growing.empty()) {
        return std::nullopt;
    }
    if (shared_.is_closing) {
        return FrameKind::closing;  // its room is always kept
    }
    const bool must_name_oldest = shared_.oldest_wanted != oldest_named_;
    const bool is_due = mark_at_ && *mark_at_ <= now;
    if (!must_name_oldest && !is_due) {
        return std::nullopt;
    }
    if (!shared_.layout.take_sector()) {
        mark_at_.reset();  // the next segment will say it
        return std::nullopt;
    }
    chain_.oldest = shared_.oldest_wanted;
    return FrameKind::mark;
}

// ---- segments ----

// Its file will be the next one. But if that comes late, room has to be taken for another while
// there is a reserve.
bool Writer::is_one_going() const {
    const bool is_late = !files_.needs_zeros() && end_ > files_.options().segment_octets / 8;
    if (is_late || shared_.is_disk_full) {
        return false;
    }
    const std::lock_guard lock(shared_.mutex);
    return (shared_.is_trim_announced && shared_.holds.empty()) ||
           shared_.find_free(shared_.oldest_wanted).has_value();
}

// Works on the next segment for a while. False: there is nothing to do now.
bool Writer::prepare_next(Instant now) {
    if (next_ || (room_check_at_ && *room_check_at_ > now)) {
        return false;
    }
    try {
        if (files_.prepare(segment_.segment + 1)) {
            next_ = files_.take_prepared();
        }
        room_check_at_.reset();
        shared_.is_disk_full = false;
        return true;
    } catch (const runtime::FileError& error) {
        if (!error.is_disk_full()) {
            throw;
        }
        room_check_at_ = now + options_.room_check_every;
        shared_.is_disk_full = true;
        return false;
    }
}

// Removes the oldest segment that is needed no more, once what says so is on the disk: the frame
// that names it, or, of a shelved one, everything that was written before its owner let go of it.
bool Writer::retire_one(Instant now) {
    std::optional<std::uint32_t> segment;
    {
        const std::lock_guard lock(shared_.mutex);
        segment = shared_.find_free(oldest_named_);
        if (!segment) {
            return false;
        }
        std::erase_if(shared_.segments,
                      [&segment](const SegmentUse& use) { return use.segment == *segment; });
    }
    if (is_dirty_ && batch_.empty()) {
        flush(now);
    } else if (is_dirty_) {  // it waits for a segment, and what it names is not written
        segment_.file->flush();
        flushed_ = end_;
        is_dirty_ = false;
    }
    files_.retire(*segment, !next_.has_value());
    room_check_at_.reset();
    return true;
}

void Writer::note_segments() {
    const std::lock_guard lock(shared_.mutex);
    shared_.segments.push_back({segment_.segment, files_.options().segment_octets});
}

// Before anybody is told of it: a backup has all that was said.
void Writer::note_durable() {
    const std::lock_guard lock(shared_.mutex);
    shared_.durable_end = {segment_.segment, end_, chain_.oldest};
}

void Writer::fail(const std::string& why) {
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.failure = why;
    }
    shared_.has_failed = true;
}

}  // namespace xebec::broker::journal

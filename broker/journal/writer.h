#pragma once
// The disk's side of a journal: writes and flushes what its owner appended, keeps the next segment
// ready and removes old ones. A state machine: it does one piece of work when called, and says when
// it wants to be called again.

#include "broker/journal/frame_writer.h"
#include "broker/journal/segment_files.h"
#include "broker/journal/shared.h"
#include "protocol/time.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace xebec::broker::journal {

class Writer {
public:
    struct Options {
        Duration flush_every{0};  // 0: nothing counts as durable before it is flushed
        Duration mark_after = std::chrono::milliseconds{100};
        Duration room_check_every = std::chrono::seconds{1};  // of a full disk
    };

    Writer(SegmentFiles files, Head head, Options options, Shared& shared);

    // One piece of work. Gives when there will be more without anybody appending: at once if that
    // is not later than `now`. After a failure there never is.
    std::optional<Instant> work(Instant now);

private:
    std::optional<Instant> work_unguarded(Instant now);
    bool take_batch();
    bool write_batch(Instant now);  // false: it has to wait for a segment
    void write_run(const Run& run);
    void link_frames(const Run& run);
    bool begin_segment(Instant now);
    void flush(Instant now);
    void flush_head();
    bool write_mark(Instant now);
    std::optional<FrameKind> choose_mark(Instant now);
    void write_sector_frame(FrameKind kind);
    bool is_one_going() const;
    bool prepare_next(Instant now);
    bool retire_one(Instant now);
    void fail(const std::string& why);
    void note_segments();
    void note_durable();
    std::optional<Instant> next_deadline() const;

    SegmentFiles files_;
    Options options_;
    Shared& shared_;

    // The segment that is written to.
    FreshSegment segment_;
    Chain chain_;
    std::uint64_t end_ = 0;      // of what is written
    std::uint64_t flushed_ = 0;  // everything before is on the disk
    std::uint32_t oldest_named_ = 1;

    Batch batch_;  // being written
    std::size_t run_next_ = 0;
    bool is_dirty_ = false;  // something is written and not flushed
    std::optional<FreshSegment> next_;
    std::optional<Instant> room_check_at_;  // the disk is full
    std::optional<Instant> flush_at_;
    std::optional<Instant> mark_at_;
};

}  // namespace xebec::broker::journal

#pragma once
// The journal: the durable sequence of records. Its owner appends and is told what has become
// durable; the disk's side does the work. Both are driven by hand, or the disk's side by threads
// (threads.h). docs/journal.md describes the files.

#include "broker/journal/journal_error.h"
#include "broker/journal/layout.h"
#include "broker/journal/payload_reader.h"
#include "broker/journal/piece_reader.h"
#include "broker/journal/recovery.h"
#include "broker/journal/shared.h"
#include "broker/journal/writer.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace xebec::broker::journal {

struct Options {
    std::filesystem::path folder;  // made if absent
    std::uint32_t partition = 0;
    std::uint64_t segment_octets = segment_octets_default;  // smaller in tests
    std::uint64_t seed = 0;                                 // random, another one in every run
    Writer::Options writer;
};

class Journal {
public:
    // Verifies what is there, gives back its records, and begins a new segment. May be killed
    // anywhere and repeated. Throws JournalError or runtime::FileError with a sentence for people.
    Journal(runtime::FileSystem& files, const Options& options, const Replay& replay,
            const Ahead& ahead = {});

    // What the start found.
    const std::vector<CutTail>& cuts() const { return cuts_; }
    std::uint64_t records_written_again() const { return records_written_again_; }
    bool was_stopped_cleanly() const { return was_stopped_cleanly_; }

    // ---- the owner's side: one thread, never waits for the disk ----

    // Takes the records of one step; they become durable together. Gives the position of the first;
    // the one behind it is that plus one, and so on. Every record has to fit a segment. The disk's
    // side hears of them from `write`.
    Position append(std::span<const Record> records);
    void write();
    // Where the payloads of the records last appended will lie; valid until the next append.
    std::span<const Places> places() const { return places_; }
    // The segment in which the last record lies.
    std::uint32_t segment() const { return segment_; }
    // How much of that segment is taken.
    std::uint64_t segment_taken() const { return segment_taken_; }
    std::uint64_t segment_octets() const { return segment_octets_; }

    Position end() const { return end_; }
    // Everything before this position survives a power cut; with `flush_every`, a crash of the
    // process.
    Position durable_position() const { return shared_.durable; }
    // The owner need not be woken up before so much is durable.
    void await(Position position) { shared_.awaited = position; }
    std::uint64_t octets_waiting() const { return shared_.octets_waiting; }

    // Oldest first.
    std::vector<SegmentUse> segments() const;
    // A segment will be trimmed soon. If that is before the one that is written to is full, its
    // file does for the next one, and none is made.
    void announce_trim();
    // Segments before this one are needed no more, but for those that are shelved, as the one just
    // before it may be from now on. They go once that is on the disk too.
    enum class Before { goes, is_shelved };
    void trim(std::uint32_t first_needed, Before before = Before::goes);
    // One that was shelved, which is needed no more.
    void unshelve(std::uint32_t segment);
    std::set<std::uint32_t> shelves() const;
    // The first that is needed, those that are shelved aside.
    std::uint32_t oldest() const;

    // There is no room for another segment; what is left takes records still. Ends by itself.
    bool is_disk_full() const { return shared_.is_disk_full; }
    // A write, flush, truncate or rename failed: nothing becomes durable any more, for ever.
    bool has_failed() const { return shared_.has_failed; }
    std::string failure() const;

    // What is asked for has to be durable, and its segment may not be trimmed before the answer.
    void read(std::span<const ReadRequest> requests);
    std::vector<ReadAnswer> take_answers() { return reader_.take_answers(); }

    // What is durable now, for a backup: segments, oldest first, and how many octets of each. They
    // stay until it is released.
    std::vector<SegmentUse> hold(std::uint64_t backup);
    void release(std::uint64_t backup);
    // Of a segment that is held.
    void read_pieces(std::span<const PieceRequest> requests);
    std::vector<PieceAnswer> take_pieces() { return pieces_.take_answers(); }

    // After the last append: the disk's side writes everything, then a closing frame.
    void close();
    bool is_closed() const { return shared_.is_closed; }  // all of that is on the disk

    // ---- the disk's side ----

    // Whether the owner waits for what is durable now.
    bool is_awaited() const { return shared_.durable >= shared_.awaited; }

    // One piece of work; when there is more without an append (see Writer::work). One thread.
    std::optional<Instant> work(Instant now) { return writer_->work(now); }
    // Answers what was asked for; false if there was nothing. One thread, may be another.
    bool work_reads() { return reader_.work() || pieces_.work(); }
    // After that: something could not be read yet, and should be tried again soon.
    bool must_retry_reads() const { return reader_.must_retry() || pieces_.must_retry(); }

    // Called by the owner's side when the disk's has something to do.
    std::function<void()> on_work = [] {};
    std::function<void()> on_reads = [] {};

private:
    std::vector<CutTail> cuts_;
    std::uint64_t records_written_again_ = 0;
    bool was_stopped_cleanly_ = false;
    Shared shared_;
    PayloadReader reader_;
    PieceReader pieces_;
    std::optional<Writer> writer_;
    FrameEncoder frame_;
    std::vector<Places> places_;
    Position end_ = 0;
    std::uint32_t segment_ = 0;
    std::uint64_t segment_taken_ = 0;
    std::uint64_t segment_octets_ = 0;
    bool has_news_ = false;  // for the disk's side
};

}  // namespace xebec::broker::journal

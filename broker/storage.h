#pragma once
// The journal of this run, of the kind that --durability asks for: on the disk, with the threads
// that write and read it, or none at all.

#include "broker/core/core.h"
#include "broker/journal/journal.h"
#include "broker/journal/memory_journal.h"
#include "broker/journal/owner.h"
#include "broker/journal/threads.h"
#include "broker/options.h"
#include "runtime/heap.h"
#include "runtime/posix_files.h"
#include "runtime/signals.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace xebec::broker {

class Storage {
public:
    // Gives the core everything that the folder's journal has, so that it can resume. Throws what a
    // journal throws; StoppedAtStart if a signal comes meanwhile.
    Storage(const Options& options, const runtime::Signals& signals, runtime::HeapReserve& heap,
            Core& core);

    // Takes the records of one step; gives the position of the first.
    Position append(std::span<const Record> records);
    // Has the disk's side write what was appended.
    void write();
    Position durable_position() const {
        return disk_ ? disk_->journal.durable_position() : memory_.durable_position();
    }

    // Where the records of the last append lie; none without a disk.
    std::span<const Places> places() const {
        return disk_ ? disk_->journal.places() : std::span<const Places>{};
    }

    // See journal::Owner: nothing of that without a disk.
    bool await(std::optional<Position> first);
    void read(std::span<const ReadOctets> reads);
    std::vector<journal::ReadAnswer> take_answers();

    // What is durable now and stays until it is released; nothing without a disk.
    std::vector<SegmentUse> hold(std::uint64_t backup);
    void release(std::uint64_t backup);
    void read_pieces(std::span<const ReadPiece> pieces);
    std::vector<journal::PieceAnswer> take_pieces();

    std::optional<JournalChanged> take_change();
    std::optional<SegmentChosen> look_for_garbage(const State& state, Instant now);
    void trim_to(std::uint32_t first_needed, journal::Journal::Before before);
    void unshelve(std::uint32_t segment);
    void keep_segment(Instant now);
    bool take_segment_change();
    std::uint64_t journal_octets() const;  // of its segments; 0 without a disk

    // Throws std::runtime_error if a write or flush has failed: nothing may be said any more.
    void check() const;

    // After the last append: waits until everything is on the disk. False: that took too long.
    bool close(Instant latest);

    // Becomes readable when something is durable or has changed; -1 without a disk.
    int descriptor() const { return disk_ ? disk_->threads.wakeup().descriptor() : -1; }
    void clear_wakeup() const { disk_->threads.wakeup().clear(); }

private:
    struct Disk {
        Disk(runtime::FileSystem& files, const journal::Options& options,
             const journal::Replay& replay, const journal::Ahead& ahead)
            : journal(files, options, replay, ahead), owner(journal, {}), threads(journal) {}

        journal::Journal journal;
        journal::Owner owner;
        journal::Threads threads;
    };

    void open(const Options& options, const runtime::Signals& signals, runtime::HeapReserve& heap,
              Core& core);

    runtime::PosixFiles files_;
    MemoryJournal memory_;
    std::unique_ptr<Disk> disk_;
    bool was_full_ = false;
};

// Asked to stop while the journal was read: nothing has been changed.
class StoppedAtStart {};

}  // namespace xebec::broker

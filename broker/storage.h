#pragma once
// The journal of this run, of the kind that --durability asks for: on the disk, with the threads
// that write and read it, or none at all.

#include "broker/core/core.h"
#include "broker/journal/journal.h"
#include "broker/journal/memory_journal.h"
#include "broker/journal/threads.h"
#include "broker/options.h"
#include "runtime/posix_files.h"
#include "runtime/signals.h"

#include <absl/container/btree_map.h>

#include <cstdint>
#include <deque>
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
    Storage(const Options& options, const runtime::Signals& signals, Core& core);

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

    // To be woken up when everything before `first` is durable; nothing: when this has to go on by
    // itself. False: it is durable already.
    bool await(std::optional<Position> first);

    // Reads once everything that was appended so far is durable.
    void read(std::span<const ReadOctets> reads);
    // Asks for what may be read now, and gives what has been.
    std::vector<journal::ReadAnswer> take_answers();

    // What has to be told to the core, if that has changed.
    std::optional<JournalChanged> take_change();

    // The segment before which nothing is needed once what was appended so far is durable.
    void trim_to(std::uint32_t first_needed);

    // The core is to tell again what is needed of the journal's oldest segment.
    std::shared_ptr<const Mentions> take_scan();
    // Whether to begin that, now that so many octets of the journal are needed still.
    void look_for_garbage(std::uint64_t live_octets, Instant now);

    // Whether another segment was begun since the last call.
    bool take_segment_change();

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
             const journal::Replay& replay)
            : journal(files, options, replay), threads(journal) {}

        journal::Journal journal;
        journal::Threads threads;
    };

    struct HeldReads {
        Position position = 0;
        std::vector<journal::ReadRequest> requests;
    };

    void trim();
    void open(const Options& options, const runtime::Signals& signals, Core& core);
    void ask_for_durable();

    runtime::PosixFiles files_;
    MemoryJournal memory_;
    std::unique_ptr<Disk> disk_;
    JournalChanged told_;
    std::deque<HeldReads> held_reads_;
    absl::btree_map<std::uint32_t, std::size_t> reads_by_segment_;  // not answered yet
    std::uint32_t segment_seen_ = 0;
    bool is_carrying_ = false;
    std::uint32_t trim_to_ = 0;  // 0: nothing to do
    Position trim_at_ = 0;
    std::uint32_t first_kept_ = 0;  // the disk's side may still have to remove those before
    Instant looks_again_at_{};
};

// Asked to stop while the journal was read: nothing has been changed.
class StoppedAtStart {};

}  // namespace xebec::broker

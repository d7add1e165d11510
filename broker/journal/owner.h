#pragma once
// What the owner of a journal does besides appending: reads wait until they may be read, segments
// of which little is needed are told again and go, others are shelved, and the core hears what the
// disk can take. It needs no thread and is told the time.

#include "broker/core/effects.h"
#include "broker/core/events.h"
#include "broker/core/segment_table.h"
#include "broker/core/shelves.h"
#include "broker/core/tombstones.h"
#include "broker/journal/journal.h"

#include <absl/container/btree_map.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace xebec::broker::journal {

// What of the journal is needed still.
struct Needs {
    std::uint64_t live_octets = 0;  // what telling all of it again would take
    const SegmentTable& segments;   // of that, what each segment has
    const Shelves& shelves;
    const Tombstones& tombstones;
};

class Owner {
public:
    struct Options {
        // Beyond this much that is not written yet, new tasks are refused until half of it is.
        std::uint64_t octets_waiting_max = 64 << 20;
        std::uint64_t octets_waiting_busy = 4 << 20;  // what need not be told again soon waits
    };

    Owner(Journal& journal, const Options& options) : journal_(journal), options_(options) {}

    // To be woken up when everything before `first` is durable; nothing: when this has to go on by
    // itself. False: it is durable already.
    bool await(std::optional<Position> first);

    // Reads once everything that was appended so far is durable.
    void read(std::span<const ReadOctets> reads);
    // Asks for what may be read now, and gives what has been.
    std::vector<ReadAnswer> take_answers();

    // What has to be told to the core, if that has changed.
    std::optional<JournalChanged> take_change();

    // Whether to tell a segment again: the oldest one, or one that was shelved and has been left by
    // many of its tasks. What is chosen has to be applied before anything else is.
    std::optional<SegmentChosen> look_for_garbage(const Needs& needs, Instant now);
    // The segment before which nothing is needed once what was appended so far is durable, but for
    // those that are shelved. It goes then, when nothing is being read from it any more.
    void trim_to(std::uint32_t first_needed, Journal::Before before = Journal::Before::goes);
    // The same of one that was shelved: which was told again, or found empty when another was.
    void unshelve(std::uint32_t segment);

    // What was to be told again stays, for now: it is looked at again in a while.
    void keep_segment(Instant now);

    // Whether another segment was begun since the last call, or since the start.
    bool take_segment_change();

private:
    struct HeldReads {
        Position position = 0;
        std::vector<ReadRequest> requests;
    };

    // A segment that was told again.
    struct Told {
        std::uint32_t segment = 0;
        enum class Then { goes, is_shelved, is_unshelved } then = Then::goes;
        bool ends_carrying = true;
        Position at = 0;  // when it is durable up to here
    };
    // What is sealed.
    struct Sealed {
        std::vector<SegmentUse> segments;  // oldest first
        std::vector<SegmentUse> shelves;
        std::uint64_t octets = 0;       // of all these
        bool is_another_begun = false;  // it says where the oldest ends
    };

    void ask_for_durable();
    void trim();
    bool is_read_still(const Told& told) const;
    Sealed look_at_segments() const;
    enum class Room { enough, exceeded_soon, exceeded };
    static Room look_at_room(std::uint64_t octets, std::uint64_t live_octets, std::uint64_t more,
                             std::uint64_t to_come);
    Room look_at_room(const Sealed& sealed, const Needs& needs) const;
    std::optional<SegmentUse> find_left_shelf(const Sealed& sealed, const Needs& needs) const;
    SegmentChosen begin_carrying(std::uint32_t segment, Carry carry, const Needs& needs);
    std::uint64_t octets_appended() const;
    std::size_t carry_due() const;

    Journal& journal_;
    Options options_;
    JournalChanged told_;
    std::deque<HeldReads> held_reads_;
    absl::btree_map<std::uint32_t, std::size_t> reads_by_segment_;  // not answered yet
    std::uint32_t segment_seen_ = 0;
    bool is_carrying_ = false;
    Carry carry_ = Carry::everything;
    bool is_urgent_ = false;           // there is too much already
    std::size_t mentions_ = 0;         // tasks and tombstones in the segment that is told again
    std::uint64_t carries_from_ = 0;   // where the journal was when that began,
    std::uint64_t carries_until_ = 0;  // and where it should have ended
    std::deque<Told> told_segments_;
    Instant looks_again_at_{};
    Instant kept_until_{};  // what is damaged keeps a segment
};

}  // namespace xebec::broker::journal

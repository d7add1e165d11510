#pragma once
// What the broker of a simulated world keeps its records in: the real journal on its machine's
// disk, whose side of the work takes simulated time, or memory only.

#include "broker/core/effects.h"
#include "broker/core/events.h"
#include "broker/journal/journal.h"
#include "broker/journal/memory_journal.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/schedule.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace xebec::simulation {

class Store {
public:
    // Of the program around it.
    struct Host {
        // Plans something that does not happen if the program is gone by then.
        std::function<void(Duration, std::function<void()>)> later;
        std::function<void()> has_news;   // something is durable, or has changed
        std::function<void()> is_killed;  // in the middle of a piece of work
    };

    Store(Machine& machine, Schedule& schedule, Dice& dice, Host host)
        : machine_(machine), schedule_(schedule), dice_(dice), host_(std::move(host)) {}

    // Throws what a journal throws, and testing::Killed.
    void open(const broker::journal::Replay& replay);
    bool is_durable() const { return journal_ != nullptr; }

    broker::Position append(std::span<const broker::Record> records);
    std::span<const broker::Places> places() const;  // of the records last appended
    // Once everything appended before is durable.
    void read(std::span<const broker::ReadOctets> reads);
    std::vector<broker::journal::ReadAnswer> take_answers();
    // As far as the program has noticed.
    broker::Position durable_position() const;
    broker::Position end() const;
    // True once after the last append began another segment.
    bool take_segment_change();

    std::optional<broker::JournalChanged> take_change();
    bool has_failed() const { return journal_ && journal_->has_failed(); }

private:
    void want_work(Instant at);
    void begin_work();
    void work();
    void work_reads();
    Duration next_length();

    Machine& machine_;
    Schedule& schedule_;
    Dice& dice_;
    Host host_;
    broker::MemoryJournal memory_;
    std::unique_ptr<broker::journal::Journal> journal_;
    broker::Position noticed_ = 0;
    std::uint32_t segment_ = 0;
    broker::JournalChanged told_;
    bool is_working_ = false;
    std::optional<Instant> works_at_;

    struct HeldReads {
        broker::Position position = 0;
        std::vector<broker::journal::ReadRequest> requests;
    };
    std::deque<HeldReads> held_reads_;
};

}  // namespace xebec::simulation

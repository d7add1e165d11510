#pragma once
// What the broker of a simulated world keeps its records in: the real journal on its machine's
// disk, whose side of the work takes simulated time, or memory only.

#include "broker/journal/journal.h"
#include "broker/journal/memory_journal.h"
#include "broker/journal/owner.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/schedule.h"

#include <cstdint>
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
    // As far as the program has noticed.
    broker::Position durable_position() const;
    broker::Position end() const;
    // None without a disk: the journal, and what its owner does.
    broker::journal::Journal* journal() { return journal_.get(); }
    broker::journal::Owner* owner() { return owner_ ? &*owner_ : nullptr; }
    bool has_failed() const { return journal_ && journal_->has_failed(); }
    bool was_stopped_cleanly() const { return journal_->was_stopped_cleanly(); }

    // After the last append. The disk's side goes on for as long as it takes.
    void close() { journal_->close(); }
    bool is_closed() const { return journal_->is_closed(); }

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
    std::optional<broker::journal::Owner> owner_;
    broker::Position noticed_ = 0;
    bool is_working_ = false;
    std::optional<Instant> works_at_;
};

}  // namespace xebec::simulation

#pragma once
// How many tasks a worker asks for. Slow tasks get exactly its slots, so that none waits here while
// another worker is idle; tasks of microseconds get thousands, so that no slot waits for the
// broker.

#include "protocol/limits.h"
#include "protocol/time.h"

#include <cstddef>
#include <cstdint>

namespace xebec::worker {

class CreditRule {
public:
    // What waits behind a slot must be through within this time.
    static constexpr Duration wait_max = std::chrono::milliseconds(20);
    // Payloads held ahead stay within this, however small their run time is.
    static constexpr std::size_t octets_max = 64 << 20;

    explicit CreditRule(std::uint32_t slots) : slots_(slots), wanted_(slots) {}

    void set_max(std::uint32_t credit_max);  // the broker's; 0: it names none

    // A task came with this payload, and now so many are held.
    void note_assigned(std::size_t payload_octets, std::size_t held);
    void note_finished(Duration run, std::size_t result_octets);
    // All slots are busy, and none has begun a task for this long.
    void note_stuck(Duration elapsed);

    std::uint32_t wanted() const { return wanted_; }
    std::uint32_t slots() const { return slots_; }

    // Whether the broker should hear of the change: by a quarter, or down to the slots.
    bool is_worth_telling(std::uint32_t told) const;

private:
    std::uint32_t limit() const;
    void shrink();

    std::uint32_t slots_;
    std::uint32_t wanted_;
    std::uint32_t max_ = worker_credit_max;
    Duration run_{0};                  // smoothed
    std::int64_t payload_octets_ = 0;  // smoothed
    std::int64_t result_octets_ = 0;   // smoothed
    bool was_full_ = false;            // since it last grew
    std::uint64_t finished_ = 0;       // since it last grew
};

}  // namespace xebec::worker

#pragma once
// What all scenarios share: the seeds, and sets of faults.

#include "tests/simulation/world.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace xebec::simulation {

// A sanitizer makes a scenario take ten times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t seed_last = 1;
#else
constexpr std::uint64_t seed_last = 8;
#endif

inline std::vector<std::uint64_t> seeds() {
    if (const char* seed = std::getenv("XEBEC_SEED")) {
        return {std::stoull(seed)};
    }
    std::vector<std::uint64_t> fixed;
    for (std::uint64_t seed = 1; seed <= seed_last; ++seed) {
        fixed.push_back(seed);
    }
    return fixed;
}

class Simulation : public ::testing::TestWithParam<std::uint64_t> {
protected:
    // Also for an invariant that aborts: the seed stands in the output before anything can fail.
    void SetUp() override {
        std::printf("replay: XEBEC_SEED=%llu, scenario %s\n",
                    static_cast<unsigned long long>(GetParam()),
                    ::testing::UnitTest::GetInstance()->current_test_info()->name());
        std::fflush(stdout);
    }
};

inline Faults lossy_network() {
    return {.loss = 0.05, .repeat = 0.02, .reorder = 0.05, .delay_max = 40ms};
}

inline Faults every_fault_but_of_the_disk() {
    Faults faults = lossy_network();
    faults.worker_crash_mean_s = 10;
    faults.client_crash_mean_s = 15;
    faults.worker_stall_mean_s = 15;
    faults.broker_stall_mean_s = 60;
    faults.wall_jump_mean_s = 60;
    faults.cut_mean_s = 10;
    return faults;
}

inline Manners bad_manners() {
    return {.heartbeats_while_busy = 0.5,
            .ready_while_busy = 0.05,
            .lies = 0.2,
            .repeats = 0.1,
            .rambles = 0.05,
            .takes_long = 0.1,
            .dawdles = 0.6};
}

inline const WishOptions plain_tasks{.kinds = {"plain"}, .queue = "plain"};

// ---- of a broker with a journal ----

// Most payloads and results are in the journal only, and have to be read back.
inline broker::CoreOptions little_memory() {
    return {.octets_in_memory_max = 64 << 10};
}

// From a tenth of a millisecond to fifty, sometimes a second, seldom thirty.
constexpr DiskTimes slow_disk{.least = 100us, .most = 50ms, .slow = 0.003, .very_slow = 0.0002};

}  // namespace xebec::simulation

#pragma once
// The computer on which the broker runs: what outlives a run of its process.

#include "protocol/time.h"
#include "tests/simulation/network.h"
#include "tests/support/simulated_disk.h"

#include <cstdint>
#include <set>

namespace xebec::simulation {

struct MachineOptions {
    bool has_journal = false;  // else the broker keeps everything in memory only
    // Small, so that segments change often.
    std::uint64_t segment_octets = 64 << 10;
};

struct Machine {
    Machine(const MachineOptions& chosen, std::uint64_t seed) : options(chosen), disk(seed) {}

    MachineOptions options;
    testing::SimulatedDisk disk;
    DiskTimes disk_times;
    std::uint32_t epoch = 1'000;  // stored before a run begins
    Clocks clocks;
    std::set<Route> worker_routes;  // connections to the port for workers
};

}  // namespace xebec::simulation

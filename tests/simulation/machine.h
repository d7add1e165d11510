#pragma once
// The computer on which the broker runs: what outlives a run of its process.

#include "protocol/time.h"
#include "tests/simulation/network.h"
#include "tests/support/simulated_disk.h"

#include <cstdint>
#include <optional>
#include <set>

namespace xebec::simulation {

struct MachineOptions {
    bool has_journal = false;  // else the broker keeps everything in memory only
    // Small, so that segments change often.
    std::uint64_t segment_octets = 64 << 10;
    Duration flush_every{0};  // of `relaxed`
};

struct Machine {
    Machine(const MachineOptions& chosen, std::uint64_t seed) : options(chosen), disk(seed) {}

    MachineOptions options;
    testing::SimulatedDisk disk;
    DiskTimes disk_times;
    std::uint32_t epoch = 1'000;  // stored before a run begins
    Clocks clocks;
    std::uint64_t stops = 0;                      // that closed the journal
    bool was_closed = false;                      // the last run of the broker ended as it should
    std::optional<std::uint64_t> stop_at_record;  // of its next start
    // How far the journal's files were over twice what was needed of them and two segments.
    std::int64_t excess_octets_max = INT64_MIN;
    std::set<Route> worker_routes;  // connections to the port for workers
};

}  // namespace xebec::simulation

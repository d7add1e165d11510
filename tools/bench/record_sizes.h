#pragma once
// How many octets the journal needs for what a test has done: the new records, and those that would
// have to be told again if everything older went. Of records alone: frames and their padding are
// what a journal adds.

#include "tools/bench/peers.h"
#include "tools/bench/processes.h"

#include <cstdint>

namespace xebec::bench {

// Of tasks that flow as `run_client` submits them and `run_worker` ends them, beside others that
// wait.
class RecordSizes {
public:
    RecordSizes(const Load& flow, const Load& waiting);

    // Of the flow's records that lie between two looks at a broker.
    std::uint64_t of_new_records(const Figures& before, const Figures& after) const;

    // Of all tasks, and of as many tombstones as there can be.
    std::uint64_t of_live_records(const Figures& figures) const;

private:
    std::uint64_t accepted_;
    std::uint64_t started_;
    std::uint64_t succeeded_;
    std::uint64_t removed_;
    std::uint64_t carried_ready_;
    std::uint64_t carried_leased_;
    std::uint64_t carried_succeeded_;
    std::uint64_t carried_tombstone_;
};

}  // namespace xebec::bench

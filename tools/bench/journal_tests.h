#pragma once
// Tests of what only a broker with a journal has: a start after a crash, and bounded use of the
// disk.

#include "tools/bench/options.h"
#include "tools/bench/report.h"

namespace xebec::bench {

// From the execution of a broker that was killed until it is ready, with nothing of its journal
// cached.
Report start(const Options& options);

// How large the journal becomes, and how much is written, while most tasks are stuck and the rest
// flows through.
Report disk(const Options& options);

}  // namespace xebec::bench

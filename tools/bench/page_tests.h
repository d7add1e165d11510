#pragma once
// Tests of the dashboard: how soon its pages are there when a broker is full, and what its being
// open costs.

#include "tools/bench/options.h"
#include "tools/bench/report.h"

namespace xebec::bench {

// Each page, and each list and search of the HTTP API, while millions of tasks wait and a tenth as
// many have ended; one task in flight with the dashboard open and without.
Report pages(const Options& options);

// What memory the monitor takes while tasks flow, workers come and go, and a browser has the
// dashboard open.
Report soak(const Options& options);

}  // namespace xebec::bench

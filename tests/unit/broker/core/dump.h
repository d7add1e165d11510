#pragma once
// The durable state as text, to compare two.

#include "broker/core/state.h"

#include <string>

namespace xebec::broker {

// Every task, queue and figure that records have made, in a fixed order. What belongs to sessions
// and clocks of this run (holders, when leases end) is left out.
std::string dump(const State& state);

}  // namespace xebec::broker

#pragma once
// The only place that reads the clocks.

#include "protocol/time.h"

namespace xebec::runtime {

Now now();

}  // namespace xebec::runtime

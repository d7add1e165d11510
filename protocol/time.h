#pragma once
// Time as the cores know it: told, never asked. These clocks have no now().

#include <xebec/task.h>

#include <chrono>

namespace xebec {

struct Timeline {  // a monotonic clock that only runtime/clock.h can read
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Timeline>;
    static constexpr bool is_steady = true;
};
using Instant = Timeline::time_point;
using Duration = Timeline::duration;
using std::chrono::milliseconds;

// One reading of both clocks. `steady` never goes back; `wall` may jump either way.
struct Now {
    Instant steady;
    WallTime wall;
};

}  // namespace xebec

#pragma once
// Instants as messages carry them: milliseconds since 1970 UTC.

#include <xebec/task.h>

#include <algorithm>
#include <cstdint>

namespace xebec {

// What was before 1970 is 0.
inline std::uint64_t to_wire(WallTime at) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, at.time_since_epoch().count()));
}

}  // namespace xebec

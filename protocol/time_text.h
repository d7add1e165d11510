#pragma once
// Durations and instants as people write them.

#include <xebec/task.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace xebec {

// A number with ms, s, m, h or d: `250ms`, `1.5h`. At most a hundred years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The shortest of `640us`, `12.3ms`, `4.56s`, `2m05s`, `3h02m`, `1d04h`.
std::string format_duration(std::chrono::microseconds duration);

// RFC 3339 in UTC with milliseconds: `2026-01-02T03:04:05.678Z`. It has four digits for the year,
// so an instant outside the years 0 to 9999 is written as the nearest one inside.
std::string format_utc(WallTime at);
std::optional<WallTime> parse_utc(std::string_view text);  // as above, fraction optional

}  // namespace xebec

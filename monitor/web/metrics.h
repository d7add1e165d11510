#pragma once
// What Prometheus is told: a picture in its text format. Pure. docs/metrics.md lists all of it.

#include "monitor/web/board.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace xebec::monitor::web {

constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// Each lane is some sixty lines, each queue ten: of more than these, those with the most created,
// or with the most waiting, are shown, and how many are left out.
constexpr std::size_t metrics_lanes_max = 2'000;
constexpr std::size_t metrics_queues_max = 2'000;

// While the broker is absent or silent, that is all it says: what was known of it is no longer so.
std::string metrics_text(const Picture& picture);

}  // namespace xebec::monitor::web

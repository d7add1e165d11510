#pragma once
// One row of figures, or one JSON object, for each second.

#include "monitor/columns.h"
#include "monitor/figures.h"

#include <string>

namespace xebec::monitor {

class StatsLines {
public:
    static constexpr int rows_per_heading = 20;  // on a terminal, where the first scrolls away

    explicit StatsLines(Style style) : style_(style) {}

    // Ends without a line feed; may begin with a heading line.
    std::string row(const Interval& interval);

private:
    Style style_;
    int rows_ = 0;
};

}  // namespace xebec::monitor

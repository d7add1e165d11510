#pragma once
// One line of text, or one JSON object, for each update.

#include "monitor/columns.h"
#include "monitor/core.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace xebec::monitor {

// Columns grow with what stands in them, up to a limit, and stay that wide, so that the lines of
// one run stand under each other.
class UpdateLines {
public:
    explicit UpdateLines(Style style) : style_(style) {}

    std::string heading() const;  // of the columns, as wide as they are now
    std::string line(const ShowUpdate& shown);

private:
    enum Column { number, queue, kind, state, worker, attempt, duration, column_count };

    std::string text_line(const ShowUpdate& shown);
    std::string cell(Column column, std::string_view text);

    Style style_;
    WallTime time_{};  // of the line before, and its text
    std::string time_text_ = "00:00:00.000Z";
    std::array<std::size_t, column_count> widths_{6, 8, 8, 9, 12, 3, 7};
};

}  // namespace xebec::monitor

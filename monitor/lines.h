#pragma once
// One line of text, or one JSON object, for each update.

#include "monitor/columns.h"
#include "monitor/view.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xebec::monitor {

// Columns grow with what stands in them, up to a limit, and stay that wide, so that the lines of
// one run stand under each other.
class UpdateLines {
public:
    explicit UpdateLines(Style style) : style_(style) {}

    std::string heading() const;                       // of the columns, as wide as they are now
    const std::string& line(const ShowUpdate& shown);  // until the next is asked for

private:
    enum Column { number, queue, kind, state, worker, attempt, duration, column_count };

    // Whether the latest line differs from this one's in number and duration at most.
    bool is_like_latest(const ShowUpdate& shown) const;
    void renew_cells(const protocol::Update& update);  // number and duration
    void keep_latest(const ShowUpdate& shown);

    // All of these append to `line_`.
    void append_cells(const ShowUpdate& shown);
    void append_number_cell(Column column, std::uint64_t value);
    void append_text_cell(Column column, std::string_view text);
    void append_cell(Column column, std::string_view ascii);
    void append_cell(Column column, std::string_view text, std::size_t text_width);
    void paint_from(std::size_t offset, std::string_view parameters);

    void append_members(const ShowUpdate& shown);
    void append_name(std::string_view name);
    void append_member(std::string_view name, std::uint64_t value);
    void append_member(std::string_view name, std::string_view text);
    void append_member_or_null(std::string_view name, std::string_view text);

    // Of the latest line: what it says, and where the cells stand that are mostly other in the
    // next.
    struct Latest {
        std::string queue;
        std::string kind;
        std::string worker;
        TaskState state{};
        std::uint32_t attempt = 0;
        bool removed = false;
        std::uint64_t duration_us = 0;
        std::uint64_t number_most = 0;   // that fits its cell
        std::size_t number_end = 0;      // 0: the next line is put together anew
        std::size_t duration_begin = 0;  // up to the line's end
    };

    Style style_;
    std::string line_;  // the latest
    Latest latest_;
    WallTime time_{};  // of the line before, and its text
    std::string time_text_ = "1970-01-01T00:00:00.000Z";
    std::array<std::size_t, column_count> widths_{6, 8, 8, 9, 12, 3, 7};
};

}  // namespace xebec::monitor

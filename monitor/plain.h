#pragma once
// The view that writes lines to two streams.

#include "monitor/columns.h"
#include "monitor/lines.h"
#include "monitor/notices.h"
#include "monitor/stats_lines.h"
#include "monitor/view.h"

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace xebec::monitor {

struct PlainOptions {
    bool stats = false;  // rows of figures instead of lines of updates
    Style style;
    Style notice_style;
    Endpoints endpoints;
    std::optional<std::uint64_t> lines_max;  // absent: without end
};

// Notices go to `notices` for people, and between the other objects to `out` with JSON.
class PlainView final : public View {
public:
    // Neither stream may end before the view.
    PlainView(PlainOptions options, std::ostream& out, std::ostream& notices);

    void show(const ShowUpdate& shown) override;
    void show(const ShowInterval& shown) override;
    void show(const Notice& notice) override;
    bool finish_batch() override;

private:
    void put(std::string_view line);
    void write_out();
    bool has_room() const { return !options_.lines_max || lines_ < *options_.lines_max; }

    PlainOptions options_;
    std::ostream& out_;
    std::ostream& notices_;
    UpdateLines update_lines_;
    StatsLines stats_lines_;
    std::string batch_;        // of lines for `out_`, written together
    std::uint64_t lines_ = 0;  // without notices and headings
};

}  // namespace xebec::monitor

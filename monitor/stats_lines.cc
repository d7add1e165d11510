#include "monitor/stats_lines.h"

#include "protocol/time_text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace xebec::monitor {

namespace {

constexpr double median = 0.50;
constexpr double tail = 0.99;

struct Heading {
    std::string_view name;
    std::size_t width;
};
constexpr std::array<Heading, 11> headings{{{"time", 13},
                                            {"submitted/s", 11},
                                            {"finished/s", 10},
                                            {"failed/s", 8},
                                            {"waiting", 9},
                                            {"running", 7},
                                            {"busy", 9},
                                            {"wait p50", 8},
                                            {"wait p99", 8},
                                            {"run p50", 8},
                                            {"run p99", 8}}};

double per_second(std::uint64_t count, milliseconds length) {
    return static_cast<double>(count) * 1000 / static_cast<double>(length.count());
}

double in_thousandths(double rate) {
    return std::round(rate * 1000) / 1000;
}

std::string rate_text(double rate) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), rate > 0 && rate < 10 ? "%.1f" : "%.0f", rate);
    return text.data();
}

std::string quantile_text(const Histogram& histogram, double share) {
    return histogram.count() == 0 ? "-" : format_duration(histogram.quantile(share));
}

nlohmann::ordered_json quantile_or_null(const Histogram& histogram, double share) {
    return histogram.count() == 0 ? nlohmann::ordered_json()
                                  : nlohmann::ordered_json(histogram.quantile(share).count());
}

template <class Cell>
std::string joined(Cell cell) {
    std::string line;
    for (std::size_t i = 0; i < headings.size(); ++i) {
        line += i == 0 ? "" : "  ";
        line += align_right(cell(i), headings[i].width);
    }
    return line;
}

std::string text_row(const Interval& interval) {
    const std::array<std::string, headings.size()> cells{
        format_utc(interval.time).substr(11),
        rate_text(per_second(interval.submitted, interval.length)),
        rate_text(per_second(interval.finished, interval.length)),
        rate_text(per_second(interval.failed, interval.length)),
        std::to_string(interval.waiting),
        std::to_string(interval.running),
        std::to_string(interval.slots_busy) + "/" + std::to_string(interval.slots),
        quantile_text(interval.wait, median),
        quantile_text(interval.wait, tail),
        quantile_text(interval.run, median),
        quantile_text(interval.run, tail)};
    return joined([&cells](std::size_t i) { return cells[i]; });
}

std::string json_row(const Interval& interval) {
    const nlohmann::ordered_json object{
        {"time", format_utc(interval.time)},
        {"epoch", interval.epoch},
        {"interval_ms", interval.length.count()},
        {"submitted_per_s", in_thousandths(per_second(interval.submitted, interval.length))},
        {"finished_per_s", in_thousandths(per_second(interval.finished, interval.length))},
        {"failed_per_s", in_thousandths(per_second(interval.failed, interval.length))},
        {"waiting", interval.waiting},
        {"running", interval.running},
        {"workers", interval.workers},
        {"slots_busy", interval.slots_busy},
        {"slots", interval.slots},
        {"wait_p50_us", quantile_or_null(interval.wait, median)},
        {"wait_p99_us", quantile_or_null(interval.wait, tail)},
        {"run_p50_us", quantile_or_null(interval.run, median)},
        {"run_p99_us", quantile_or_null(interval.run, tail)},
    };
    return object.dump();
}

}  // namespace

std::string StatsLines::row(const Interval& interval) {
    if (style_.json) {
        return json_row(interval);
    }
    const bool needs_heading = rows_ == 0 || (style_.terminal && rows_ % rows_per_heading == 0);
    ++rows_;
    std::string row = text_row(interval);
    if (!needs_heading) {
        return row;
    }
    const std::string heading = joined([](std::size_t i) { return std::string(headings[i].name); });
    return (style_.colours ? paint(heading, colour::bold) : heading) + "\n" + row;
}

}  // namespace xebec::monitor

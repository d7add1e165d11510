#include "monitor/stats_lines.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace xebec::monitor {
namespace {

Interval busy_second() {
    Interval interval{.epoch = 3,
                      .time = WallTime{milliseconds{1'767'323'045'678}},
                      .length = milliseconds{1'250},
                      .submitted = 2'500,
                      .finished = 1'000,
                      .failed = 4,
                      .waiting = 1'234,
                      .running = 16,
                      .workers = 4,
                      .slots = 20,
                      .slots_busy = 16};
    interval.wait.add(std::chrono::microseconds{8});
    interval.wait.add(std::chrono::microseconds{14});
    return interval;
}

TEST(StatsLines, BeginWithAHeading) {
    StatsLines lines({});

    EXPECT_EQ(lines.row(busy_second()),
              "         time  submitted/s  finished/s  failed/s    waiting  running       busy"
              "  wait p50  wait p99   run p50   run p99\n"
              "03:04:05.678Z         2000         800       3.2       1234       16      16/20"
              "       8us      14us         -         -");
    EXPECT_EQ(lines.row(busy_second()),
              "03:04:05.678Z         2000         800       3.2       1234       16      16/20"
              "       8us      14us         -         -");
}

TEST(StatsLines, RepeatTheHeadingOnATerminalOnly) {
    StatsLines piped({});
    StatsLines terminal({.terminal = true});
    int piped_headings = 0;
    int terminal_headings = 0;
    for (int i = 0; i < 2 * StatsLines::rows_per_heading + 1; ++i) {
        piped_headings += piped.row(busy_second()).find('\n') != std::string::npos ? 1 : 0;
        terminal_headings += terminal.row(busy_second()).find('\n') != std::string::npos ? 1 : 0;
    }

    EXPECT_EQ(piped_headings, 1);
    EXPECT_EQ(terminal_headings, 3);
}

TEST(StatsLines, ShowNothingHappeningAsZero) {
    StatsLines lines({});
    lines.row(busy_second());
    Interval idle{.length = milliseconds{1'000}};

    EXPECT_EQ(lines.row(idle),
              "00:00:00.000Z            0           0         0          0        0        0/0"
              "         -         -         -         -");
}

TEST(StatsLines, HaveTheDocumentedKeysAsJson) {
    StatsLines lines({.json = true});

    EXPECT_EQ(lines.row(busy_second()),
              R"({"time":"2026-01-02T03:04:05.678Z","epoch":3,"interval_ms":1250,)"
              R"("submitted_per_s":2000.0,"finished_per_s":800.0,"failed_per_s":3.2,)"
              R"("waiting":1234,"running":16,"workers":4,"slots_busy":16,"slots":20,)"
              R"("wait_p50_us":8,"wait_p99_us":14,"run_p50_us":null,"run_p99_us":null})");
}

}  // namespace
}  // namespace xebec::monitor

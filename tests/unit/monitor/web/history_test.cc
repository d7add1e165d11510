#include "monitor/web/history.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
const WallTime start{1'000'000s};  // a multiple of every step of the tests

Point point(double finished, double wait_p99_us = unknown) {
    Point made;
    made.fill(unknown);
    made[static_cast<std::size_t>(Column::finished)] = finished;
    made[static_cast<std::size_t>(Column::wait_p99_us)] = wait_p99_us;
    return made;
}

// Of one column, the values from `first` on; -1: not known.
std::vector<double> tail(const Series& series, Column column, std::size_t count) {
    std::vector<double> values;
    for (std::size_t i = series.points.size() - count; i < series.points.size(); ++i) {
        const double value = series.points[i][static_cast<std::size_t>(column)];
        values.push_back(std::isnan(value) ? -1 : value);
    }
    return values;
}

std::size_t known(const Series& series) {
    std::size_t count = 0;
    for (const Point& each : series.points) {
        count += std::isnan(each[static_cast<std::size_t>(Column::finished)]) ? 0 : 1;
    }
    return count;
}

TEST(History, HasAnHourWithoutAnythingKnown) {
    const Series series = History().series(10s, start + 5s);

    EXPECT_EQ(series.step, 10s);
    EXPECT_EQ(series.points.size(), 360U);
    EXPECT_EQ(series.start, start - 3'590s);
    EXPECT_EQ(series.end, start + 5s);
    EXPECT_EQ(known(series), 0U);
}

TEST(History, ShowsEverySecondAndTheGaps) {
    History history;
    history.add(start + 100ms, point(1));
    history.add(start + 1'999ms, point(2));
    history.add(start + 4s, point(3));

    const Series series = history.series(1s, start + 4'500ms);

    EXPECT_EQ(series.points.size(), 3'600U);
    EXPECT_EQ(tail(series, Column::finished, 6), (std::vector<double>{-1, 1, 2, -1, -1, 3}));
    EXPECT_EQ(tail(series, Column::submitted, 6), (std::vector<double>{-1, -1, -1, -1, -1, -1}));
}

TEST(History, TakesTheMeanOfAStepAndTheLargestPercentile) {
    History history;
    history.add(start, point(2, 100));
    history.add(start + 3s, point(4, 900));
    history.add(start + 9s, point(unknown, 300));
    history.add(start + 10s, point(7, unknown));

    const Series series = history.series(10s, start + 12s);

    EXPECT_EQ(tail(series, Column::finished, 3), (std::vector<double>{-1, 3, 7}));
    EXPECT_EQ(tail(series, Column::wait_p99_us, 3), (std::vector<double>{-1, 900, -1}));
}

TEST(History, KeepsTheLaterOfTwoForOneSecond) {
    History history;
    history.add(start + 100ms, point(1));
    history.add(start + 900ms, point(2));

    EXPECT_EQ(tail(history.series(1s, start), Column::finished, 1), std::vector<double>{2});
}

TEST(History, HoldsAnHour) {
    History history;
    for (int second = 0; second <= 4'000; ++second) {
        history.add(start + std::chrono::seconds{second}, point(second));
    }

    const Series series = history.series(1s, start + 4'000s);

    EXPECT_EQ(known(series), 3'600U);
    EXPECT_EQ(series.points.front()[static_cast<std::size_t>(Column::finished)], 401);
    EXPECT_EQ(tail(series, Column::finished, 1), std::vector<double>{4'000});
}

TEST(History, ForgetsByTheClockEvenWhenLittleIsAdded) {
    History history;
    history.add(start, point(1));
    history.add(start + 7'200s, point(2));

    EXPECT_EQ(known(history.series(60s, start + 7'200s)), 1U);
    EXPECT_EQ(known(history.series(60s, start)), 0U);
}

TEST(History, ShowsNothingOfWhatIsYetToCome) {
    History history;
    history.add(start + 10s, point(1));

    EXPECT_EQ(known(history.series(1s, start + 9s)), 0U);
}

TEST(History, KeepsWhatWasBeforeTheClockWasPutBack) {
    History history;
    for (int second = 0; second < 100; ++second) {
        history.add(start + std::chrono::seconds{second}, point(second));
    }

    history.add(start + 98s, point(1'000));  // as NTP does it

    const Series series = history.series(1s, start + 98s);
    EXPECT_EQ(known(series), 99U);
    EXPECT_EQ(tail(series, Column::finished, 3), (std::vector<double>{96, 97, 1'000}));

    history.add(start - 1'000s, point(5));
    EXPECT_EQ(known(history.series(1s, start - 1'000s)), 1U);
    EXPECT_EQ(known(history.series(1s, start + 98s)), 1U);
}

TEST(History, StartsAtAWholeStepWhateverItDividesTheHourInto) {
    const Series series = History().series(7s, start);

    EXPECT_EQ(series.points.size(), 514U);
    EXPECT_EQ(series.start.time_since_epoch() % 7s, 0ms);
    EXPECT_LT(start - series.start, 1h);
}

TEST(History, KnowsTheLatestUnlessItIsOld) {
    History history;
    EXPECT_FALSE(history.latest(start));

    history.add(start, point(1));

    ASSERT_TRUE(history.latest(start + 2'900ms));
    EXPECT_EQ((*history.latest(start))[static_cast<std::size_t>(Column::finished)], 1);
    EXPECT_FALSE(history.latest(start + 4s));
}

TEST(History, KeepsSoManyMarks) {
    History history;
    for (std::size_t i = 0; i < History::marks_max + 1; ++i) {
        history.add(Mark{start, MarkKind::worker_lost, std::to_string(i)});
    }

    EXPECT_EQ(history.marks().size(), History::marks_max);
    EXPECT_EQ(history.marks().front().name, "1");
    EXPECT_EQ(history.marks().back().name, "1000");
}

// ---- ready tasks of queues ----

using Ready = std::vector<std::optional<std::uint64_t>>;

Ready ready_tail(const History& history, std::string_view queue, WallTime now, std::size_t count) {
    const Ready all = history.ready(queue, now);
    EXPECT_EQ(all.size(), 60U);
    return {all.end() - static_cast<std::ptrdiff_t>(count), all.end()};
}

TEST(HistoryOfAQueue, HasGapsWhereNothingIsKnown) {
    History history;
    history.add_ready(start, "a", 1);
    history.add_ready(start + 9s, "a", 2);  // the later of one step
    history.add_ready(start + 30s, "a", 0);

    EXPECT_EQ(ready_tail(history, "a", start + 35s, 5),
              (Ready{std::nullopt, 2, std::nullopt, std::nullopt, 0}));
    EXPECT_EQ(ready_tail(history, "b", start, 1), Ready{std::nullopt});
}

TEST(HistoryOfAQueue, HoldsTenMinutes) {
    History history;
    for (int i = 0; i <= 100; ++i) {
        history.add_ready(start + i * 10s, "a", static_cast<std::uint64_t>(i));
    }

    const Ready all = history.ready("a", start + 1'000s);

    EXPECT_EQ(all.front(), 41U);
    EXPECT_EQ(all.back(), 100U);
}

TEST(HistoryOfAQueue, KeepsWhatWasBeforeTheClockWasPutBack) {
    History history;
    history.add_ready(start, "a", 1);
    history.add_ready(start + 10s, "a", 2);
    history.add_ready(start + 20s, "a", 3);

    history.add_ready(start + 19s, "a", 4);

    EXPECT_EQ(ready_tail(history, "a", start + 29s, 3), (Ready{1, 4, std::nullopt}));
}

TEST(HistoryOfAQueue, IsKeptForSoManyQueues) {
    History history;
    for (std::size_t i = 0; i < History::queues_max; ++i) {
        history.add_ready(start, "q" + std::to_string(i), i);
    }
    history.add_ready(start, "more", 1);
    history.add_ready(start, "q7", 70);

    EXPECT_EQ(ready_tail(history, "more", start, 1), Ready{std::nullopt});
    EXPECT_EQ(ready_tail(history, "q7", start, 1), Ready{70});
}

// ---- points ----

TEST(PointOf, GivesRatesASecond) {
    const Interval interval{.length = 2s,
                            .submitted = 10,
                            .finished = 5,
                            .failed = 1,
                            .waiting = 7,
                            .running = 3,
                            .workers = 2,
                            .slots = 8,
                            .slots_busy = 4};

    const Point made = point_of(interval, std::nullopt);

    EXPECT_EQ(std::vector<double>(made.begin(), made.begin() + 8),
              (std::vector<double>{5, 2.5, 0.5, 7, 3, 2, 8, 4}));
    for (std::size_t i = 8; i < column_count; ++i) {
        EXPECT_TRUE(std::isnan(made[i])) << to_string(static_cast<Column>(i));
    }
}

TEST(PointOf, HasPercentilesAndTheBrokersResources) {
    Interval interval{.length = 1s};
    interval.wait.add(3us);
    interval.run.add(5us);
    const protocol::BrokerResources resources{
        .resident_octets = 100, .cpu_permille = 20, .journal_octets = 3};

    const Point made = point_of(interval, resources);

    EXPECT_EQ(std::vector<double>(made.begin() + 8, made.end()),
              (std::vector<double>{3, 3, 3, 5, 5, 5, 100, 20, 3}));
}

TEST(PointOf, DoesNotDivideByNothing) {
    const Point made = point_of({.submitted = 1}, std::nullopt);

    EXPECT_TRUE(std::isfinite(made[static_cast<std::size_t>(Column::submitted)]));
}

TEST(Columns, HaveNamesOfTheirOwn) {
    EXPECT_EQ(to_string(Column::submitted), "submitted");
    EXPECT_EQ(to_string(Column::wait_p50_us), "wait_p50_us");
    EXPECT_EQ(to_string(Column::run_p99_us), "run_p99_us");
    EXPECT_EQ(to_string(Column::journal_octets), "journal_octets");
}

}  // namespace
}  // namespace xebec::monitor::web

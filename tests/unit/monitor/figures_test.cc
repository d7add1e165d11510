#include "monitor/figures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace xebec::monitor {
namespace {

using std::chrono::microseconds;

Histogram histogram_of(std::initializer_list<int> values) {
    Histogram histogram;
    for (const int value : values) {
        histogram.add(microseconds{value});
    }
    return histogram;
}

protocol::Figures figures_at(std::uint64_t uptime_ms) {
    return {.epoch = 3, .time = 1'000'000 + uptime_ms, .uptime_ms = uptime_ms};
}

protocol::LaneView lane(std::string_view kind, const Histogram& wait, const Histogram& run) {
    return {
        .queue = "default", .kind = kind, .wait_us = wait.to_sparse(), .run_us = run.to_sparse()};
}

TEST(CurrentFigures, GiveNoIntervalWithoutABaseline) {
    CurrentFigures figures;

    figures.fold_part(figures_at(1'000));
    figures.fold_part(figures_at(2'000));

    EXPECT_EQ(figures.take_interval(), std::nullopt);
}

TEST(CurrentFigures, GiveNoIntervalIfNoTimeHasPassed) {
    CurrentFigures figures;

    figures.fold_all(figures_at(2'000));
    EXPECT_EQ(figures.take_interval(), std::nullopt);

    figures.fold_part(figures_at(1'500));
    EXPECT_EQ(figures.take_interval(), std::nullopt);
}

TEST(CurrentFigures, GiveTheDifferenceOfTotalsAndTheSizesOfNow) {
    CurrentFigures figures;
    protocol::Figures first = figures_at(5'000);
    first.totals = {.submitted = 100, .succeeded = 50, .failed = 7, .dead = 1};
    figures.fold_all(first);
    protocol::Figures second = figures_at(6'250);
    second.totals = {
        .submitted = 130, .succeeded = 60, .failed = 9, .dead = 2, .cancelled = 4, .expired = 3};
    second.sizes = {.tasks = {1, 2, 4, 8}, .workers = 5, .slots = 20, .slots_busy = 8};

    figures.fold_part(second);

    EXPECT_EQ(figures.take_interval(), (Interval{.epoch = 3,
                                                 .time = WallTime{milliseconds{1'006'250}},
                                                 .length = milliseconds{1'250},
                                                 .submitted = 30,
                                                 .finished = 18,
                                                 .failed = 2,
                                                 .waiting = 7,
                                                 .running = 8,
                                                 .workers = 5,
                                                 .slots = 20,
                                                 .slots_busy = 8,
                                                 .wait = {},
                                                 .run = {}}));
    EXPECT_EQ(figures.take_interval(), std::nullopt);
}

TEST(CurrentFigures, CountOnlyTheDurationsSinceTheBaseline) {
    CurrentFigures figures;
    protocol::Figures first = figures_at(5'000);
    first.lanes = {lane("add", histogram_of({10, 10, 10}), histogram_of({1}))};
    figures.fold_all(first);
    protocol::Figures second = figures_at(6'000);
    second.lanes = {lane("add", histogram_of({10, 10, 10, 900, 900}), histogram_of({1, 14}))};
    figures.fold_part(second);

    const auto interval = figures.take_interval();

    ASSERT_TRUE(interval);
    EXPECT_EQ(interval->wait.count(), 2U);
    EXPECT_EQ(interval->wait.quantile(0.5),
              Histogram::bucket_end(Histogram::bucket_of(microseconds{900})));
    EXPECT_EQ(interval->run.count(), 1U);
    EXPECT_EQ(interval->run.quantile(0.5), microseconds{14});
}

TEST(CurrentFigures, CountAllOfALaneThatBeganAfterTheBaseline) {
    CurrentFigures figures;
    figures.fold_all(figures_at(5'000));
    protocol::Figures second = figures_at(6'000);
    second.lanes = {lane("new", histogram_of({3, 3}), histogram_of({5}))};
    figures.fold_part(second);

    const auto interval = figures.take_interval();

    ASSERT_TRUE(interval);
    EXPECT_EQ(interval->wait.count(), 2U);
    EXPECT_EQ(interval->run.count(), 1U);
}

TEST(CurrentFigures, AddTheLanesOfAnInterval) {
    CurrentFigures figures;
    figures.fold_all(figures_at(5'000));
    protocol::Figures second = figures_at(6'000);
    second.lanes = {lane("a", histogram_of({3}), {}), lane("b", histogram_of({3, 4}), {})};
    figures.fold_part(second);

    const auto interval = figures.take_interval();

    ASSERT_TRUE(interval);
    EXPECT_EQ(interval->wait.count(), 3U);
}

TEST(CurrentFigures, StartEachIntervalAnew) {
    CurrentFigures figures;
    figures.fold_all(figures_at(5'000));
    protocol::Figures second = figures_at(6'000);
    second.totals.submitted = 8;
    second.lanes = {lane("a", histogram_of({3}), {})};
    figures.fold_part(second);
    figures.take_interval();
    protocol::Figures third = figures_at(7'000);
    third.totals.submitted = 9;
    figures.fold_part(third);

    const auto interval = figures.take_interval();

    ASSERT_TRUE(interval);
    EXPECT_EQ(interval->submitted, 1U);
    EXPECT_EQ(interval->wait.count(), 0U);
}

TEST(CurrentFigures, KeepALaneThatIsNewerThanALateSnapshot) {
    CurrentFigures figures;
    protocol::Figures newer = figures_at(6'000);
    newer.totals.submitted = 20;
    newer.lanes = {lane("add", histogram_of({1, 2, 3}), {})};
    figures.fold_part(newer);
    protocol::Figures late = figures_at(5'500);
    late.totals.submitted = 10;
    late.lanes = {lane("add", histogram_of({1}), {}), lane("echo", histogram_of({7}), {})};

    figures.fold_all(late);

    EXPECT_EQ(figures.totals().submitted, 20U);
    EXPECT_EQ(figures.uptime(), milliseconds{6'000});
    ASSERT_EQ(figures.lanes().size(), 2U);
    EXPECT_EQ(figures.lanes().at({"default", "add"}).wait.count(), 3U);
    EXPECT_EQ(figures.lanes().at({"default", "echo"}).wait.count(), 1U);
    EXPECT_EQ(figures.take_interval(), std::nullopt);
}

TEST(CurrentFigures, IgnoreWhatIsNoHistogram) {
    CurrentFigures figures;
    protocol::Figures first = figures_at(5'000);
    first.lanes = {lane("add", histogram_of({1, 2}), {})};
    figures.fold_all(first);
    protocol::Figures second = figures_at(6'000);
    second.lanes = {{.queue = "default", .kind = "add", .wait_us = {4, 1, 3}}};

    figures.fold_part(second);

    EXPECT_EQ(figures.lanes().at({"default", "add"}).wait.count(), 2U);
    EXPECT_EQ(figures.take_interval()->wait.count(), 0U);
}

TEST(CurrentFigures, KeepABoundedNumberOfLanes) {
    CurrentFigures figures;
    std::vector<std::string> kinds;
    for (std::size_t i = 0; i < CurrentFigures::lanes_max + 3; ++i) {
        kinds.push_back("kind-" + std::to_string(i));
    }
    protocol::Figures many = figures_at(5'000);
    for (const std::string& kind : kinds) {
        many.lanes.push_back(lane(kind, {}, {}));
    }

    figures.fold_all(many);

    EXPECT_EQ(figures.lanes().size(), CurrentFigures::lanes_max);
}

}  // namespace
}  // namespace xebec::monitor

#include "monitor/web/flows.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

const Instant start{100s};

void expect_flow(const QueueFlows& flows, std::string_view queue, double in, double out) {
    EXPECT_DOUBLE_EQ(flows.of(queue).in_per_s, in) << queue;
    EXPECT_DOUBLE_EQ(flows.of(queue).out_per_s, out) << queue;
}

TEST(QueueFlows, AreNoneUntilThereIsSomethingToCompare) {
    QueueFlows flows;
    expect_flow(flows, "a", 0, 0);

    flows.update(start, 1, {{"a", 1'000, 10}});

    expect_flow(flows, "a", 0, 0);
}

TEST(QueueFlows, AreWhatCameAndWhatEnded) {
    QueueFlows flows;
    flows.update(start, 1, {{"a", 100, 10}, {"b", 5, 5}});

    flows.update(start + 2s, 1, {{"a", 110, 6}, {"b", 5, 2}});

    expect_flow(flows, "a", 5, 7);
    expect_flow(flows, "b", 0, 1.5);
}

TEST(QueueFlows, AreNeverNegative) {
    QueueFlows flows;
    flows.update(start, 1, {{"a", 100, 0}});

    flows.update(start + 1s, 1, {{"a", 100, 4}});  // dead tasks were retried

    expect_flow(flows, "a", 0, 0);
}

TEST(QueueFlows, OfANewQueueBeginAtTheSecondLook) {
    QueueFlows flows;
    flows.update(start, 1, {});
    flows.update(start + 1s, 1, {{"a", 50, 50}});
    expect_flow(flows, "a", 0, 0);

    flows.update(start + 2s, 1, {{"a", 60, 50}});
    expect_flow(flows, "a", 10, 10);
}

TEST(QueueFlows, ForgetQueuesThatAreGone) {
    QueueFlows flows;
    flows.update(start, 1, {{"a", 0, 0}});
    flows.update(start + 1s, 1, {{"a", 9, 0}});

    flows.update(start + 2s, 1, {});

    expect_flow(flows, "a", 0, 0);
}

TEST(QueueFlows, BeginAnewWithAnotherEpoch) {
    QueueFlows flows;
    flows.update(start, 1, {{"a", 0, 0}});

    flows.update(start + 1s, 2, {{"a", 9, 0}});
    expect_flow(flows, "a", 0, 0);
    flows.update(start + 2s, 2, {{"a", 12, 0}});
    expect_flow(flows, "a", 3, 3);
}

TEST(QueueFlows, AreNoneWithoutTimeBetween) {
    QueueFlows flows;
    flows.update(start, 1, {{"a", 0, 0}});

    flows.update(start, 1, {{"a", 9, 0}});

    expect_flow(flows, "a", 0, 0);
}

constexpr std::chrono::hours long_up{5};

TEST(Deaths, AreThoseSinceTheFirstLook) {
    Deaths deaths;
    EXPECT_EQ(deaths.lately(), 0U);
    EXPECT_EQ(deaths.known_for(), 0ms);

    deaths.update(start, long_up, 100);
    EXPECT_EQ(deaths.lately(), 0U);
    deaths.update(start + 200ms, long_up, 102);
    EXPECT_EQ(deaths.lately(), 2U);
    deaths.update(start + 2s, long_up, 103);

    EXPECT_EQ(deaths.lately(), 3U);
    EXPECT_EQ(deaths.known_for(), 2s);
}

TEST(Deaths, AreThoseSinceTheBrokerStartedIfThatWasLately) {
    Deaths deaths;

    deaths.update(start, 3min, 100);

    EXPECT_EQ(deaths.lately(), 100U);
    EXPECT_EQ(deaths.known_for(), 3min);
}

TEST(Deaths, AreForgottenAfterTenMinutes) {
    Deaths deaths;
    for (int second = 0; second <= 1'200; ++second) {
        deaths.update(start + std::chrono::seconds{second}, long_up,
                      static_cast<std::uint64_t>(second));
    }
    EXPECT_EQ(deaths.lately(), 600U);
    EXPECT_EQ(deaths.known_for(), 10min);

    for (int second = 1'201; second <= 1'900; ++second) {
        deaths.update(start + std::chrono::seconds{second}, long_up, 1'200);
    }
    EXPECT_EQ(deaths.lately(), 0U);
}

TEST(Deaths, StayWhenTheBrokerIsRestarted) {
    Deaths deaths;
    deaths.update(start, long_up, 1'000);
    deaths.update(start + 1s, long_up, 1'050);

    deaths.update(start + 2s, 0s, 3);
    EXPECT_EQ(deaths.lately(), 53U);
    deaths.update(start + 2'200ms, 1s, 3);
    EXPECT_EQ(deaths.lately(), 53U);
    deaths.update(start + 3s, 1s, 7);
    EXPECT_EQ(deaths.lately(), 57U);
}

}  // namespace
}  // namespace xebec::monitor::web

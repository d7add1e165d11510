#include "worker/restart.h"

#include <gtest/gtest.h>

#include <vector>

namespace xebec::worker {

namespace {

using namespace std::chrono_literals;

TEST(RestartPauses, DoubleUpToTenSeconds) {
    RestartPauses pauses;
    std::vector<Duration> seen;

    for (int i = 0; i < 9; ++i) {
        seen.push_back(pauses.after(1s));
    }

    EXPECT_EQ(seen, (std::vector<Duration>{100ms, 200ms, 400ms, 800ms, 1'600ms, 3'200ms, 6'400ms,
                                           10s, 10s}));
}

TEST(RestartPauses, StartOverAfterAGoodRun) {
    RestartPauses pauses;
    pauses.after(1s);
    pauses.after(1s);
    pauses.after(1s);

    EXPECT_EQ(pauses.after(30s), 100ms);
    EXPECT_EQ(pauses.after(1s), 200ms);
}

}  // namespace

}  // namespace xebec::worker

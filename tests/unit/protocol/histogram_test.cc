// Durations in buckets: how exact, how they add up, and what is refused from a peer.

#include "protocol/histogram.h"

#include <gtest/gtest.h>

#include <limits>

namespace xebec {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

TEST(Histogram, CountsShortDurationsExactly) {
    for (std::int64_t us = 0; us < 16; ++us) {
        const auto bucket = static_cast<std::size_t>(us);
        EXPECT_EQ(Histogram::bucket_of(microseconds{us}), bucket);
        EXPECT_EQ(Histogram::bucket_end(bucket), microseconds{us});
    }
}

TEST(Histogram, HasBucketsWithoutGapOrOverlap) {
    for (std::size_t bucket = 0; bucket + 1 < Histogram::bucket_count; ++bucket) {
        const microseconds end = Histogram::bucket_end(bucket);
        EXPECT_EQ(Histogram::bucket_of(end), bucket);
        EXPECT_EQ(Histogram::bucket_of(end + 1us), bucket + 1);
    }
}

TEST(Histogram, IsOffByAnEighthAtMost) {
    for (std::int64_t us = 1; us < std::int64_t{1} << 43; us = us * 9 / 8 + 1) {
        const auto end = Histogram::bucket_end(Histogram::bucket_of(microseconds{us})).count();
        EXPECT_GE(end, us);
        EXPECT_LE(end - us, us / 8) << us;
    }
}

TEST(Histogram, PutsWhatIsOutsideIntoItsEnds) {
    EXPECT_EQ(Histogram::bucket_of(microseconds{-1}), 0U);
    EXPECT_EQ(Histogram::bucket_of(microseconds::max()), Histogram::bucket_count - 1);
}

TEST(Histogram, TellsQuantiles) {
    Histogram histogram;
    for (int i = 1; i <= 10; ++i) {
        histogram.add(microseconds{i});
    }

    EXPECT_EQ(histogram.count(), 10U);
    EXPECT_EQ(histogram.quantile(0.0), 1us);
    EXPECT_EQ(histogram.quantile(0.1), 1us);
    EXPECT_EQ(histogram.quantile(0.5), 5us);
    EXPECT_EQ(histogram.quantile(0.51), 6us);
    EXPECT_EQ(histogram.quantile(0.99), 10us);
    EXPECT_EQ(histogram.quantile(1.0), 10us);
    EXPECT_EQ(histogram.quantile(7.0), 10us);
    EXPECT_EQ(histogram.quantile(-1.0), 1us);
}

TEST(Histogram, WithoutValuesHasOnlyZeroes) {
    EXPECT_EQ(Histogram{}.count(), 0U);
    EXPECT_EQ(Histogram{}.quantile(0.99), 0us);
    EXPECT_TRUE(Histogram{}.to_sparse().empty());
}

TEST(Histogram, TravelsAsTheBucketsThatAreNotEmpty) {
    Histogram histogram;
    histogram.add(3us);
    histogram.add(3us);
    histogram.add(20us);

    EXPECT_EQ(histogram.to_sparse(), (std::vector<std::uint64_t>{3, 2, 18, 1}));

    Histogram other;
    EXPECT_TRUE(other.add_sparse(histogram.to_sparse()));
    EXPECT_EQ(other, histogram);
    EXPECT_TRUE(other.add_sparse(histogram.to_sparse()));
    EXPECT_EQ(other.count(), 6U);
    EXPECT_EQ(other.to_sparse(), (std::vector<std::uint64_t>{3, 4, 18, 2}));
}

TEST(Histogram, RefusesAListThatIsNone) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::uint64_t> lists[] = {{1},
                                                {1, 2, 3},
                                                {Histogram::bucket_count, 1},
                                                {most, 1},
                                                {5, 1, 5, 1},
                                                {5, 1, 4, 1},
                                                {1, 1, 2, 1, 0, 1},
                                                {1, most},
                                                {1, most, 2, 2},
                                                {1, Histogram::count_max, 2, 1}};
    Histogram histogram;
    histogram.add(3us);
    const Histogram before = histogram;
    for (const auto& list : lists) {
        EXPECT_FALSE(histogram.add_sparse(list)) << ::testing::PrintToString(list);
        EXPECT_EQ(histogram, before);
    }
}

TEST(Histogram, StaysRightAtItsLargestCount) {
    Histogram histogram;
    ASSERT_TRUE(histogram.add_sparse(std::vector<std::uint64_t>{7, Histogram::count_max}));

    EXPECT_EQ(histogram.quantile(1.0), 7us);
    EXPECT_FALSE(histogram.add_sparse(std::vector<std::uint64_t>{7, 1}));
}

TEST(Histogram, TellsWhatCameSinceAnOlderState) {
    Histogram histogram;
    histogram.add(3us);
    const Histogram earlier = histogram;
    histogram.add(3us);
    histogram.add(100us);

    const Histogram since = histogram.since(earlier);

    EXPECT_EQ(since.count(), 2U);
    EXPECT_EQ(since.to_sparse(), (std::vector<std::uint64_t>{3, 1, 36, 1}));
    EXPECT_EQ(histogram.since({}).to_sparse(), histogram.to_sparse());
    EXPECT_EQ(earlier.since(histogram).count(), 0U);
}

}  // namespace
}  // namespace xebec

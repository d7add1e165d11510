#include "broker/core/segment_octets.h"

#include <gtest/gtest.h>

namespace xebec::broker {
namespace {

TEST(SegmentOctets, AddsUpWhatEachSegmentHas) {
    SegmentOctets octets;
    octets.add(7, 10);
    octets.add(9, 1);
    octets.add(7, 5);
    octets.add(5, 2);

    EXPECT_EQ(octets.of(4), 0U);
    EXPECT_EQ(octets.of(5), 2U);
    EXPECT_EQ(octets.of(6), 0U);
    EXPECT_EQ(octets.of(7), 15U);
    EXPECT_EQ(octets.of(9), 1U);
    EXPECT_EQ(octets.of(10), 0U);
}

TEST(SegmentOctets, IsAsIfWhatWentHadNeverCome) {
    SegmentOctets octets;
    SegmentOctets never;
    octets.add(1, 3);
    octets.add(2, 4);
    octets.add(5, 6);
    octets.take(1, 3);
    octets.take(5, 6);
    never.add(2, 4);

    EXPECT_EQ(octets, never);
    octets.take(2, 4);
    EXPECT_EQ(octets, SegmentOctets{});
    octets.add(9, 1);  // none is remembered from before
    EXPECT_EQ(octets.of(9), 1U);
    EXPECT_EQ(octets.of(2), 0U);
}

}  // namespace
}  // namespace xebec::broker

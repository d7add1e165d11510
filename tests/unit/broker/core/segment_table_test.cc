#include "broker/core/segment_table.h"

#include <gtest/gtest.h>

namespace xebec::broker {
namespace {

TEST(SegmentTable, HasWhatIsNeededOfEachSegment) {
    SegmentTable table;
    table[7].needed_octets += 10;
    table[9].needed_octets += 1;
    table[7].needed_octets += 5;
    table[5].needed_octets += 2;

    EXPECT_EQ(table.find(4), nullptr);
    EXPECT_EQ(table.needed_octets(4), 0U);
    EXPECT_EQ(table.needed_octets(5), 2U);
    EXPECT_EQ(table.needed_octets(6), 0U);
    EXPECT_EQ(table.needed_octets(7), 15U);
    EXPECT_EQ(table.needed_octets(9), 1U);
    EXPECT_EQ(table.needed_octets(10), 0U);
    EXPECT_EQ(table.find(10), nullptr);
}

TEST(SegmentTable, ForgetsSegmentsOfWhichNothingIsNeeded) {
    SegmentTable table;
    table[1].told.add(10);
    table[2].needed_octets = 1;
    table[3].told.add(30);  // it is shelved
    table[4].told.add(40);
    table[5].told.add(50);

    table.forget(1);
    EXPECT_EQ(table.find(1), nullptr);
    table.forget(2);
    ASSERT_NE(table.find(2), nullptr);
    table[2].needed_octets = 0;
    table.forget(4);
    EXPECT_EQ(table.find(2), nullptr);
    EXPECT_EQ(table.told(3).count(), 1U);
    EXPECT_EQ(table.told(4).count(), 0U);

    table.forget(3);
    EXPECT_EQ(table.find(3), nullptr);
    EXPECT_EQ(table.told(5).count(), 1U);
    table.forget(9);
    EXPECT_EQ(table.told(5).count(), 1U) << "it is there";
    table[9].needed_octets = 9;
    EXPECT_EQ(table.needed_octets(9), 9U);
}

TEST(SegmentTable, ASegmentIsWholeUntilATaskLeavesIt) {
    SegmentTable table;
    EXPECT_EQ(table.tasks_if_whole(1), 0U);
    table[1].need_unchanged(10);
    table[1].need_unchanged(20);
    EXPECT_EQ(table.tasks_if_whole(1), 2U);
    EXPECT_EQ(table.unchanged_octets(1), 30U);

    table[1].leave_unchanged(10);

    EXPECT_EQ(table.tasks_if_whole(1), 0U);
    EXPECT_EQ(table.unchanged_octets(1), 20U);
}

TEST(SegmentTable, TellsWhetherAsMuchIsNeeded) {
    SegmentTable table;
    SegmentTable other;
    table[3].needed_octets = 5;
    table[4].tells_of_others = true;
    other[3].needed_octets = 5;
    EXPECT_TRUE(needs_the_same(table, other));

    other[9].needed_octets = 1;
    EXPECT_FALSE(needs_the_same(table, other));
    EXPECT_FALSE(needs_the_same(other, table));
    other[9].needed_octets = 0;
    other[3].unchanged_octets = 5;

    EXPECT_FALSE(needs_the_same(table, other));
}

}  // namespace
}  // namespace xebec::broker

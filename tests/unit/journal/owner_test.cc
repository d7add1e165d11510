// What the owner of a journal does with it besides appending.

#include "broker/journal/owner.h"

#include "tests/unit/journal/fixture.h"

#include <memory>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

constexpr std::uint64_t plenty = 1 << 30;  // octets that are needed still: nothing is garbage

struct OwnerOf : JournalFixture {
    std::unique_ptr<Owner> owner;
    SegmentTable segments;
    Shelves shelves;
    Tombstones tombstones;
    std::optional<Carry> carry;  // of the latest look

    void open_owned(const Owner::Options& options = {}) {
        open();
        work();
        owner = std::make_unique<Owner>(*journal, options);
    }
    // So many segments, with a record of one task in each.
    void fill_segments(std::uint32_t count) {
        for (std::uint64_t number = 1; journal->segment() <= count; ++number) {
            fill(number, 1, 2'000);
        }
        work();
    }
    void fill_in_turns(std::uint32_t segment, std::uint64_t tasks) {
        for (std::uint64_t number = 1; journal->segment() < segment; number += tasks) {
            std::vector<Record> records;
            for (std::uint64_t i = 0; i < tasks; ++i) {
                records.push_back(accepted(number + i, ""));
            }
            append(records);
            for (std::size_t i = 0; i < tasks; ++i) {
                segments[journal->places()[i].segment].told.add(number + i);
            }
            work();
        }
    }
    // Tells the tasks of a segment by their order, and shelves it.
    void shelve(std::uint32_t segment, std::vector<std::uint32_t> runs) {
        const SegmentShelved record{.segment = segment, .runs = std::move(runs), .is_last = true};
        append({record});
        shelves.apply(record);
        shelves.locate(record, journal->segment());
        owner->trim_to(segment + 1, Journal::Before::is_shelved);
        work();
        owner->take_answers();
        work_later();
    }
    // Of tasks that are as they were accepted.
    void need(std::uint32_t segment, std::uint64_t octets) {
        segments[segment].needed_octets += octets;
        segments[segment].unchanged_octets += octets;
    }
    bool exists(std::uint32_t segment) { return disk.exists(segment_path(segment)); }
    // Which segment is to go; 0: none.
    std::uint32_t look(std::uint64_t needed = 0) {
        now += milliseconds{100};
        const auto chosen = owner->look_for_garbage({needed, segments, shelves, tombstones}, now);
        carry = chosen ? std::optional(chosen->carry) : std::nullopt;
        return chosen ? chosen->segment : 0;
    }
};

TEST_F(OwnerOf, AJournalReadsWhatIsDurable) {  // I1
    open_owned();
    append({accepted(1, std::string(1'000, 'x'))});
    const Locator at = journal->places()[0].payload;

    owner->read(std::vector<ReadOctets>{{.at = at, .token = 7}});
    EXPECT_TRUE(owner->take_answers().empty());
    EXPECT_FALSE(journal->work_reads());  // not asked for yet
    work();
    EXPECT_TRUE(owner->take_answers().empty());
    EXPECT_TRUE(journal->work_reads());

    const std::vector<ReadAnswer> answers = owner->take_answers();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].token, 7U);
    EXPECT_EQ(answers[0].octets.view(), std::string(1'000, 'x'));
}

TEST_F(OwnerOf, AJournalLooksAtItsOldestSegmentWhenLittleIsNeeded) {
    open_owned();
    fill_segments(3);

    EXPECT_EQ(look(plenty), 0U);
    ASSERT_EQ(look(), 1U);
    EXPECT_EQ(look(), 0U);  // one at a time
}

// While what is needed whole is told again, and gives no room, more comes.
TEST_F(OwnerOf, AJournalLooksEarlierAtSegmentsThatAreNeededWhole) {
    open_owned();
    fill_segments(3);
    const std::uint64_t needed = small_segment_octets / 10 * 22;

    EXPECT_EQ(look(needed), 0U);
    segments[2].needed_octets += small_segment_octets;
    EXPECT_EQ(look(needed), 0U);  // the first one gives enough
    segments[1].needed_octets += small_segment_octets / 10 * 2;
    EXPECT_EQ(look(needed), 0U);
    segments[1].needed_octets += small_segment_octets / 10 * 8;

    EXPECT_NE(look(needed), 0U);
}

// None of them is too much alone.
TEST_F(OwnerOf, AJournalLooksEarlierWhereManySegmentsAreNeededWhole) {
    open_owned();
    fill_segments(8);
    const std::uint64_t needed = small_segment_octets / 10 * 59;  // 11 may be taken, 8 are

    for (std::uint32_t segment = 1; segment <= 3; ++segment) {
        segments[segment].needed_octets += small_segment_octets;
    }
    EXPECT_EQ(look(needed), 0U);
    for (std::uint32_t segment = 4; segment <= 5; ++segment) {
        segments[segment].needed_octets += small_segment_octets;
    }

    EXPECT_NE(look(needed), 0U);
}

TEST_F(OwnerOf, ASegmentOfWhichThreeQuartersAreNeededIsShelved) {
    open_owned();
    fill_segments(4);
    const std::uint64_t needed = small_segment_octets / 10 * 11;

    need(1, small_segment_octets / 100 * 74);
    ASSERT_NE(look(needed), 0U);
    EXPECT_EQ(carry, Carry::everything);

    open_owned();
    need(1, small_segment_octets / 100 * 2);
    ASSERT_NE(look(needed), 0U);
    EXPECT_EQ(carry, Carry::shelving);
}

// Of these two only the second may take twice what is needed.
TEST_F(OwnerOf, WhatCanBeShelvedIsNoRoomForTheRest) {
    open_owned();
    fill_segments(4);

    EXPECT_EQ(look(small_segment_octets / 10 * 32), 0U);
    need(1, small_segment_octets);
    need(2, small_segment_octets);
    EXPECT_EQ(look(small_segment_octets / 10 * 37), 0U);
    ASSERT_NE(look(small_segment_octets / 10 * 31), 0U);
    EXPECT_EQ(carry, Carry::shelving);
}

// Else a journal whose backlog takes a segment or two has one segment for all that flows by.
TEST_F(OwnerOf, BesideAFewThatCanBeShelvedTheRestMayTakeOneMore) {
    open_owned();
    fill_segments(4);
    need(1, small_segment_octets);

    EXPECT_EQ(look(small_segment_octets / 10 * 28), 0U);  // twice 1.8 and one, and there are three
    EXPECT_NE(look(small_segment_octets / 10 * 26), 0U);
}

TEST_F(OwnerOf, ASegmentOfWhichEverythingHoldsIsShelvedWithoutALook) {
    open_owned();
    fill_segments(4);
    need(1, small_segment_octets);
    segments[1].unchanged_tasks = 1;

    ASSERT_EQ(look(small_segment_octets / 10 * 11), 1U);
    EXPECT_EQ(carry, Carry::whole);
}

// Tasks that have changed since cannot be told by their order.
TEST_F(OwnerOf, ASegmentOfTasksThatHaveChangedIsToldAgain) {
    open_owned();
    fill_segments(4);
    segments[1].needed_octets += small_segment_octets;
    segments[1].unchanged_octets = small_segment_octets / 100 * 74;

    ASSERT_NE(look(small_segment_octets / 10 * 11), 0U);
    EXPECT_EQ(carry, Carry::everything);
}

// So many octets come until so much of what the segment tells of is due.
std::uint64_t octets_until_due(OwnerOf& test, std::size_t told) {
    const auto octets = [&] {
        return (test.journal->segment() - 1) * small_segment_octets + test.journal->segment_taken();
    };
    const std::uint64_t begin = octets();
    std::size_t due = 0;
    for (std::uint64_t number = 10'000; due < told; ++number) {
        if (octets() > begin + 2 * small_segment_octets) {
            ADD_FAILURE() << "it is never due";
            break;
        }
        test.append({accepted(number, "")});
        test.work();
        if (const auto change = test.owner->take_change()) {
            due = change->carry_due;
        }
    }
    return octets() - begin;
}

// Four octets for one that is new, or all of it when the segment that is written is nearly full,
// whichever is later.
TEST_F(OwnerOf, WhatIsNeededIsToldAgainInStepWithWhatIsNew) {
    open_owned();
    fill_in_turns(3, 4);
    need(1, small_segment_octets / 10 * 7);
    ASSERT_EQ(look(small_segment_octets / 100 * 112), 1U);
    EXPECT_EQ(carry, Carry::everything);
    EXPECT_EQ(owner->take_change().value().carry_due, 0U);

    const std::uint64_t octets = octets_until_due(*this, segments.told(1).count());

    EXPECT_GE(octets, small_segment_octets / 10 * 7 / 4 * 5);
    EXPECT_LT(octets, small_segment_octets + 2 * sector_octets);
}

// The later, the less.
TEST_F(OwnerOf, WhereLittleIsNeededNothingIsToldAgainBeforeHalfOfASegmentIsNew) {
    open_owned();
    fill_in_turns(3, 4);
    ASSERT_EQ(look(small_segment_octets / 100 * 112), 1U);
    EXPECT_EQ(carry, Carry::everything);
    EXPECT_EQ(owner->take_change().value().carry_due, 0U);

    const std::uint64_t first = octets_until_due(*this, 1);
    const std::uint64_t rest = octets_until_due(*this, segments.told(1).count());

    EXPECT_GE(first, small_segment_octets / 8 * 3);
    EXPECT_LT(first, small_segment_octets / 8 * 3 + 3 * sector_octets);
    EXPECT_LT(first + rest, small_segment_octets / 8 * 7 + 2 * sector_octets);
}

TEST_F(OwnerOf, WhatIsShelvedIsToldOfWhileAnEighthOfASegmentIsNew) {
    open_owned();
    fill_in_turns(3, 4);
    need(1, small_segment_octets);
    ASSERT_EQ(look(small_segment_octets / 100 * 160), 1U);
    EXPECT_EQ(carry, Carry::shelving);
    EXPECT_EQ(owner->take_change().value().carry_due, 0U);

    const std::uint64_t octets = octets_until_due(*this, segments.told(1).count());

    EXPECT_GE(octets, small_segment_octets / 8);
    EXPECT_LT(octets, small_segment_octets / 8 + 2 * sector_octets);
}

TEST_F(OwnerOf, TombstonesAreDueBehindTheTasks) {
    open_owned();
    fill_in_turns(3, 4);
    const std::uint32_t tasks = segments.told(1).count();
    for (std::uint8_t n = 0; n < 200; ++n) {
        TaskId id;
        id.octets[0] = n;
        tombstones.add(id, {.number = 1, .told_in = n < 100 ? 1U : 2U}, {});
    }
    ASSERT_EQ(look(small_segment_octets / 100 * 112), 1U);

    EXPECT_LT(octets_until_due(*this, tasks), small_segment_octets / 8 * 6);
    EXPECT_GT(octets_until_due(*this, tasks + 80), small_segment_octets / 16);
}

// What is needed for the most part has no more time there than anything else.
TEST_F(OwnerOf, BeyondItsBoundABusyJournalIsToldAgainBeforeASegmentIsFull) {
    open_owned({.octets_waiting_busy = 0});
    fill_in_turns(3, 4);
    need(1, small_segment_octets / 10 * 7);
    ASSERT_EQ(look(small_segment_octets), 1U);  // two are taken, 1.875 may be

    const std::size_t told = segments.told(1).count();
    std::uint64_t number = 10'000;
    std::vector<std::size_t> due;
    while (due.empty() || due.back() < told) {
        ASSERT_EQ(journal->segment(), 3U);
        append({accepted(++number, "")});  // and not written
        if (const auto change = owner->take_change()) {
            due.push_back(change->carry_due);
        }
    }

    EXPECT_LT(due.front(), told / 2) << "not all at once";
    EXPECT_LE(journal->segment_taken(), small_segment_octets / 8 * 7 + 2 * sector_octets);
}

// The owner gives records their places before they are written.
TEST_F(OwnerOf, ASegmentIsLookedAtOnceTheNextOneIsOnTheDisk) {
    open_owned();
    for (std::uint64_t number = 1; journal->segment() < 3; ++number) {
        append({accepted(number, std::string(2'000, 'x'))});
    }

    EXPECT_EQ(look(), 0U);
    work();
    ASSERT_EQ(look(), 1U);
}

// What it takes up would be taken up again at once, and so on for ever.
TEST_F(OwnerOf, ASegmentOfWhichMostIsNeededIsNotToldAgain) {
    open_owned();
    fill_segments(1);
    const std::uint64_t needed = small_segment_octets / 8 * 7;

    EXPECT_EQ(look(needed), 0U);
    fill_segments(2);

    EXPECT_NE(look(needed), 0U);
}

// A frame takes whole sectors, and what they take makes more due: one by one they would take up all
// the room there is.
TEST_F(OwnerOf, WhatIsToldAgainComesInHandfuls) {
    open_owned();
    fill_in_turns(2, 40);
    ASSERT_EQ(look(small_segment_octets / 8 * 5), 1U);
    const std::size_t told = segments.told(1).count();
    const std::size_t handful = told / 16;
    ASSERT_GT(handful, 1U);
    std::size_t due = owner->take_change().value().carry_due;
    EXPECT_EQ(due, 0U);

    for (std::uint64_t number = 1'000; due < told; ++number) {
        ASSERT_LT(number, 1'100U);
        append({accepted(number, "")});
        work();
        if (const auto change = owner->take_change()) {
            EXPECT_GE(change->carry_due, due + handful);
            due = change->carry_due;
        }
    }
}

TEST_F(OwnerOf, AJournalOfOneSegmentHasNoGarbage) {
    open_owned();
    fill(1, 1);

    EXPECT_EQ(look(), 0U);
}

TEST_F(OwnerOf, ASegmentGoesWhenWhatWasToldAgainIsDurable) {  // I1
    open_owned();
    fill_segments(3);
    ASSERT_NE(look(), 0U);

    append({accepted(1'000, "told again")});
    owner->trim_to(2);
    owner->take_answers();
    journal->work(now);  // durable now, but nobody has looked
    EXPECT_TRUE(exists(1));
    owner->take_answers();
    work_later();

    EXPECT_FALSE(exists(1));
    EXPECT_TRUE(exists(2));
    EXPECT_EQ(look(), 2U);
}

// What it told of is in memory.
TEST_F(OwnerOf, ASegmentGoesUnreadThoughItHasRotted) {  // I1, F11
    open_owned();
    fill_segments(3);
    std::string content = disk.content(segment_path(1));
    content[2'100] ^= 1;
    disk.set_content(segment_path(1), content);
    const std::uint64_t reads = disk.reads();

    ASSERT_EQ(look(), 1U);
    append({accepted(1'000, "told again")});
    owner->trim_to(2);
    work();
    owner->take_answers();
    work_later();

    EXPECT_FALSE(exists(1));
    EXPECT_FALSE(journal->has_failed());
    EXPECT_EQ(disk.reads(), reads);
}

TEST_F(OwnerOf, WhatIsNotDurableKeepsTheSegment) {  // I1
    open_owned();
    fill_segments(3);
    ASSERT_NE(look(), 0U);
    disk.fail_at(disk.operations(), EIO);

    append({accepted(1'000, "told again")});
    owner->trim_to(2);
    work_later();
    owner->take_answers();
    work_later();

    EXPECT_TRUE(journal->has_failed());
    EXPECT_TRUE(exists(1));
}

TEST_F(OwnerOf, ASegmentThatIsKeptIsLookedAtAgainInAMinute) {
    open_owned();
    fill_segments(3);
    ASSERT_NE(look(), 0U);

    owner->keep_segment(now);
    EXPECT_EQ(look(), 0U);
    now += std::chrono::seconds{61};
    work_later();

    EXPECT_TRUE(exists(1));
    ASSERT_NE(look(), 0U);
}

TEST_F(OwnerOf, WhatIsBeingReadKeepsItsSegment) {
    open_owned();
    append({accepted(1, std::string(1'000, 'x'))});
    const Locator at = journal->places()[0].payload;
    fill_segments(3);
    ASSERT_EQ(at.segment, 1U);
    ASSERT_NE(look(), 0U);

    owner->read(std::vector<ReadOctets>{{.at = at, .token = 1}});
    owner->trim_to(2);
    work_later();
    owner->take_answers();
    work_later();
    EXPECT_TRUE(exists(1));

    journal->work_reads();
    ASSERT_EQ(owner->take_answers().size(), 1U);
    work_later();
    EXPECT_FALSE(exists(1));
}

// ---- shelves ----

TEST_F(OwnerOf, AShelvedSegmentStaysWhenThoseAroundItGo) {  // I1
    open_owned();
    fill_segments(4);
    ASSERT_NE(look(), 0U);
    need(1, small_segment_octets);
    shelve(1, {3});
    EXPECT_EQ(look(), 2U);

    owner->trim_to(3);
    work();
    owner->take_answers();
    work_later();

    EXPECT_TRUE(exists(1));
    EXPECT_FALSE(exists(2));
    EXPECT_TRUE(exists(3));
}

TEST_F(OwnerOf, AShelfThatManyTasksHaveLeftGoesFirst) {
    open_owned();
    fill_segments(5);
    ASSERT_NE(look(), 0U);
    need(1, small_segment_octets / 10 * 6);
    need(2, small_segment_octets / 10 * 5);
    shelve(1, {3});
    ASSERT_NE(look(), 0U);
    shelve(2, {2});

    ASSERT_EQ(look(), 2U);
    EXPECT_EQ(carry, Carry::unshelving);
    append({accepted(1'000, "told again")});
    owner->unshelve(2);
    owner->take_answers();
    EXPECT_TRUE(exists(2));  // nothing of that is durable
    work();
    owner->take_answers();
    work_later();

    EXPECT_FALSE(exists(2));
    EXPECT_TRUE(exists(1));
}

// Less is needed of the oldest, and nothing hurries.
TEST_F(OwnerOf, AShelfThatManyTasksHaveLeftGoesBehindAnEmptyOldestSegment) {
    open_owned();
    fill_segments(5);
    ASSERT_NE(look(), 0U);
    need(1, small_segment_octets / 10 * 6);
    shelve(1, {3});

    // Five are sealed: more than may be, and then only nearly so.
    ASSERT_NE(look(small_segment_octets / 10 * 25), 0U);
    EXPECT_EQ(carry, Carry::unshelving);
    owner->keep_segment(now);
    now += std::chrono::seconds{61};
    ASSERT_NE(look(small_segment_octets / 10 * 30), 0U);
    EXPECT_EQ(carry, Carry::everything);
}

// Its file stays a little longer, for whoever reads it.
TEST_F(OwnerOf, AShelfThatNobodyToldOfIsLeftAlone) {
    open_owned();
    fill_segments(5);
    ASSERT_NE(look(), 0U);
    shelve(1, {3});
    shelves.apply({.segment = 1, .is_last = true});

    ASSERT_NE(look(), 0U);
    EXPECT_EQ(carry, Carry::everything);
}

TEST_F(OwnerOf, WhatIsBeingReadKeepsAShelfButAShelfKeepsNoOtherSegment) {
    open_owned();
    append({accepted(1, std::string(1'000, 'x'))});
    const Locator at = journal->places()[0].payload;
    ASSERT_EQ(at.segment, 1U);
    fill_segments(4);
    ASSERT_NE(look(), 0U);
    need(1, small_segment_octets);
    shelve(1, {1});
    ASSERT_NE(look(), 0U);

    owner->read(std::vector<ReadOctets>{{.at = at, .token = 1}});
    owner->trim_to(3);
    work();
    owner->take_answers();
    work_later();
    EXPECT_FALSE(exists(2));
    EXPECT_TRUE(journal->work_reads());
    owner->take_answers();

    segments[1] = {};
    ASSERT_NE(look(), 0U);
    EXPECT_EQ(carry, Carry::unshelving);
    owner->read(std::vector<ReadOctets>{{.at = at, .token = 2}});
    owner->unshelve(1);
    work();
    owner->take_answers();
    work_later();
    EXPECT_TRUE(exists(1));
    EXPECT_TRUE(journal->work_reads());
    ASSERT_EQ(owner->take_answers().size(), 1U);
    work_later();
    EXPECT_FALSE(exists(1));
}

TEST_F(OwnerOf, AJournalSaysWhenAnotherSegmentHasBegun) {
    open_owned();

    EXPECT_TRUE(owner->take_segment_change());  // since the start
    EXPECT_FALSE(owner->take_segment_change());
    fill_segments(2);
    EXPECT_TRUE(owner->take_segment_change());
    EXPECT_FALSE(owner->take_segment_change());
}

TEST_F(OwnerOf, AJournalIsBehindUntilHalfOfItIsWritten) {  // I18
    open_owned({.octets_waiting_max = 4'000, .octets_waiting_busy = 1'000});
    EXPECT_EQ(owner->take_change(), std::nullopt);

    append({accepted(1, std::string(1'000, 'x'))});
    EXPECT_EQ(owner->take_change(), std::nullopt);
    append({accepted(2, std::string(3'000, 'x'))});
    EXPECT_EQ(owner->take_change(), (JournalChanged{.is_behind = true}));
    EXPECT_EQ(owner->take_change(), std::nullopt);
    work();
    EXPECT_EQ(owner->take_change(), JournalChanged{});
}

}  // namespace
}  // namespace xebec::testing

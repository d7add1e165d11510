// Segments of the journal that stay, and of which it is told by their order what still holds.

#include "broker/core/shelves.h"
#include "tests/unit/broker/core/fixture.h"

#include <algorithm>

namespace xebec::broker {
namespace {

using Runs = std::vector<std::uint32_t>;

// ---- by their order ----

TEST(TaskRuns, AreHowManyHoldAndHowManyDoNotByTurns) {
    TaskRuns runs;
    for (const bool holds : {false, false, true, false, true, true}) {
        runs.add(holds);
    }

    EXPECT_EQ(runs.runs(), (Runs{0, 2, 1, 1, 2}));
    EXPECT_EQ(runs.count(), 6U);
    EXPECT_TRUE(runs.is_any());
    TaskRunsReader reader(runs.runs());
    for (const bool holds : {false, false, true, false, true, true, false}) {
        EXPECT_EQ(reader.next(), holds);
    }
}

TEST(TaskRuns, GoOnWhereTheyEnded) {
    TaskRuns runs;
    runs.append(Runs{2});
    runs.append(Runs{3, 1});
    runs.append(Runs{0, 4, 5});
    runs.append(Runs{});

    EXPECT_EQ(runs.runs(), (Runs{5, 5, 5}));
    EXPECT_EQ(runs.count(), 15U);
}

TEST(Shelves, ATellingOfWhichTheBeginningHasGoneSaysNothing) {  // I22
    Shelves shelves;

    shelves.apply({.segment = 3, .first = 2, .runs = {1}, .is_last = true});
    EXPECT_EQ(shelves.find(3), nullptr);
    shelves.apply({.segment = 3, .runs = {2}});
    shelves.apply({.segment = 3, .first = 1, .runs = {1}, .is_last = true});
    EXPECT_EQ(shelves.find(3), nullptr);
    shelves.apply({.segment = 3, .runs = {2}});
    shelves.apply({.segment = 3, .first = 2, .runs = {1}, .is_last = true});

    ASSERT_NE(shelves.find(3), nullptr);
    EXPECT_EQ(shelves.find(3)->tasks.runs(), (Runs{3}));
}

TEST(Shelves, ATellingThatDidNotEndLeavesTheOneBefore) {  // I22
    Shelves shelves;
    const SegmentShelved first{.segment = 3, .runs = {2}, .is_last = true};
    shelves.apply(first);
    shelves.locate(first, 8);

    const SegmentShelved part{.segment = 3, .runs = {0, 2}};
    shelves.apply(part);
    shelves.locate(part, 9);

    ASSERT_NE(shelves.find(3), nullptr);
    EXPECT_EQ(shelves.find(3)->tasks.runs(), (Runs{2}));
    EXPECT_EQ(shelves.find(3)->told_in, 8U);
    EXPECT_EQ(shelves.find_told_in(7), nullptr);
    ASSERT_NE(shelves.find_told_in(8), nullptr);
    EXPECT_EQ(shelves.find_told_in(8)->first, 3U);
}

TEST(Shelves, WhatIsTouchedWhileItIsToldOfIsNotToldAgainAsItWas) {  // I1
    Shelves shelves;
    EXPECT_FALSE(shelves.may_have(0));
    EXPECT_FALSE(shelves.may_have(3));

    shelves.apply({.segment = 3, .runs = {2}});
    EXPECT_TRUE(shelves.may_have(3));
    EXPECT_FALSE(shelves.may_have(4));
    shelves.touch(3);
    shelves.apply({.segment = 3, .first = 2, .is_last = true});

    EXPECT_TRUE(shelves.find(3)->is_touched);
    shelves.apply({.segment = 3, .runs = {1, 1}, .is_last = true});
    EXPECT_FALSE(shelves.find(3)->is_touched);
}

TEST(Shelves, AreToldOfInPartsThatFitARecord) {
    Shelves shelves;
    TaskRuns wanted;
    for (int i = 0; i < 501; ++i) {
        wanted.add(i % 2 == 1);
    }
    SegmentShelved record{.segment = 3, .runs = wanted.runs(), .is_last = true};
    shelves.apply(record);

    const std::vector<SegmentShelved> parts = Shelves::tell_again(3, *shelves.find(3));
    EXPECT_EQ(parts.size(), 3U);
    Shelves others;
    for (const SegmentShelved& part : parts) {
        EXPECT_LE(part.runs.size(), shelved_runs_max);
        others.apply(part);
    }

    ASSERT_NE(others.find(3), nullptr);
    EXPECT_EQ(others.find(3)->tasks.runs(), wanted.runs());
}

// ---- a broker's ----

CoreOptions with_little_memory() {
    CoreOptions options = patient();
    options.octets_in_memory_max = 0;  // nothing stays in memory that the journal has
    return options;
}

SubmitItem waiting(std::uint32_t n) {
    SubmitItem item = Fixture::item(n);
    item.payload = std::string_view("the question");
    return item;
}

// Five tasks in segment 1, of which the third has been cancelled.
struct Shelving : ::testing::Test {
    Fixture broker{with_little_memory()};

    Shelving() {
        broker.is_replayable = false;  // records alone would leave everything in memory
        for (std::uint32_t n = 1; n <= 5; ++n) {
            broker.submit(waiting(n));
        }
        cancel(3);
    }
    void cancel(std::uint32_t n) {
        broker.connect("operator");
        broker.ask<CancelAnswer>("operator", Cancel{.tasks = {Fixture::id(n)}});
    }
    const Shelf* shelf() const { return broker.core.state().shelves().find(1); }

    template <class Fact>
    static std::vector<Fact> all(const std::vector<Record>& records) {
        std::vector<Fact> found;
        for (const Record& record : records) {
            if (const auto* fact = std::get_if<Fact>(&record)) {
                found.push_back(*fact);
            }
        }
        return found;
    }
    static std::vector<std::uint64_t> numbers(const std::vector<Record>& records) {
        std::vector<std::uint64_t> numbers;
        for (const TaskCarried& task : all<TaskCarried>(records)) {
            numbers.push_back(task.number);
        }
        return numbers;
    }
    std::vector<Record> shelve() {
        broker.begin_carrying(1, Carry::shelving);
        return broker.finish_carrying();
    }
    // A segment behind that, with one task of its own, goes.
    void begin_carrying_another() {
        broker.submit(waiting(6));
        broker.begin_carrying(2);
    }
};

TEST_F(Shelving, WhatIsAsItStandsThereIsToldByItsOrderAndTheRestWhole) {  // I1
    const std::vector<Record> told = shelve();

    EXPECT_EQ(numbers(told), std::vector<std::uint64_t>{3});
    ASSERT_NE(shelf(), nullptr);
    EXPECT_EQ(shelf()->tasks.runs(), (Runs{2, 1, 2}));
    EXPECT_EQ(shelf()->told_in, 2U);
    EXPECT_FALSE(shelf()->is_touched);
    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{1});
}

TEST_F(Shelving, ASegmentIsWholeUntilOneOfItsTasksChangesOrItTellsOfSomethingElse) {
    const auto whole = [](const Fixture& one) {
        return one.core.state().segments().tasks_if_whole(1);
    };
    EXPECT_EQ(whole(broker), 0U) << "one was cancelled";
    Fixture other(with_little_memory());
    other.is_replayable = false;
    other.submit(waiting(1));
    other.submit(waiting(2));
    EXPECT_EQ(whole(other), 2U);
    Fixture again(other, with_little_memory());
    again.is_replayable = false;
    EXPECT_EQ(whole(again), 2U);

    SubmitItem silent = Fixture::item(3);
    silent.payload = {};
    other.submit(silent);
    EXPECT_EQ(whole(other), 0U);
}

TEST_F(Shelving, WhatIsWholeIsShelvedWithoutALook) {
    Fixture other(with_little_memory());
    other.is_replayable = false;
    other.submit(waiting(1));
    other.submit(waiting(2));

    other.begin_carrying(1, Carry::whole);

    const Shelf* shelf = other.core.state().shelves().find(1);
    ASSERT_NE(shelf, nullptr);
    EXPECT_EQ(shelf->tasks.runs(), Runs{2});
    EXPECT_EQ(other.take_segments_done(), std::vector<std::uint32_t>{1});
}

// Nothing says in which segment it was told last.
TEST_F(Shelving, ATaskWithoutAPayloadIsToldWhole) {
    SubmitItem silent = Fixture::item(7);
    silent.payload = {};
    broker.submit(silent);

    const std::vector<Record> told = shelve();

    EXPECT_EQ(numbers(told), (std::vector<std::uint64_t>{3, 6}));
    EXPECT_EQ(shelf()->tasks.runs(), (Runs{2, 1, 2, 1}));
}

TEST_F(Shelving, WhatIsNotTouchedIsToldOfAgainWithoutALook) {
    shelve();

    begin_carrying_another();
    const std::vector<Record> told = broker.finish_carrying();

    const auto records = all<SegmentShelved>(told);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].runs, (Runs{2, 1, 2}));
    EXPECT_TRUE(records[0].is_last);
    EXPECT_EQ(shelf()->told_in, 3U);
    EXPECT_EQ(broker.take_segments_done().size(), 2U);
}

TEST_F(Shelving, WhatIsTouchedIsToldWholeBeforeItsShelfIsToldOfAgain) {  // I1
    shelve();
    broker.take_segments_done();
    broker.work("w");
    broker.answer_reads();
    broker.assigned_one("w");
    EXPECT_TRUE(shelf()->is_touched);

    begin_carrying_another();
    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{}) << "something is read";
    EXPECT_EQ(shelf()->tasks.runs(), (Runs{2, 1, 2})) << "until all of it is told of";
    const std::vector<Record> told = broker.finish_carrying();

    EXPECT_EQ(shelf()->tasks.runs(), (Runs{0, 1, 1, 1, 2}));
    EXPECT_FALSE(shelf()->is_touched);
    const std::vector<std::uint64_t> carried = numbers(told);
    EXPECT_EQ(std::count(carried.begin(), carried.end(), 1U), 1);
    EXPECT_EQ(std::count(carried.begin(), carried.end(), 3U), 1) << "of the segment that goes";
    EXPECT_EQ(broker.take_segments_done().size(), 1U);
}

TEST_F(Shelving, AShelfOfWhichNothingIsLeftGoes) {
    shelve();
    for (const std::uint32_t n : {1U, 2U, 4U, 5U}) {
        cancel(n);
    }

    begin_carrying_another();
    broker.finish_carrying();

    EXPECT_EQ(shelf(), nullptr);
    EXPECT_EQ(broker.take_shelves_done(), std::vector<std::uint32_t>{1});
}

TEST_F(Shelving, AShelfThatGoesIsToldWhole) {  // I1
    shelve();
    broker.take_segments_done();
    cancel(2);

    broker.begin_carrying(1, Carry::unshelving);
    EXPECT_NE(shelf(), nullptr) << "what is being read is not told again yet";
    const std::vector<Record> told = broker.finish_carrying();

    EXPECT_EQ(numbers(told), (std::vector<std::uint64_t>{2, 1, 4, 5}));
    EXPECT_EQ(shelf(), nullptr);
    EXPECT_EQ(broker.take_shelves_done(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{});
}

// Else it would be told by its order there once more, as if nothing had become of it.
TEST_F(Shelving, WhatLiesElsewhereByNowIsNotThereAnyMore) {  // I3, I8
    shelve();
    broker.begin_carrying(1, Carry::unshelving);
    broker.finish_carrying();
    ASSERT_EQ(shelf(), nullptr);

    Fixture killed(broker, with_little_memory(), 1);  // before the last record
    killed.is_replayable = false;
    const Shelf* left = killed.core.state().shelves().find(1);

    ASSERT_NE(left, nullptr);
    EXPECT_TRUE(left->is_touched);
}

TEST_F(Shelving, WhatIsDamagedKeepsTheSegmentAndTheShelfAsItWasToldOf) {  // I24
    shelve();
    broker.take_segments_done();
    broker.work("w");
    broker.answer_reads();
    broker.assigned_one("w");
    broker.lose("w");
    broker.settle();

    begin_carrying_another();
    while (broker.reads_waiting() > 0) {
        broker.answer_reads("segment 1 is damaged");
    }

    EXPECT_EQ(shelf()->tasks.runs(), (Runs{2, 1, 2}));
    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{});
    EXPECT_EQ(broker.take_segments_kept().size(), 1U);
}

// What stands in the journal behind the shelf's telling, as after a broker was killed, counts.
TEST(ShelvedReplay, WhatIsKnownStaysWhereItStands) {  // I22
    Fixture broker;
    const TaskCarried task{.number = 1,
                           .id = Fixture::id(1),
                           .kind = "k",
                           .queue = "default",
                           .payload = std::string_view("the question"),
                           .state = TaskState::ready,
                           .version = 1};
    State state;
    state.replay(task, {.payload = {9, 100}, .payload_octets = 12, .segment = 9});
    state.replay(task,
                 {.payload = {2, 100}, .payload_octets = 12, .segment = 2, .is_shelved = true});
    state.settle(broker.now);

    EXPECT_EQ(state.tasks()[state.tasks().find(1)].payload_at, (Locator{9, 100}));
    EXPECT_FALSE(state.is_told_again(1, 2));
    state.check_invariants();
}

// What does not hold any more has its place among them still; what was passed before is not passed
// again, and a shelf that was given up is not needed.
TEST(ShelvedReplay, TheOrderOfAShelfIsKnownAgain) {  // I1, I22
    const auto replay = [](State& state, std::uint64_t number, const Places& places) {
        state.replay(TaskCarried{.number = number,
                                 .id = Fixture::id(static_cast<std::uint32_t>(number)),
                                 .kind = "k",
                                 .queue = "default",
                                 .payload = std::string_view("the question"),
                                 .state = TaskState::ready,
                                 .version = 1},
                     places);
    };
    const auto told_of = [](const State& state, std::uint32_t segment) {
        std::vector<std::uint64_t> numbers;
        ToldTasksReader reader(state.segments().told(segment));
        while (const auto number = reader.next()) {
            numbers.push_back(*number);
        }
        return numbers;
    };
    State state;
    replay(state, 9, {.segment = 5});
    state.replay(SegmentShelved{.segment = 2, .runs = {1, 1, 1}, .is_last = true}, {.segment = 6});
    for (const std::uint32_t segment : {2U, 3U}) {
        for (const std::uint32_t order : {0U, 1U, 1U, 0U, 2U}) {
            replay(state, 10 * segment + order,
                   {.payload = {segment, 100 * (order + 1)},
                    .payload_octets = 12,
                    .segment = segment,
                    .order = order,
                    .is_shelved = true,
                    .holds = order != 1});
        }
    }
    EXPECT_EQ(told_of(state, 3), (std::vector<std::uint64_t>{30, 31, 32}));
    state.settle({.steady = Instant{std::chrono::hours{1}}, .wall = Fixture::start_wall});

    EXPECT_EQ(told_of(state, 2), (std::vector<std::uint64_t>{20, 21, 22}));
    EXPECT_EQ(told_of(state, 3), std::vector<std::uint64_t>{}) << "nothing tells of it";
    EXPECT_EQ(told_of(state, 5), std::vector<std::uint64_t>{9});
    EXPECT_EQ(state.tasks().find(21), no_task);
    EXPECT_NE(state.tasks().find(22), no_task);
    state.check_invariants();
}

// A step may be split where a segment ends.
TEST(ShelvedReplay, ATaskStandsWhereItIsToldAndNotWhereItsHistoryIs) {  // I1, I22
    const TaskCarried task{.number = 1,
                           .id = Fixture::id(1),
                           .kind = "k",
                           .queue = "default",
                           .state = TaskState::ready,
                           .attempts = 1,
                           .version = 3};
    const HistoryCarried history{.number = 1, .attempts = {{.attempt = 1}}};
    State state;
    for (const std::uint32_t segment : {1U, 4U}) {
        state.replay(task, {.segment = segment});
        state.replay(history, {.segment = segment + 1});
    }

    EXPECT_TRUE(state.is_told_again(1, 3));
    EXPECT_FALSE(state.is_told_again(1, 4));
}

}  // namespace
}  // namespace xebec::broker

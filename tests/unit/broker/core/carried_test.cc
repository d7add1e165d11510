#include "tests/unit/broker/core/dump.h"
#include "tests/unit/broker/core/fixture.h"

#include <sstream>

namespace xebec::broker {
namespace {

// Oldest first.
std::vector<Record> all_told_again(const State& state, Now now) {
    std::vector<Record> records;
    for (std::uint64_t number = 1; number <= state.number_last(); ++number) {
        const TaskIndex index = state.tasks().find(number);
        if (index == no_task) {
            continue;
        }
        records.emplace_back(state.tell_again(state.tasks()[index], now));
        if (auto history = state.tell_history(state.tasks()[index])) {
            records.emplace_back(std::move(*history));
        }
    }
    return records;
}

// Only what a dump says of single tasks: figures begin again with every run.
std::string tasks_of(const State& state) {
    std::istringstream lines(dump(state));
    std::string tasks;
    for (std::string line; std::getline(lines, line);) {
        tasks += line.starts_with("task ") ? line + '\n' : "";
    }
    return tasks;
}

// A task in each state there is, and one of each that waits for something else.
void fill(Fixture& broker) {
    broker.work("w");
    broker.submit(1);
    broker.done("w", broker.assigned_one("w"), "the answer");
    SubmitItem item = Fixture::item(2);
    item.attempts_max = 1;
    item.payload = std::string_view("the question");
    broker.submit(item);
    broker.fail("w", broker.assigned_one("w"));
    broker.submit(3);
    broker.fail("w", broker.assigned_one("w"));  // to be tried again
    broker.submit(4);                            // leased
    item = Fixture::item(5);
    item.priority = 7;
    item.payload = std::string_view("waits");
    broker.submit(item);
    item = Fixture::item(6);
    item.delay_ms = 60'000;
    broker.submit(item);
    item = Fixture::item(7);
    item.deadline = static_cast<std::uint64_t>(
        (Fixture::start_wall + std::chrono::hours{1}).time_since_epoch().count());
    item.run_max_ms = 5'000;
    broker.submit(item);
    broker.submit(8);
    broker.connect("c");
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(8)}});
}

TEST(Carried, GivesEveryTaskAsItWas) {  // I1, I22
    Fixture broker;
    fill(broker);
    const State& state = broker.core.state();

    State other;
    for (const Record& record : all_told_again(state, broker.now)) {
        EXPECT_TRUE(other.apply(record, broker.now));
    }

    EXPECT_EQ(tasks_of(other), tasks_of(state));
    EXPECT_EQ(other.counts(), state.counts());
    EXPECT_EQ(other.octets(), state.octets());
    EXPECT_EQ(other.final_octets(), state.final_octets());
    EXPECT_EQ(other.number_last(), state.number_last());
    EXPECT_EQ(other.next_due_steady(), state.next_due_steady());
    EXPECT_EQ(other.next_due_wall(), state.next_due_wall());
    other.check_invariants();
}

TEST(Carried, MayBeTheFirstOfAJournalAndKeepsItsTimes) {  // I22, L3
    Fixture broker;
    fill(broker);
    const State& state = broker.core.state();
    const std::vector<Record> records = all_told_again(state, broker.now);
    const Now later{broker.now.steady + std::chrono::hours{2},
                    broker.now.wall + std::chrono::hours{2}};

    for (const bool is_timed_record_behind : {false, true}) {
        State other;
        for (const Record& record : records) {
            other.replay(record, {});
        }
        if (is_timed_record_behind) {
            other.replay(TaskAccepted{.number = 100,
                                      .id = Fixture::id(100),
                                      .kind = "k",
                                      .queue = "default",
                                      .attempts_max = 1,
                                      .at = later.wall},
                         {});
        }
        other.settle(later);

        EXPECT_EQ(other.next_due_steady(), state.next_due_steady());
        EXPECT_EQ(other.next_retention_end(), state.next_retention_end());
    }
}

TEST(Carried, ChangesNothingWhereItIsKnown) {
    Fixture broker;
    fill(broker);
    const State& state = broker.core.state();
    State other;
    for (const Record& record : all_told_again(state, broker.now)) {
        other.apply(record, broker.now);
    }
    const std::string before = dump(other);

    for (const Record& record : all_told_again(state, broker.now)) {
        other.apply(record, broker.now);
    }

    EXPECT_EQ(dump(other), before);
}

TEST(Carried, StandInOrderOfAcceptanceWithYoungerOnes) {  // I14
    Fixture broker;
    broker.submit_many(1, 3);
    const std::vector<Record> records = all_told_again(broker.core.state(), broker.now);
    ASSERT_EQ(records.size(), 3U);

    State other;  // the segment that had the first two has gone
    for (const std::size_t i : {2U, 1U, 0U}) {
        other.replay(records[i], {});
    }
    other.settle(broker.now);

    other.check_invariants();
    const Lane& lane = other.queues()[other.tasks()[other.tasks().find(1)].lane];
    EXPECT_EQ(lane.head(other.tasks())->rank.number, 1U);
}

TEST(Carried, TombstonesAndBasesAreKept) {  // I3, I9
    Fixture broker;
    State state;
    const TombstoneCarried record{.id = Fixture::id(1),
                                  .number = 12,
                                  .content_hash = 34,
                                  .fence = {.epoch = 5, .attempt = 6},
                                  .state = TaskState::cancelled,
                                  .removed_at = broker.now.wall};

    state.apply(record, broker.now);
    state.apply(record, broker.now);
    state.apply(BasesCarried{.number_last = 99, .finished_order_last = 7}, broker.now);
    state.apply(BasesCarried{.number_last = 3}, broker.now);

    const Tombstone* found = state.tombstones().find(Fixture::id(1));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->number, 12U);
    EXPECT_EQ(found->content_hash, 34U);
    EXPECT_EQ(found->fence.value(), record.fence.value());
    EXPECT_EQ(found->state, TaskState::cancelled);
    EXPECT_EQ(state.tombstones().count(), 1U);
    EXPECT_EQ(state.number_last(), 99U);
    EXPECT_EQ(state.number_shown_last(), 99U);
}

}  // namespace
}  // namespace xebec::broker

#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

void set_retention(Fixture& broker, std::uint64_t ms) {
    broker.connect("operator");
    broker.ask<QueueSetAnswer>("operator",
                               QueueSet{.name = "default", .settings = {.retention_ms = ms}});
}

// Runs a task to its end.
AssignItem run(Fixture& broker, const SubmitItem& item, std::string_view result = "5") {
    broker.submit(item);
    const AssignItem task = broker.assigned_one("w");
    EXPECT_EQ(broker.done("w", task, result), FinishStatus::accepted);
    return task;
}

TEST(Retention, KeepsAFinalTaskForItsTimeAndNotLonger) {  // I11
    Fixture broker;
    broker.work("w");
    set_retention(broker, 60'000);
    run(broker, Fixture::item(1));

    broker.pass(59'999ms);
    EXPECT_TRUE(broker.is_known(Fixture::id(1)));
    broker.pass(1ms);

    EXPECT_FALSE(broker.is_known(Fixture::id(1)));
    EXPECT_EQ(broker.core.state().totals().removed, 1U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Retention, OfTasksThatEndedTogetherIsOverTogether) {  // I11
    Fixture broker;
    broker.connect("c");
    set_retention(broker, 60'000);
    broker.submit_many(1, 3);
    broker.ask<CancelAnswer>("c", Cancel{.bulk = true});
    broker.pass(1ms);
    broker.submit(4);
    broker.ask<CancelAnswer>("c", Cancel{.bulk = true});

    broker.pass(59'999ms);
    EXPECT_EQ(broker.core.state().totals().removed, 3U);
    EXPECT_TRUE(broker.is_known(Fixture::id(4)));
    broker.pass(1ms);

    EXPECT_EQ(broker.core.state().totals().removed, 4U);
}

TEST(Retention, FollowsAChangeOfItsQueuesSetting) {
    Fixture broker;
    broker.work("w");
    run(broker, Fixture::item(1));
    broker.pass(1h);

    set_retention(broker, 60'000);
    broker.settle();

    EXPECT_FALSE(broker.is_known(Fixture::id(1)));
}

TEST(Retention, NeverRemovesWhatIsNotFinal) {  // I11
    Fixture broker;
    set_retention(broker, 0);
    SubmitItem later = Fixture::item(1);
    later.delay_ms = 1'000'000;
    broker.submit(later);
    broker.submit(2);

    broker.pass(100s);

    EXPECT_EQ(broker.state(1), TaskState::scheduled);
    EXPECT_EQ(broker.state(2), TaskState::ready);
}

TEST(Retention, IsNotEndedByAJumpOfTheWallClock) {  // F12, I21
    Fixture broker;
    broker.work("w");
    run(broker, Fixture::item(1));

    broker.jump_wall(std::chrono::hours{24 * 365});
    broker.pass(1h);

    EXPECT_TRUE(broker.is_known(Fixture::id(1)));
}

TEST(Retention, RemovesTheOldestBeyondTheBudgetDownToTheLeastCount) {  // I11, I18
    CoreOptions options = patient();
    options.final_octets_max = 10'000;
    options.final_count_min = 4;
    Fixture broker(options);
    broker.work("w");
    const std::string result(3'000, 'x');
    SubmitItem item = Fixture::item(0);
    for (std::uint32_t n = 1; n <= 6; ++n) {
        item.id = Fixture::id(n);
        item.queue = n % 2 == 0 ? "even" : "odd";
        run(broker, item, result);
    }

    EXPECT_FALSE(broker.is_known(Fixture::id(1)));
    EXPECT_FALSE(broker.is_known(Fixture::id(2)));
    for (std::uint32_t n = 3; n <= 6; ++n) {
        EXPECT_TRUE(broker.is_known(Fixture::id(n))) << n;
    }
}

TEST(Retention, KeepsThePayloadOfADeadTaskOnly) {
    Fixture broker(patient());
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.payload = std::string_view("the question");
    run(broker, item);
    item.id = Fixture::id(2);
    item.attempts_max = 1;
    broker.submit(item);
    broker.fail("w", broker.assigned_one("w"));

    broker.connect("c");
    const Query query{.tasks = {Fixture::id(1), Fixture::id(2)}, .with_payload = true};
    const auto answer = broker.ask<QueryAnswer>("c", query);
    EXPECT_EQ(answer.items.at(0).payload.view, "");
    EXPECT_EQ(answer.items.at(1).payload.view, "the question");
}

TEST(Retention, CountsErrorsAgainstTheBudgetAsWell) {  // I18
    CoreOptions options = patient();
    options.final_octets_max = 20'000;
    options.final_count_min = 0;
    Fixture broker(options);
    broker.work("w");
    const std::string text(4'096, 'e');
    for (std::uint32_t n = 1; n <= 10; ++n) {
        broker.submit(n);
        const AssignItem task = broker.assigned_one("w");
        broker.ask<FailAnswer>("w", Fail{.items = {{.id = task.id,
                                                    .fence = task.fence,
                                                    .error = {"failed", text},
                                                    .useless = true}}});
    }

    EXPECT_EQ(broker.core.state().final_count(), 2U)
        << "each has its error, and a history of one; tombstones will want their part";
}

TEST(Retention, CountsTombstonesAgainstTheBudgetAsWell) {  // I18
    CoreOptions options = patient();
    options.final_octets_max = 100'000;
    options.final_count_min = 4;
    Fixture broker(options);
    broker.checks_every_step = false;
    broker.connect("c");

    for (std::uint32_t first = 0; first < 3'000; first += 100) {
        broker.submit_many(first, 100);
        broker.ask<CancelAnswer>("c", Cancel{.bulk = true});
        broker.settle();
        const State& state = broker.core.state();
        ASSERT_TRUE(state.final_octets() + state.tombstones().octets() <= 100'000 ||
                    state.final_count() == 4)
            << first;
    }

    EXPECT_GT(broker.core.state().tombstones().count(), 1'000U);
    EXPECT_EQ(broker.core.state().final_count(), 4U) << "these stay beyond the budget";
    EXPECT_FALSE(broker.is_known(Fixture::id(2'904)));  // the newest are cancelled first
    EXPECT_TRUE(broker.is_known(Fixture::id(2'903)));
    EXPECT_EQ(broker.try_submit(Fixture::item(0)).status, SubmitStatus::exists);
    broker.core.check_invariants();
}

TEST(Retention, RemovesManyInBoundedSteps) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 3'000);
    broker.ask<CancelAnswer>("c", Cancel{.bulk = true});
    broker.tick();  // so that none has ended since the last step
    broker.receive("c", QueueSet{.name = "default", .settings = {.retention_ms = 0}});
    const std::size_t before = broker.records();

    broker.tick();
    const std::size_t in_one_step = broker.records() - before;
    broker.settle();

    EXPECT_LE(in_one_step, 1'000U);
    EXPECT_EQ(broker.core.state().tasks().size(), 0U);
}

// However large batches are, it does not fall behind.
TEST(Retention, RemovesAsManyAsEnd) {  // I18
    constexpr std::uint32_t batch = 4'000;
    CoreOptions options = patient();
    options.final_octets_max = 1;
    options.final_count_min = 10;
    options.credit_max = batch;
    Fixture broker(options);
    broker.work("w", {.slots = batch, .credit = batch});
    for (std::uint32_t round = 0; round < 3; ++round) {
        broker.submit_many(1 + round * batch, batch);
        Done done;
        for (const AssignItem& task : broker.assigned("w")) {
            done.items.push_back({.id = task.id, .fence = task.fence});
        }
        ASSERT_EQ(done.items.size(), batch);

        broker.receive("w", done);
        broker.apply(TimePassed{});

        EXPECT_EQ(broker.core.state().final_count(), 10U);
        broker.settle();
    }
}

TEST(Tombstone, AnswersForARemovedTask) {  // I3, I9
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    set_retention(broker, 0);
    const AssignItem task = run(broker, Fixture::item(1));
    ASSERT_FALSE(broker.is_known(task.id));
    SubmitItem other = Fixture::item(1);
    other.priority = 3;

    EXPECT_EQ(broker.try_submit(Fixture::item(1)),
              (SubmitStatusItem{.status = SubmitStatus::exists, .number = task.number}));
    EXPECT_EQ(broker.try_submit(other).problem.code, static_cast<int>(Refusal::conflict));
    EXPECT_EQ(broker.done("w", task), FinishStatus::repeat);
    EXPECT_EQ(broker.done("w", {.id = task.id, .fence = task.fence - 1}), FinishStatus::stale);
    EXPECT_TRUE(broker.is_quiet()) << "it does not run again";
}

TEST(Tombstone, TellsAWaitingClientHowTheTaskEnded) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    set_retention(broker, 0);
    const AssignItem task = run(broker, Fixture::item(1));
    const std::vector<OutcomeItem> removed{
        {.id = task.id,
         .number = task.number,
         .state = TaskState::succeeded,
         .error = Failure{"removed", "the retention of this task is over"},
         .fence = task.fence}};

    broker.ask<SubmitAnswer>("c", Submit{.items = {Fixture::item(1)}, .wait = true});
    EXPECT_EQ(broker.outcomes("c"), removed);
    const auto answer = broker.ask<WaitAnswer>("c", Wait{.tasks = {task.id}});

    EXPECT_EQ(answer.items, (std::vector<WaitItem>{{.number = task.number, .id = task.id}}));
    EXPECT_EQ(broker.outcomes("c"), removed);
}

TEST(Tombstone, LeavesAFloorBelowWhichUnknownIdsAreTooOld) {  // I3
    Fixture broker;
    broker.work("w");
    set_retention(broker, 0);
    run(broker, Fixture::item(1));

    broker.pass(61min);

    EXPECT_EQ(broker.core.state().tombstones().count(), 0U);
    const auto again = broker.try_submit(Fixture::item(1));
    EXPECT_EQ(again.problem.code, static_cast<int>(Refusal::too_old));
    SubmitItem fresh = Fixture::item(2);
    fresh.id = Fixture::id(2, broker.now.wall - 59min);
    EXPECT_EQ(broker.try_submit(fresh).status, SubmitStatus::created);
}

TEST(Tombstone, OfAnIdThatSaysNoTimeLastsAWindowFromItsRemoval) {  // I3
    Fixture broker;
    broker.work("w");
    set_retention(broker, 0);
    SubmitItem item = Fixture::item(1);
    item.id.octets.fill(0x11);
    run(broker, item);

    broker.pass(59min);
    EXPECT_EQ(broker.try_submit(item).status, SubmitStatus::exists);
    broker.pass(3min);

    EXPECT_EQ(broker.try_submit(item).status, SubmitStatus::created);
}

TEST(Tombstone, OfAnIdFromTheFutureNeverMakesFreshIdsTooOld) {  // I21, L4
    Fixture broker;
    broker.work("w");
    set_retention(broker, 0);
    SubmitItem ahead = Fixture::item(1);
    ahead.id = Fixture::id(1, Fixture::start_wall + 10h);  // a client whose clock is wrong
    run(broker, ahead);

    for (int hour = 0; hour < 12; ++hour) {
        broker.pass(1h);
        SubmitItem fresh = Fixture::item(0);
        fresh.id = Fixture::id(static_cast<std::uint32_t>(100 + hour), broker.now.wall);
        ASSERT_EQ(broker.try_submit(fresh).status, SubmitStatus::created) << hour;
        broker.done("w", broker.assigned_one("w"));
    }

    EXPECT_NE(broker.try_submit(ahead).status, SubmitStatus::created) << "never a second run";
}

TEST(Tombstones, CountWhatTheyTake) {  // I18
    Tombstones tombstones;
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    EXPECT_EQ(tombstones.octets(), 0U);
    TaskId timeless = Fixture::id(0, wall);
    timeless.octets.fill(0x11);
    for (std::uint32_t n = 0; n < 10'000; ++n) {
        tombstones.add(Fixture::id(n, wall - milliseconds{n % 100}), {.number = n + 1}, now);
    }
    tombstones.add(timeless, {.number = 10'001}, now);

    EXPECT_GE(tombstones.octets(), 10'000 * (sizeof(TaskId) + sizeof(Tombstone)));
    EXPECT_LE(tombstones.octets(), 10'000 * 3 * (sizeof(TaskId) + sizeof(Tombstone)));
    tombstones.raise_floor(wall + 1s);

    EXPECT_EQ(tombstones.octets(), 0U);
}

TEST(Tombstones, BeyondTheirNumberGoOldestFirstButNeverUpToNow) {  // I18
    Tombstones tombstones;
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    constexpr std::uint32_t count = 10'000;
    for (std::uint32_t n = 0; n < count; ++n) {
        tombstones.add(Fixture::id(n, wall - milliseconds{n % 10'000}), {.number = n + 1}, now);
    }
    EXPECT_FALSE(tombstones.next_floor(now, count));

    tombstones.add(Fixture::id(count, wall), {.number = count + 1}, now);

    EXPECT_EQ(tombstones.next_floor(now, count), wall - 9'980ms);
    tombstones.raise_floor(wall - 9'980ms);
    EXPECT_LT(tombstones.count(), count);
    EXPECT_FALSE(tombstones.next_floor(now, count));
}

}  // namespace
}  // namespace xebec::broker

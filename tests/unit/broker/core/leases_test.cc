#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

void set_queue(Fixture& broker, const QueueSettings& settings) {
    broker.connect("operator");
    const auto answer =
        broker.ask<QueueSetAnswer>("operator", QueueSet{.name = "default", .settings = settings});
    ASSERT_EQ(answer.problem.code, 0);
}

std::vector<std::uint64_t> extend(Fixture& broker, const std::string& peer,
                                  const std::vector<LeaseRef>& leases) {
    return broker.ask<ExtendAnswer>(peer, Extend{.leases = leases}).lease_ms;
}

TEST(Lease, IsExtendedForItsHolderOnly) {  // I7
    Fixture broker;
    broker.work("w1");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w1");
    broker.work("w2");
    const LeaseRef lease = Fixture::lease(task);

    EXPECT_EQ(extend(broker, "w1", {lease, {task.id, task.fence + 1}, {Fixture::id(9), 1}}),
              (std::vector<std::uint64_t>{30'000, 0, 0}));
    EXPECT_EQ(extend(broker, "w2", {lease}), std::vector<std::uint64_t>{0});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Lease, IsExtendedWithoutWaitingForTheDisk) {  // F10
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.say("w", Extend{.leases = {Fixture::lease(task)}});

    const auto sent = broker.take_all();

    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<ExtendAnswer>(sent[0].message));
    EXPECT_TRUE(sent[0].at_once);
}

TEST(Lease, LastsAsLongAsItIsExtended) {
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");

    for (int i = 0; i < 10; ++i) {
        broker.pass(29s);
        ASSERT_EQ(extend(broker, "w", {Fixture::lease(task)}), std::vector<std::uint64_t>{30'000});
    }

    EXPECT_TRUE(broker.is_quiet());
    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted);
}

TEST(Lease, ThatIsNotExtendedEndsAndTheTaskRunsElsewhere) {  // I7, F16, L2
    Fixture broker;
    broker.work("slow");
    broker.submit(1);
    const AssignItem first = broker.assigned_one("slow");
    broker.work("quick");

    broker.pass(30s);

    const AssignItem second = broker.assigned_one("quick");
    EXPECT_EQ(second.id, first.id);
    EXPECT_EQ(second.attempt, 2U) << "it may have been running";
    EXPECT_EQ(broker.take_one<Revoke>("slow").leases, std::vector{Fixture::lease(first)});
    EXPECT_EQ(broker.take_notices<LeaseExpired>().size(), 1U);
    EXPECT_TRUE(broker.is_quiet());

    EXPECT_EQ(broker.done("quick", second, "right"), FinishStatus::accepted);
    EXPECT_EQ(broker.done("slow", first, "wrong"), FinishStatus::stale);
    const auto query =
        broker.ask<QueryAnswer>("submitter", Query{.tasks = {first.id}, .with_result = true});
    EXPECT_EQ(query.items.at(0).result.view, "right");
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Lease, ThatEndsIsStaleForEveryKindOfReport) {  // I7
    Fixture broker;
    broker.work("slow");
    broker.submit(1);
    const AssignItem first = broker.assigned_one("slow");
    broker.pass(30s);
    const std::size_t records = broker.records();

    EXPECT_EQ(extend(broker, "slow", {Fixture::lease(first)}), std::vector<std::uint64_t>{0});
    EXPECT_EQ(broker.fail("slow", first), FinishStatus::stale);
    // That answered the revoke: the slot is free, and the task comes again under another fence.
    EXPECT_EQ(broker.records(), records + 1);
    const AssignItem second = broker.assigned_one("slow");
    EXPECT_EQ(broker.release("slow", Fixture::lease(first)), FinishStatus::stale);
    EXPECT_EQ(broker.done("slow", first), FinishStatus::stale);
    EXPECT_EQ(broker.records(), records + 1);
    EXPECT_EQ(broker.done("slow", second), FinishStatus::accepted);
}

TEST(Lease, ThatEndsForAWorkerThatNeverSaysSoChargesOnlyWhatCanHaveRun) {  // I12
    Fixture broker;
    broker.submit_many(1, 3);
    broker.work("w", {.slots = 1, .credit = 3});
    ASSERT_EQ(broker.assigned("w").size(), 3U);

    broker.pass(30s);

    EXPECT_EQ(broker.view(Fixture::id(1)).attempts, 1U);
    EXPECT_EQ(broker.view(Fixture::id(2)).attempts, 0U);
    EXPECT_EQ(broker.view(Fixture::id(3)).attempts, 0U);
}

TEST(Lease, ThatEndsForTheLastTimeKillsTheTask) {  // I12, F19
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 1;
    broker.submit(item);
    broker.assigned_one("w");

    broker.pass(30s);

    EXPECT_EQ(broker.view(item.id).error->error_class, "lease_expired");
    EXPECT_EQ(broker.state(1), TaskState::dead);
}

TEST(Lease, HasTheLengthThatItsQueueSays) {
    Fixture broker;
    set_queue(broker, {.lease_ms = 5'000});
    broker.work("w");
    broker.submit(1);

    const AssignItem task = broker.assigned_one("w");

    EXPECT_EQ(task.lease_ms, 5'000U);
    broker.pass(4'999ms);
    EXPECT_TRUE(broker.is_quiet());
    broker.pass(1ms);
    EXPECT_EQ(broker.take<Revoke>("w").size(), 1U);
}

TEST(RunLimit, IsEnforcedByTheBrokerOneLeaseLater) {  // F19
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.run_max_ms = 20'000;
    broker.submit(item);
    const AssignItem task = broker.assigned_one("w");
    EXPECT_EQ(task.run_max_ms, 20'000U);

    for (int i = 0; i < 49; ++i) {
        broker.pass(1s);
        ASSERT_EQ(extend(broker, "w", {Fixture::lease(task)}).at(0), 30'000U);
    }
    EXPECT_TRUE(broker.is_quiet());
    broker.pass(1s);

    EXPECT_EQ(broker.take_one<Revoke>("w").leases, std::vector{Fixture::lease(task)});
    const TaskView view = broker.view(item.id);
    EXPECT_EQ(view.state, TaskState::scheduled);
    EXPECT_EQ(view.error->error_class, "timed_out");
    EXPECT_EQ(view.attempts, 1U);
    EXPECT_EQ(broker.take_notices<LeaseExpired>().at(0).reason, "run limit passed");
    EXPECT_TRUE(broker.is_quiet());
}

TEST(RunLimit, OfATaskThatWaitsAtItsWorkerHasNotBegun) {
    Fixture broker;
    SubmitItem item = Fixture::item(0);
    item.run_max_ms = 20'000;
    broker.submit_many(1, 2, item);
    broker.work("w", {.slots = 1, .credit = 2});
    const auto tasks = broker.assigned("w");
    ASSERT_EQ(tasks.size(), 2U);

    for (int i = 0; i < 40; ++i) {
        broker.pass(1s);
        extend(broker, "w", {Fixture::lease(tasks[0]), Fixture::lease(tasks[1])});
    }
    broker.done("w", tasks[0]);
    for (int i = 0; i < 40; ++i) {
        broker.pass(1s);
        extend(broker, "w", {Fixture::lease(tasks[1])});
    }

    EXPECT_EQ(broker.state(2), TaskState::leased);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Done, IsAcceptedOnceAndThenARepeat) {  // I8, I9
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    EXPECT_EQ(broker.done("w", task, "first"), FinishStatus::accepted);
    const std::size_t records = broker.records();

    EXPECT_EQ(broker.done("w", task, "second"), FinishStatus::repeat);
    EXPECT_EQ(broker.fail("w", task), FinishStatus::repeat);

    EXPECT_EQ(broker.records(), records);
    const auto query =
        broker.ask<QueryAnswer>("submitter", Query{.tasks = {task.id}, .with_result = true});
    EXPECT_EQ(query.items.at(0).result.view, "first");
}

TEST(Done, IsARepeatFromAnotherSessionAsWell) {  // I9, F15
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.done("w", task);
    broker.work("w");

    EXPECT_EQ(broker.done("w", task), FinishStatus::repeat);
}

TEST(Done, OfATaskNobodyKnowsIsUnknown) {
    Fixture broker;
    broker.work("w");

    EXPECT_EQ(broker.done("w", {.id = Fixture::id(1), .fence = 1}), FinishStatus::unknown);
    EXPECT_EQ(broker.records(), 0U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Done, FromAClientChangesNothing) {  // I7
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");

    EXPECT_EQ(broker.done("c", task), FinishStatus::stale);
    EXPECT_EQ(broker.fail("c", task), FinishStatus::stale);
    EXPECT_EQ(broker.release("c", Fixture::lease(task)), FinishStatus::stale);

    EXPECT_EQ(broker.state(1), TaskState::leased);
}

TEST(Done, InABatchIsJudgedItemByItem) {  // I5
    Fixture broker;
    broker.submit_many(1, 2);
    broker.work("w", {.slots = 2, .credit = 2});
    const auto tasks = broker.assigned("w");

    const auto answer = broker.ask<DoneAnswer>(
        "w", Done{.items = {{.id = tasks.at(0).id, .fence = tasks.at(0).fence + 7},
                            {.id = tasks.at(1).id, .fence = tasks.at(1).fence},
                            {.id = Fixture::id(77), .fence = 1}}});

    EXPECT_EQ(answer.statuses,
              (std::vector{FinishStatus::stale, FinishStatus::accepted, FinishStatus::unknown}));
    EXPECT_EQ(broker.state(1), TaskState::leased);
    EXPECT_EQ(broker.state(2), TaskState::succeeded);
}

TEST(Stall, OfTheBrokerLetsEverybodyBeHeardBeforeLeasesEnd) {  // F17, L2
    Fixture broker(CoreOptions{});
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.stall(40s);
    broker.settle();

    EXPECT_TRUE(broker.take<Revoke>("w").empty());
    EXPECT_TRUE(broker.take_notices<WorkerLeft>().empty());
    broker.pass(2s);
    broker.ask<Pong>("w", Ping{});
    EXPECT_EQ(extend(broker, "w", {Fixture::lease(task)}), std::vector<std::uint64_t>{30'000});
    broker.pass_with_pings(20s, {"w"});
    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted);
}

TEST(Stall, DoesNotKeepALostWorkersLeasesForEver) {  // L2
    Fixture broker(CoreOptions{});
    broker.work("w");
    broker.submit(1);
    broker.assigned_one("w");
    broker.stall(40s);
    broker.settle();

    broker.pass(6s);

    EXPECT_EQ(broker.take_notices<WorkerLeft>().size(), 1U);
    const auto& counts = broker.core.state().counts();
    EXPECT_EQ(counts[static_cast<std::size_t>(TaskState::ready)], 1U);
}

}  // namespace
}  // namespace xebec::broker

#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(LostWorker, ChargesOnlyTheOldestTasksThatCanHaveRun) {  // I12, F2
    Fixture broker;
    broker.submit_many(1, 5);
    broker.work("w", {.slots = 2, .credit = 5});
    ASSERT_EQ(broker.assigned("w").size(), 5U);

    broker.lose("w");

    const auto notices = broker.take_notices<WorkerLeft>();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_TRUE(notices[0].was_lost);
    EXPECT_EQ(notices[0].returned, 5U);
    EXPECT_EQ(notices[0].died, 0U);
    for (std::uint32_t n = 1; n <= 5; ++n) {
        EXPECT_EQ(broker.state(n), TaskState::ready);
        EXPECT_EQ(broker.view(Fixture::id(n)).attempts, n <= 2 ? 1U : 0U);
    }
    EXPECT_TRUE(broker.is_quiet());
}

TEST(LostWorker, ChargesTheTaskThatMovedUpWhenAnotherEnded) {  // I12
    Fixture broker;
    broker.submit_many(1, 3);
    broker.work("w", {.slots = 1, .credit = 3});
    broker.done("w", broker.assigned("w").at(0));

    broker.lose("w");

    EXPECT_EQ(broker.view(Fixture::id(2)).attempts, 1U);
    EXPECT_EQ(broker.view(Fixture::id(3)).attempts, 0U);
}

TEST(LostWorker, GivesItsTasksToAnotherAtOnce) {  // L1
    Fixture broker;
    broker.work("w1");
    broker.submit(1);
    broker.assigned_one("w1");
    broker.work("w2");

    broker.lose("w1");

    const AssignItem task = broker.assigned_one("w2");
    EXPECT_EQ(task.id, Fixture::id(1));
    EXPECT_EQ(task.attempt, 2U);
}

TEST(LostWorker, WantsTheNextStepAtOnceForWhatWentBack) {  // L1
    Fixture broker;
    broker.work("w1");
    broker.submit(1);
    broker.work("w2");
    broker.settle();
    const Peer peer = broker.address("w1");

    broker.apply(PeerLost{peer});

    ASSERT_TRUE(broker.core.next_deadline());
    EXPECT_LE(*broker.core.next_deadline(), broker.now.steady);
}

TEST(LostWorker, KillsAPoisonTaskAfterItsAttempts) {  // I12, F19
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 3;
    broker.submit(item);

    for (int i = 0; i < 3; ++i) {
        broker.work("w" + std::to_string(i));
        broker.assigned_one("w" + std::to_string(i));
        broker.lose("w" + std::to_string(i));
    }

    EXPECT_EQ(broker.state(1), TaskState::dead);
    EXPECT_EQ(broker.view(item.id).error->error_class, "worker_lost");
    EXPECT_EQ(broker.view(item.id).attempts, 3U);
    const auto notices = broker.take_notices<WorkerLeft>();
    EXPECT_EQ(notices.back().died, 1U);
    EXPECT_EQ(broker.take_notices<TaskDead>().size(), 1U);
    broker.work("w9");
    EXPECT_TRUE(broker.is_quiet());
}

TEST(LostWorker, IsNoticedBySilence) {  // L2, F14
    Fixture broker(CoreOptions{});
    broker.work("w");
    broker.submit(1);
    broker.assigned_one("w");

    broker.pass(4'999ms);
    EXPECT_EQ(broker.take<Ping>("w").size(), 1U) << "after two heartbeats, once";
    EXPECT_TRUE(broker.is_quiet());

    broker.pass(1ms);
    EXPECT_EQ(broker.take_notices<WorkerLeft>().size(), 1U);
    EXPECT_EQ(broker.view(Fixture::id(1)).attempts, 1U);
    EXPECT_TRUE(broker.is_quiet());
    EXPECT_EQ(broker.refusal("w", Ping{}), Refusal::not_registered);
}

TEST(LostWorker, IsNoneWhileItSaysAnything) {
    Fixture broker(CoreOptions{});
    broker.work("w");

    broker.pass_with_pings(60s, {"w"});

    EXPECT_TRUE(broker.is_quiet());
}

TEST(Bye, OfAWorkerReturnsWhatItHolds) {
    Fixture broker;
    broker.submit_many(1, 2);
    broker.work("w", {.slots = 1, .credit = 2});
    broker.assigned("w");

    broker.say("w", Bye{.reason = "drained"});

    const auto notices = broker.take_notices<WorkerLeft>();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_FALSE(notices[0].was_lost);
    EXPECT_EQ(notices[0].reason, "drained");
    EXPECT_EQ(broker.view(Fixture::id(1)).attempts, 1U);
    EXPECT_EQ(broker.view(Fixture::id(2)).attempts, 0U);
    EXPECT_TRUE(broker.is_quiet()) << "it is not answered";
}

TEST(Bye, CountsWhatADrainingWorkerGaveBackBefore) {
    Fixture broker;
    broker.submit_many(1, 4);
    broker.work("w", {.slots = 1, .credit = 4});
    const auto tasks = broker.assigned("w");
    broker.release("w", Fixture::lease(tasks.at(3)));  // not counted: it comes again at once
    broker.say("w", Drain{});
    broker.release("w", Fixture::lease(tasks.at(1)));
    broker.release("w", Fixture::lease(tasks.at(2)));

    broker.say("w", Bye{.reason = "draining"});

    const auto notices = broker.take_notices<WorkerLeft>();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].returned, 4U) << "two, and the two that it still had";
    EXPECT_EQ(notices[0].died, 0U);
}

TEST(Hello, OfAWorkerThatComesBackKeepsTheLeasesItNames) {  // I6, F18
    Fixture broker;
    broker.submit_many(1, 3);
    const std::uint64_t old = broker.work("w", {.slots = 3, .credit = 3});
    const auto tasks = broker.assigned("w");

    const Hello again = broker.hello_of(
        "w", {.slots = 3,
              .credit = 3,
              .held = {Fixture::lease(tasks.at(0)), {tasks.at(1).id, tasks.at(1).fence + 1}},
              .previous = old});
    const Welcome welcome = broker.hello("w2", again);  // on another connection

    EXPECT_EQ(welcome.held_ms, (std::vector<std::uint64_t>{30'000, 0}));
    const auto came = broker.take_notices<WorkerCame>();
    ASSERT_EQ(came.size(), 1U);
    EXPECT_EQ(came[0].leases_confirmed, 1U);
    EXPECT_EQ(broker.take_notices<WorkerLeft>().size(), 1U);
    // The other two go back and come again under new fences.
    const auto returned = broker.assigned("w2");
    ASSERT_EQ(returned.size(), 2U);
    EXPECT_EQ(returned[0].id, tasks[1].id);
    EXPECT_GT(returned[0].fence, tasks[1].fence);
    EXPECT_EQ(broker.done("w2", tasks[0]), FinishStatus::accepted);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Hello, NamingLeasesOfAnotherWorkerGetsNothing) {  // I7, I16
    Fixture broker;
    const std::uint64_t other = broker.work("other");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("other");

    const Welcome welcome = broker.hello(
        "thief", broker.hello_of("thief", {.held = {Fixture::lease(task)}, .previous = other}));

    EXPECT_EQ(welcome.held_ms, std::vector<std::uint64_t>{0});
    EXPECT_EQ(broker.done("other", task), FinishStatus::accepted);
}

TEST(Hello, AfterTheLossFindsItsLeasesOver) {  // F15
    Fixture broker;
    const std::uint64_t old = broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.lose("w");

    const Welcome welcome =
        broker.hello("w", broker.hello_of("w", {.held = {Fixture::lease(task)}, .previous = old}));

    EXPECT_EQ(welcome.held_ms, std::vector<std::uint64_t>{0});
    const AssignItem again = broker.assigned_one("w");
    EXPECT_EQ(broker.done("w", task), FinishStatus::stale);
    EXPECT_EQ(broker.done("w", again), FinishStatus::accepted);
}

TEST(Hello, ConfirmsNoMoreLeasesThanThereIsCreditFor) {  // I15
    Fixture broker;
    broker.submit_many(1, 2);
    const std::uint64_t old = broker.work("w", {.slots = 2, .credit = 2});
    const auto tasks = broker.assigned("w");

    const Welcome welcome = broker.hello(
        "w",
        broker.hello_of("w", {.slots = 1,
                              .credit = 1,
                              .held = {Fixture::lease(tasks.at(0)), Fixture::lease(tasks.at(1))},
                              .previous = old}));

    EXPECT_EQ(welcome.held_ms, (std::vector<std::uint64_t>{30'000, 0}));
}

TEST(Hello, KeepsTheOrderOfTheLeasesForWhoIsCharged) {  // I12
    Fixture broker;
    broker.submit_many(1, 3);
    const std::uint64_t old = broker.work("w", {.slots = 1, .credit = 3});
    const auto tasks = broker.assigned("w");
    std::vector<LeaseRef> held;
    for (const AssignItem& task : tasks) {
        held.push_back(Fixture::lease(task));
    }
    broker.work("w", {.slots = 1, .credit = 3, .held = held, .previous = old});

    broker.lose("w");

    EXPECT_EQ(broker.view(Fixture::id(1)).attempts, 1U);
    EXPECT_EQ(broker.view(Fixture::id(2)).attempts, 0U);
    EXPECT_EQ(broker.view(Fixture::id(3)).attempts, 0U);
}

}  // namespace
}  // namespace xebec::broker

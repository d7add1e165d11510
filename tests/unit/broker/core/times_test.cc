#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

std::uint64_t wire(WallTime at) {
    return static_cast<std::uint64_t>(at.time_since_epoch().count());
}

TEST(Delay, KeepsATaskUntilItsTime) {  // I13
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.delay_ms = 10'000;
    broker.submit(item);

    EXPECT_EQ(broker.state(1), TaskState::scheduled);
    EXPECT_EQ(broker.view(item.id).due_at, wire(Fixture::start_wall + 10s));
    broker.pass(9'999ms);
    EXPECT_TRUE(broker.is_quiet());

    broker.pass(1ms);
    EXPECT_EQ(broker.assigned_one("w").id, item.id);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Delay, TakesTheLaterOfDelayAndNotBefore) {
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.delay_ms = 1'000;
    item.not_before = wire(Fixture::start_wall + 5s);

    broker.submit(item);

    EXPECT_EQ(broker.view(item.id).due_at, wire(Fixture::start_wall + 5s));
}

TEST(Delay, ThatIsOverAlreadyIsNone) {
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.not_before = wire(Fixture::start_wall - 5s);

    broker.submit(item);

    EXPECT_EQ(broker.state(1), TaskState::ready);
}

TEST(Delay, FollowsTheWallClockWhenThatJumps) {  // I13, I21, F12
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.not_before = wire(Fixture::start_wall + 1h);
    broker.submit(item);
    broker.jump_wall(-2h);
    broker.pass(90min);
    EXPECT_TRUE(broker.is_quiet()) << "the wall clock says it is too early";

    broker.jump_wall(2h);
    broker.pass(1s);

    EXPECT_EQ(broker.assigned_one("w").id, item.id);
}

TEST(Delay, IntoTheFarFutureCostsNothing) {  // F22
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.not_before = 253'402'300'799'999;  // the year 9999
    broker.submit(item);

    ASSERT_TRUE(broker.core.next_deadline());
    EXPECT_EQ(*broker.core.next_deadline(), broker.now.steady + 1s);
}

TEST(Delay, LetsManyTasksBecomeDueInBoundedSteps) {
    Fixture broker;
    broker.checks_every_step = false;
    SubmitItem item = Fixture::item(0);
    item.delay_ms = 5'000;
    broker.submit_many(1, 5'000, item);

    const std::size_t before = broker.records();
    broker.stall(5s);
    broker.tick();
    const std::size_t in_one_step = broker.records() - before;
    broker.settle();

    EXPECT_GT(in_one_step, 1'000U);
    EXPECT_LE(in_one_step, 2'000U);
    EXPECT_EQ(broker.records() - before, 5'000U);
}

TEST(Deadline, EndsATaskThatWaits) {  // I13
    Fixture broker;
    broker.connect("c");
    SubmitItem item = Fixture::item(1);
    item.deadline = wire(Fixture::start_wall + 10s);
    broker.submit(item);
    broker.ask<WaitAnswer>("c", Wait{.tasks = {item.id}});

    broker.pass(10s);

    EXPECT_EQ(
        broker.outcomes("c"),
        (std::vector<OutcomeItem>{{.id = item.id, .number = 1, .state = TaskState::expired}}));
    broker.work("w");
    EXPECT_TRUE(broker.is_quiet()) << "never assigned";
}

TEST(Deadline, CountsFromAcceptanceHoweverOftenItIsSent) {  // I3
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.deadline_in_ms = 10'000;
    const std::uint64_t number = broker.submit(item);
    broker.pass(5s);

    EXPECT_EQ(broker.try_submit(item),
              (SubmitStatusItem{.status = SubmitStatus::exists, .number = number}));
    EXPECT_EQ(broker.view(item.id).deadline, wire(Fixture::start_wall + 10s));
    broker.pass(5s);

    EXPECT_EQ(broker.state(1), TaskState::expired);
}

TEST(Deadline, IsTheEarlierOfTwo) {
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.deadline = wire(Fixture::start_wall + 10s);
    item.deadline_in_ms = 20'000;
    broker.submit(item);
    SubmitItem other = Fixture::item(2);
    other.deadline = wire(Fixture::start_wall + 30s);
    other.deadline_in_ms = 20'000;
    broker.submit(other);

    EXPECT_EQ(broker.view(item.id).deadline, wire(Fixture::start_wall + 10s));
    EXPECT_EQ(broker.view(other.id).deadline, wire(Fixture::start_wall + 20s));
}

TEST(Deadline, EndsALeasedTaskAndTellsItsWorker) {
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.deadline = wire(Fixture::start_wall + 10s);
    broker.submit(item);
    const AssignItem task = broker.assigned_one("w");

    broker.pass(10s);

    EXPECT_EQ(task.deadline, item.deadline);
    EXPECT_EQ(broker.take_one<Revoke>("w").leases, std::vector{Fixture::lease(task)});
    EXPECT_TRUE(broker.is_quiet());
    EXPECT_EQ(broker.done("w", task), FinishStatus::stale);
    EXPECT_EQ(broker.state(1), TaskState::expired);
}

TEST(Deadline, ThatHasPassedAlreadyLetsNothingRun) {  // I13
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.deadline = wire(Fixture::start_wall);

    broker.submit(item);

    EXPECT_EQ(broker.state(1), TaskState::expired);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Deadline, IsKeptByManyTasksAtOnceThoughAStepEndsOnlySome) {  // I13
    Fixture broker;
    broker.checks_every_step = false;
    SubmitItem item = Fixture::item(0);
    item.deadline = wire(Fixture::start_wall + 10s);
    broker.submit_many(1, 5'000, item);
    broker.stall(10s);

    broker.work("w", {.slots = 4'000, .credit = 4'000});

    EXPECT_TRUE(broker.is_quiet()) << "nothing was assigned";
    EXPECT_EQ(broker.core.state().totals().expired, 5'000U);
}

TEST(Deadline, ThatAClockJumpPassesExpiresOnce) {  // I8, I21
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.deadline = wire(Fixture::start_wall + 1h);
    broker.submit(item);
    broker.jump_wall(2h);
    broker.pass(1s);

    broker.jump_wall(-2h);
    broker.pass(3h);

    EXPECT_EQ(broker.state(1), TaskState::expired);
    EXPECT_EQ(broker.core.state().totals().expired, 1U);
}

}  // namespace
}  // namespace xebec::broker

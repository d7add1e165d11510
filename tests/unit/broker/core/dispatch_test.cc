#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

using Numbers = std::vector<std::uint32_t>;

TEST(Dispatch, SpreadsTasksOverFreeWorkersBeforeItFillsOne) {
    Fixture broker;
    for (const char* worker : {"w1", "w2", "w3"}) {
        broker.work(worker, {.slots = 2, .credit = 2});
    }

    broker.submit_many(1, 3);

    EXPECT_EQ(broker.assigned_numbers("w1"), Numbers{1});
    EXPECT_EQ(broker.assigned_numbers("w2"), Numbers{2});
    EXPECT_EQ(broker.assigned_numbers("w3"), Numbers{3});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Dispatch, GivesTheNextTaskToTheLeastRecentlyUsedWorker) {
    Fixture broker;
    broker.work("w1", {.slots = 2, .credit = 2});
    broker.work("w2", {.slots = 2, .credit = 2});
    broker.submit(1);
    broker.done("w1", broker.assigned_one("w1"));

    broker.submit(2);
    broker.submit(3);

    EXPECT_EQ(broker.assigned_numbers("w2"), Numbers{2});
    EXPECT_EQ(broker.assigned_numbers("w1"), Numbers{3});
}

TEST(Dispatch, SpreadsOverWorkersThatServeDifferentKindsToo) {
    Fixture broker;
    broker.work("w1", {.kinds = {"add"}, .slots = 4, .credit = 4});
    broker.work("w2", {.kinds = {"add", "echo"}, .slots = 4, .credit = 4});

    broker.submit_many(1, 4);

    EXPECT_EQ(broker.assigned_numbers("w1"), (Numbers{1, 3}));
    EXPECT_EQ(broker.assigned_numbers("w2"), (Numbers{2, 4}));
}

TEST(Dispatch, UsesWaitingRoomOnlyWhenNoSlotIsFree) {
    Fixture broker;
    broker.work("w1", {.slots = 1, .credit = 3});
    broker.work("w2", {.slots = 1, .credit = 3});

    broker.submit_many(1, 2);
    EXPECT_EQ(broker.assigned_numbers("w1"), Numbers{1});
    EXPECT_EQ(broker.assigned_numbers("w2"), Numbers{2});
    broker.submit_many(3, 6);

    EXPECT_EQ(broker.assigned_numbers("w1"), (Numbers{3, 5}));
    EXPECT_EQ(broker.assigned_numbers("w2"), (Numbers{4, 6}));
    EXPECT_EQ(broker.state(7), TaskState::ready);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Credit, IsNeverExceededAndGrowsByMessage) {  // I15
    Fixture broker;
    broker.submit_many(1, 10);
    broker.work("w", {.slots = 1, .credit = 2});
    EXPECT_EQ(broker.assigned("w").size(), 2U);

    broker.say("w", Credit{.credit = 5});
    EXPECT_EQ(broker.assigned("w").size(), 3U);
    broker.say("w", Credit{.credit = 1});
    broker.say("w", Credit{.credit = 5});

    EXPECT_TRUE(broker.is_quiet());
}

TEST(Credit, ThatIsLoweredTakesNothingBackButGivesNothingMore) {  // I15
    Fixture broker;
    broker.submit_many(1, 6);
    broker.work("w", {.slots = 1, .credit = 4});
    const auto tasks = broker.assigned("w");
    broker.say("w", Credit{.credit = 0});  // as many as slots

    for (std::size_t i = 0; i < 3; ++i) {
        broker.done("w", tasks.at(i));
        EXPECT_TRUE(broker.is_quiet());
    }
    broker.done("w", tasks.at(3));

    EXPECT_EQ(broker.assigned_numbers("w"), Numbers{5});
}

TEST(Credit, IsBoundedByTheBroker) {  // I15
    CoreOptions options = patient();
    options.credit_max = 10;
    Fixture broker(options);
    broker.submit_many(1, 30);

    broker.work("w", {.slots = 1, .credit = 1'000});

    EXPECT_EQ(broker.assigned("w").size(), 10U);
    broker.say("w", Credit{.credit = UINT32_MAX});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Credit, IsForWorkersOnly) {
    Fixture broker;
    broker.connect("c");

    EXPECT_EQ(broker.refusal("c", Credit{.credit = 5}), Refusal::unsupported);
}

TEST(Recall, TakesWaitingTasksFromASlowWorkerToAnIdleOne) {
    Fixture broker;
    broker.submit_many(1, 3);
    broker.work("slow", {.slots = 1, .credit = 3});
    const auto tasks = broker.assigned("slow");
    broker.work("idle");
    broker.pass(50ms);

    const auto recall = broker.take_one<Recall>("slow");
    EXPECT_EQ(recall.leases, std::vector{Fixture::lease(tasks.at(2))}) << "the last it would start";
    broker.release("slow", recall.leases.at(0));

    EXPECT_EQ(broker.assigned_numbers("idle"), Numbers{3});
    EXPECT_EQ(broker.view(Fixture::id(3)).attempts, 1U) << "the recalled lease cost nothing";
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Recall, IsRepeatedAfterAWhileWhenTheWorkerSaysNothing) {  // L1
    Fixture broker;
    broker.submit_many(1, 2);
    broker.work("slow", {.slots = 1, .credit = 2});
    broker.assigned("slow");
    broker.work("idle");
    broker.pass(50ms);
    EXPECT_EQ(broker.take<Recall>("slow").size(), 1U);

    broker.pass(900ms);
    EXPECT_TRUE(broker.is_quiet());
    broker.pass(200ms);

    EXPECT_EQ(broker.take<Recall>("slow").size(), 1U);
}

TEST(Recall, SparesAWorkerThatMakesProgressAndTasksThatNobodyElseCanRun) {
    Fixture broker;
    broker.submit_many(1, 20);
    broker.work("brisk", {.slots = 1, .credit = 20});
    const auto tasks = broker.assigned("brisk");
    broker.work("other", {.kinds = {"echo"}});
    broker.pass(1s);
    EXPECT_TRUE(broker.is_quiet()) << "nobody else serves the kind";
    broker.done("brisk", tasks.at(0));
    broker.work("idle");

    for (std::size_t i = 1; i < 10; ++i) {
        broker.pass(30ms);
        broker.done("brisk", tasks.at(i));
    }

    EXPECT_TRUE(broker.is_quiet());
}

TEST(Recall, GoesOnAfterAWorkerHasComeBackWithWhatItHolds) {  // L1
    Fixture broker;
    broker.submit_many(1, 2);
    const std::uint64_t old = broker.work("slow", {.slots = 1, .credit = 2});
    const auto tasks = broker.assigned("slow");
    broker.work("slow", {.slots = 1,
                         .credit = 2,
                         .held = {Fixture::lease(tasks.at(0)), Fixture::lease(tasks.at(1))},
                         .previous = old});
    broker.work("idle");

    broker.pass(60ms);

    EXPECT_EQ(broker.take<Recall>("slow").size(), 1U);
}

TEST(Revoke, KeepsTheSlotTakenUntilItIsAnswered) {  // I15
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 2);
    broker.work("w");
    const AssignItem task = broker.assigned_one("w");

    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(1)}});
    EXPECT_EQ(broker.take_one<Revoke>("w").leases, std::vector{Fixture::lease(task)});
    EXPECT_TRUE(broker.is_quiet()) << "no other task yet";

    EXPECT_EQ(broker.release("w", Fixture::lease(task)), FinishStatus::accepted);
    EXPECT_EQ(broker.assigned_numbers("w"), Numbers{2});
}

TEST(Revoke, OfATaskThatIsAssignedInTheSameStepComesBehindTheAssignment) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.receive("c", Submit{.items = {Fixture::item(1)}});
    broker.tick();
    broker.forget();
    broker.receive("w", Ping{});
    broker.say("c", Cancel{.tasks = {Fixture::id(1)}});

    EXPECT_EQ(broker.take<Revoke>("w").size(), 1U);
}

TEST(Drain, TellsTheNamedWorkersAndGivesThemNothingMore) {
    Fixture broker;
    broker.connect("c");
    broker.work("w1");
    broker.work("w2");

    const auto answer = broker.ask<DrainAnswer>("c", Drain{.workers = {"w1", "nobody", "w1"}});
    broker.submit_many(1, 2);

    ASSERT_EQ(answer.items.size(), 3U);
    EXPECT_EQ(answer.items[0].code, 0);
    EXPECT_EQ(answer.items[1].code, static_cast<int>(Refusal::unknown_worker));
    EXPECT_EQ(answer.items[2].code, 0);
    EXPECT_EQ(broker.take<Drain>("w1").size(), 1U);
    EXPECT_EQ(broker.assigned_numbers("w2"), Numbers{1});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Drain, FromAWorkerMeansThatItWantsNothingMore) {
    Fixture broker;
    broker.submit_many(1, 3);
    broker.work("w", {.slots = 2, .credit = 2});
    const auto tasks = broker.assigned("w");

    broker.ask<DrainAnswer>("w", Drain{});
    broker.done("w", tasks.at(0));
    broker.release("w", Fixture::lease(tasks.at(1)));

    EXPECT_TRUE(broker.is_quiet()) << "nothing more was assigned";
    EXPECT_EQ(broker.state(2), TaskState::ready);
}

TEST(Dispatch, GivesOutALargeBacklogInBoundedStepsAndMessages) {
    CoreOptions options = patient();
    options.credit_max = 40'000;
    Fixture broker(options);
    broker.checks_every_step = false;
    broker.submit_many(1, 20'000);

    broker.work("w", {.slots = 4'096, .credit = 40'000});

    std::size_t count = 0;
    for (const Assign& message : broker.take<Assign>("w")) {
        EXPECT_LE(message.items.size(), Limits{}.batch_items_max);
        count += message.items.size();
    }
    EXPECT_EQ(count, 20'000U);
    EXPECT_LE(broker.records_of_largest_step(), 16'384U);
}

TEST(Dispatch, SendsLargePayloadsInMessagesWithinTheLimits) {  // I18
    Fixture broker;
    const std::string payload(15 << 20, 'x');
    SubmitItem item = Fixture::item(0);
    item.payload = std::string_view(payload);
    for (std::uint32_t n = 1; n <= 6; ++n) {
        item.id = Fixture::id(n);
        broker.submit(item);
    }

    broker.work("w", {.slots = 6, .credit = 6});

    const auto messages = broker.take<Assign>("w");
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0].items.size(), 4U);
    EXPECT_EQ(messages[1].items.size(), 2U);
    EXPECT_EQ(messages[1].items[0].payload.view, payload);
}

}  // namespace
}  // namespace xebec::broker

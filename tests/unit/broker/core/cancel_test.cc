#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(Cancel, EndsATaskInEveryStateBeforeTheEnd) {  // I13
    Fixture broker;
    broker.connect("c");
    SubmitItem later = Fixture::item(1);
    later.delay_ms = 60'000;
    broker.submit(later);                       // scheduled
    broker.submit(Fixture::item(2, "nobody"));  // ready
    broker.work("w", {.slots = 2, .credit = 2});
    broker.submit(3);  // leased
    const AssignItem leased = broker.assigned_one("w");
    broker.submit(4);  // fails, waits for its retry
    broker.fail("w", broker.assigned_one("w"));

    const auto answer = broker.ask<CancelAnswer>(
        "c", Cancel{.tasks = {Fixture::id(1), Fixture::id(2), Fixture::id(3), Fixture::id(4)}});

    EXPECT_EQ(answer.items, std::vector<Problem>(4));
    EXPECT_EQ(broker.take_one<Revoke>("w").leases, std::vector{Fixture::lease(leased)});
    for (std::uint32_t n = 1; n <= 4; ++n) {
        EXPECT_EQ(broker.state(n), TaskState::cancelled);
    }
    broker.release("w", Fixture::lease(leased));
    broker.work("w2", {.kinds = {"add", "nobody"}, .slots = 4, .credit = 4});
    broker.pass(2min);
    EXPECT_TRUE(broker.is_quiet()) << "none is ever assigned again";
}

TEST(Cancel, OfAFinalTaskIsRefused) {  // I8
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    broker.done("w", broker.assigned_one("w"));
    const std::size_t records = broker.records();

    const auto answer =
        broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(1), std::uint64_t{99}}});

    ASSERT_EQ(answer.items.size(), 2U);
    EXPECT_EQ(answer.items[0].code, static_cast<int>(Refusal::already_final));
    EXPECT_EQ(answer.items[1].code, static_cast<int>(Refusal::unknown_task));
    EXPECT_EQ(broker.records(), records);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Cancel, MakesTheLateOutcomeStale) {  // I7
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.ask<WaitAnswer>("c", Wait{.tasks = {task.id}});
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {task.id}});

    EXPECT_EQ(broker.done("w", task), FinishStatus::stale);

    EXPECT_EQ(broker.outcomes("c"),
              (std::vector<OutcomeItem>{
                  {.id = task.id, .number = task.number, .state = TaskState::cancelled}}));
    EXPECT_EQ(broker.state(1), TaskState::cancelled);
}

TEST(Cancel, WithTheNumberZeroMeansTheNewestTask) {
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 3);

    broker.ask<CancelAnswer>("c", Cancel{.tasks = {std::uint64_t{0}}});

    EXPECT_EQ(broker.state(3), TaskState::cancelled);
    EXPECT_EQ(broker.state(2), TaskState::ready);
}

}  // namespace
}  // namespace xebec::broker

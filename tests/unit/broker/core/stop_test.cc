#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(Stop, TellsEverybodyAndThoseWhoWaitWhy) {  // F27, L3
    Fixture broker;
    broker.connect("waiting");
    broker.connect("idle");
    broker.submit(1);
    broker.ask<WaitAnswer>("waiting", Wait{.tasks = {Fixture::id(1)}});
    broker.work("w");
    broker.assigned("w");

    broker.apply(StopRequested{});
    broker.settle();

    EXPECT_EQ(broker.take_one<ErrorAnswer>("waiting").name, "shutting_down");
    for (const char* peer : {"waiting", "idle", "submitter", "w"}) {
        EXPECT_EQ(broker.take_one<Bye>(peer).reason, "shutting_down");
    }
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Stop, TakesCompletionsButNothingNewAndGivesNothingOut) {  // I18
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 2);
    broker.work("w");
    const AssignItem task = broker.assigned_one("w");
    broker.apply(StopRequested{});
    broker.settle();
    broker.forget();

    EXPECT_EQ(broker.refusal("c", Submit{.items = {Fixture::item(3)}}), Refusal::shutting_down);
    EXPECT_EQ(broker.refusal("c", List{}), Refusal::shutting_down);
    EXPECT_EQ(broker.refusal("d", Hello{.role = Role::client}), Refusal::shutting_down);
    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Stop, AnswersListsThatAreUnderWay) {  // L3
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 5'000);
    const std::uint64_t correlation = broker.receive("c", List{.count_only = true});
    broker.tick();

    broker.apply(StopRequested{});
    broker.settle();

    EXPECT_EQ(broker.answer_to<ErrorAnswer>("c", correlation).name, "shutting_down");
}

}  // namespace
}  // namespace xebec::broker

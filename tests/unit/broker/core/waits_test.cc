#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

OutcomeItem succeeded(const AssignItem& task) {
    return {.id = task.id,
            .number = task.number,
            .state = TaskState::succeeded,
            .result = std::string_view("5"),
            .content_type = ContentType::json,
            .fence = task.fence};
}

TEST(Wait, BringsTheOutcomeWhenTheTaskEnds) {  // L3
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    const std::uint64_t number = broker.submit(1);

    const auto answer = broker.ask<WaitAnswer>("c", Wait{.tasks = {Fixture::id(1), number}});
    const AssignItem task = broker.assigned_one("w");

    EXPECT_EQ(answer.items, (std::vector<WaitItem>(2, {.number = number, .id = task.id})));
    EXPECT_TRUE(broker.is_quiet());
    broker.done("w", task);
    EXPECT_EQ(broker.outcomes("c"), std::vector<OutcomeItem>{succeeded(task)}) << "once";
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, BringsTheOutcomeOfATaskThatHasEndedAtOnce) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.done("w", task);

    broker.ask<WaitAnswer>("c", Wait{.tasks = {Fixture::id(1)}});

    EXPECT_EQ(broker.outcomes("c"), std::vector<OutcomeItem>{succeeded(task)});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, BringsTheSameOctetsToEverybody) {  // I8
    Fixture broker;
    broker.connect("c1");
    broker.connect("c2");
    broker.work("w");
    broker.submit(1);
    for (const char* client : {"c1", "c2"}) {
        broker.ask<WaitAnswer>(client, Wait{.tasks = {Fixture::id(1)}});
    }
    const AssignItem task = broker.assigned_one("w");

    broker.done("w", task);

    EXPECT_EQ(broker.outcomes("c1"), std::vector<OutcomeItem>{succeeded(task)});
    EXPECT_EQ(broker.outcomes("c2"), std::vector<OutcomeItem>{succeeded(task)});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, IsForgottenWithItsSession) {  // I16
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    broker.ask<WaitAnswer>("c", Wait{.tasks = {Fixture::id(1)}});
    broker.say("c", Bye{});
    broker.connect("c");

    broker.done("w", broker.assigned_one("w"));

    EXPECT_TRUE(broker.is_quiet()) << "the new session did not ask";
}

TEST(Wait, ForAnUnknownTaskSaysSo) {
    Fixture broker;
    broker.connect("c");

    const auto answer = broker.ask<WaitAnswer>("c", Wait{.tasks = {Fixture::id(1)}});

    ASSERT_EQ(answer.items.size(), 1U);
    EXPECT_EQ(answer.items[0].problem.code, static_cast<int>(Refusal::unknown_task));
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, TogetherWithTheSubmitCoversCreatedAndExistingTasksOnly) {
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 3, .credit = 3});
    broker.submit(1);
    SubmitItem bad = Fixture::item(3, "no spaces");

    broker.ask<SubmitAnswer>(
        "c", Submit{.items = {Fixture::item(1), Fixture::item(2), bad}, .wait = true});
    std::vector<OutcomeItem> expected;
    for (const AssignItem& task : broker.assigned("w")) {
        broker.done("w", task);
        expected.push_back(succeeded(task));
    }

    EXPECT_EQ(expected.size(), 2U);
    EXPECT_EQ(broker.outcomes("c"), expected);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, TellsWhyATaskDied) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    broker.ask<WaitAnswer>("c", Wait{.tasks = {Fixture::id(1)}});
    const AssignItem task = broker.assigned_one("w");

    broker.fail("w", task, true);

    EXPECT_EQ(broker.outcomes("c"),
              (std::vector<OutcomeItem>{{.id = task.id,
                                         .number = task.number,
                                         .state = TaskState::dead,
                                         .error = Failure{"exit_1", "no such file"},
                                         .fence = task.fence}}));
    EXPECT_EQ(broker.take_notices<TaskDead>().size(), 1U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Wait, SendsManyLargeOutcomesInSeveralMessages) {  // I18
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 10, .credit = 10});
    broker.submit_many(1, 10);
    const std::string result(15 << 20, 'x');
    for (const AssignItem& task : broker.assigned("w")) {
        broker.done("w", task, result);
    }

    Wait wait;
    for (std::uint32_t n = 1; n <= 10; ++n) {
        wait.tasks.emplace_back(Fixture::id(n));
    }
    broker.ask<WaitAnswer>("c", wait);

    const auto messages = broker.take<Outcomes>("c");
    EXPECT_EQ(messages.size(), 3U) << "at most 64 MiB each";
    for (std::size_t i = 0; i < messages.size(); ++i) {
        EXPECT_EQ(messages[i].items.size(), i < 2 ? 4U : 2U);
        EXPECT_EQ(messages[i].items[0].result.view, result);
    }
}

TEST(Wait, IsPossibleForABoundedNumberOfSessionsToATask) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.submit(1);
    for (int i = 0; i < 1'000; ++i) {
        broker.connect("c" + std::to_string(i));
        broker.ask<WaitAnswer>("c" + std::to_string(i), Wait{.tasks = {Fixture::id(1)}});
    }
    broker.connect("late");

    const auto refused = broker.ask<WaitAnswer>("late", Wait{.tasks = {Fixture::id(1)}});
    broker.say("c7", Bye{});
    const auto taken = broker.ask<WaitAnswer>("late", Wait{.tasks = {Fixture::id(1)}});

    EXPECT_EQ(refused.items.at(0).problem.code, static_cast<int>(Refusal::retry_later));
    EXPECT_EQ(taken.items.at(0).problem.code, 0);
}

}  // namespace
}  // namespace xebec::broker

#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(Attempt, ThatFailsIsFollowedByPausesThatDoubleWithinTheirJitter) {  // I12, F19
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 14;
    broker.submit(item);

    std::vector<Duration> pauses;
    for (int failure = 1; failure < 14; ++failure) {
        const AssignItem task = broker.assigned_one("w");
        EXPECT_EQ(task.attempt, static_cast<std::uint32_t>(failure));
        ASSERT_EQ(broker.fail("w", task), FinishStatus::accepted);
        EXPECT_EQ(broker.state(1), TaskState::scheduled);
        const Instant failed = broker.now.steady;
        while (broker.state(1) == TaskState::scheduled) {
            broker.pass(*broker.core.next_deadline() - broker.now.steady);
        }
        pauses.push_back(broker.now.steady - failed);
    }

    Duration undisturbed = 1s;
    bool has_jitter = false;
    for (const Duration pause : pauses) {
        EXPECT_GE(pause, undisturbed * 3 / 4);
        EXPECT_LE(pause, undisturbed * 5 / 4);
        has_jitter = has_jitter || pause != undisturbed;
        undisturbed = std::min<Duration>(2 * undisturbed, 10min);
    }
    EXPECT_TRUE(has_jitter);
}

// ---- the history of attempts ----

void fail_with(Fixture& broker, std::string_view error_class, std::string_view text) {
    const AssignItem task = broker.assigned_one("w");
    broker.ask<FailAnswer>(
        "w", Fail{.items = {{.id = task.id, .fence = task.fence, .error = {error_class, text}}}});
}

void pass_pause(Fixture& broker) {
    while (broker.state(1) == TaskState::scheduled) {
        broker.pass(*broker.core.next_deadline() - broker.now.steady);
    }
}

TEST(History, TellsOfTheAttemptsThatEndedWithoutSuccess) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    const auto began = static_cast<std::uint64_t>(broker.now.wall.time_since_epoch().count());
    EXPECT_TRUE(broker.view(Fixture::id(1)).history.empty());

    broker.pass(100ms);
    fail_with(broker, "exit_1", "no such file");
    broker.pass(2s);
    broker.assigned("w");
    broker.lose("w");
    broker.work("other");
    const AssignItem last = broker.assigned_one("other");
    broker.done("other", last);

    const TaskView view = broker.view(Fixture::id(1));
    ASSERT_EQ(view.history.size(), 2U) << "and not of the one that succeeded";
    EXPECT_EQ(view.history[0], (AttemptView{.attempt = 1,
                                            .fence = Fence{Fixture::epoch, 1}.value(),
                                            .worker = "w",
                                            .started_at = began,
                                            .ended_at = began + 100,
                                            .state = TaskState::scheduled,
                                            .error_class = "exit_1",
                                            .error_text = "no such file"}));
    EXPECT_EQ(view.history[1].attempt, 2U);
    EXPECT_EQ(view.history[1].state, TaskState::ready);
    EXPECT_EQ(view.history[1].error_class, "worker_lost");
    EXPECT_EQ(view.history[1].error_text, "worker w was lost with it: its connection is gone");
    EXPECT_EQ(view.attempts, 3U);
    const auto listed = broker.ask<ListAnswer>("c", List{}).items;
    EXPECT_TRUE(listed.at(0).history.empty()) << "a list does not show it";
}

TEST(History, EndsWithTheAttemptThatEndedItsTask) {
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 2, .credit = 3});
    broker.submit_many(1, 3);
    const auto tasks = broker.assigned("w");
    broker.fail("w", tasks.at(0), true);
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(2)}});
    broker.release("w", Fixture::lease(tasks.at(2)));
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(3)}});

    const auto dead = broker.view(Fixture::id(1)).history;
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].state, TaskState::dead);
    EXPECT_EQ(dead[0].error_class, "exit_1");
    const auto cancelled = broker.view(Fixture::id(2)).history;
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].state, TaskState::cancelled);
    EXPECT_EQ(cancelled[0].error_class, "");
}

TEST(History, LeavesOutWhatWasGivenBackAtNoCost) {
    Fixture broker;
    broker.work("w");
    broker.submit(1);

    broker.release("w", Fixture::lease(broker.assigned_one("w")));

    EXPECT_TRUE(broker.view(Fixture::id(1)).history.empty());
}

TEST(History, KeepsTheLatestEightAndTheirTextsWithinLimits) {  // I18
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 20;
    broker.submit(item);
    for (int i = 1; i <= 10; ++i) {
        fail_with(broker, "failed", std::string(3'000, static_cast<char>('a' + i)));
        pass_pause(broker);
    }

    const auto history = broker.view(Fixture::id(1)).history;

    ASSERT_EQ(history.size(), 8U);
    EXPECT_EQ(history.front().attempt, 3U);
    EXPECT_EQ(history.front().error_class, "failed");
    EXPECT_EQ(history.front().error_text, "") << "all together would be too long";
    EXPECT_EQ(history.back().attempt, 10U);
    EXPECT_EQ(history.back().error_text, std::string(1'024, 'k'));
}

TEST(History, KeepsWhatIsSaidAgainAndAgainOnce) {
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 20;
    broker.submit(item);
    const std::string text(1'000, 'e');
    fail_with(broker, "failed", text);
    const std::uint64_t after_one = broker.core.state().octets();
    for (int i = 2; i <= 8; ++i) {
        pass_pause(broker);
        fail_with(broker, "failed", text);
    }

    EXPECT_LE(broker.core.state().octets(), after_one + 7 * sizeof(PastAttempt));
    EXPECT_EQ(broker.view(Fixture::id(1)).history.front().error_text, text);
}

TEST(Attempt, ThatFailsAsTheLastLeavesTheTaskDeadWithPayloadAndError) {  // I12
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 2;
    broker.submit(item);
    broker.fail("w", broker.assigned_one("w"));
    broker.pass(2s);

    broker.fail("w", broker.assigned_one("w"));

    const auto dead = broker.take_notices<TaskDead>();
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].attempts, 2U);
    EXPECT_EQ(dead[0].error_class, "exit_1");
    EXPECT_TRUE(broker.is_quiet());
    const auto query =
        broker.ask<QueryAnswer>("c", Query{.tasks = {item.id}, .with_payload = true});
    EXPECT_EQ(query.items.at(0).payload.view, "[2,3]");
    EXPECT_EQ(query.items.at(0).task->error, (Failure{"exit_1", "no such file"}));
    EXPECT_EQ(query.items.at(0).task->attempts, 2U);
}

TEST(Attempt, ThatSaysARetryIsUselessIsTheLast) {
    Fixture broker;
    broker.work("w");
    broker.submit(1);

    broker.fail("w", broker.assigned_one("w"), true);

    EXPECT_EQ(broker.state(1), TaskState::dead);
    EXPECT_EQ(broker.take_notices<TaskDead>().size(), 1U);
    broker.pass(1h);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Attempt, WithATooLargeResultFailsForGood) {  // I18
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const std::string result((16 << 20) + 1, 'x');

    EXPECT_EQ(broker.done("w", broker.assigned_one("w"), result), FinishStatus::accepted);

    EXPECT_EQ(broker.view(Fixture::id(1)).error->error_class, "too_large");
    EXPECT_EQ(broker.state(1), TaskState::dead);
}

TEST(Attempt, ThatSucceedsForgetsTheErrorOfTheOneBefore) {
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    broker.fail("w", broker.assigned_one("w"));
    EXPECT_TRUE(broker.view(Fixture::id(1)).error);
    broker.pass(2s);

    broker.done("w", broker.assigned_one("w"));

    const TaskView view = broker.view(Fixture::id(1));
    EXPECT_EQ(view.state, TaskState::succeeded);
    EXPECT_FALSE(view.error);
    EXPECT_EQ(view.attempts, 2U);
}

TEST(Attempt, HasAFenceThatGrowsWithEveryTry) {  // I6
    Fixture broker;
    broker.work("w");
    broker.submit(1);

    std::uint64_t last = 0;
    for (int i = 0; i < 4; ++i) {
        const AssignItem task = broker.assigned_one("w");
        EXPECT_GT(task.fence, last);
        EXPECT_EQ(Fence::of(task.fence).epoch, Fixture::epoch);
        last = task.fence;
        broker.release("w", Fixture::lease(task));
    }
}

TEST(Attempt, ThatIsReleasedUnstartedCostsNothingAndStartedOne) {  // I12
    Fixture broker;
    broker.work("w");
    broker.submit(1);

    broker.release("w", Fixture::lease(broker.assigned_one("w")), false);
    const AssignItem second = broker.assigned_one("w");
    EXPECT_EQ(second.attempt, 1U);
    broker.release("w", Fixture::lease(second), true);

    EXPECT_EQ(broker.assigned_one("w").attempt, 2U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Attempt, ThatIsReleasedAsStartedAndWasTheLastKillsTheTask) {  // I12
    Fixture broker;
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 1;
    broker.submit(item);

    broker.release("w", Fixture::lease(broker.assigned_one("w")), true);

    EXPECT_EQ(broker.view(item.id).error->error_class, "worker_left");
    EXPECT_EQ(broker.state(1), TaskState::dead);
}

TEST(Attempt, HasAnErrorThatIsMadeValidTextAndCut) {  // I18
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    const std::string text(10'000, 'e');
    const std::string name(100, 'c');

    broker.ask<FailAnswer>(
        "w", Fail{.items = {{.id = task.id, .fence = task.fence, .error = {name, text}}}});

    const TaskView view = broker.view(task.id);
    EXPECT_EQ(view.error->error_class.size(), 64U);
    EXPECT_EQ(view.error->text.size(), 4096U);
}

TEST(Retry, GivesADeadTaskAsManyAttemptsAsItsQueueAndANewSeries) {  // I8
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    SubmitItem item = Fixture::item(1);
    item.attempts_max = 1;
    broker.submit(item);
    const AssignItem first = broker.assigned_one("w");
    broker.fail("w", first);

    const auto answer = broker.ask<RetryAnswer>("c", Retry{.tasks = {item.id}});

    EXPECT_EQ(answer.items, std::vector<Problem>(1));
    const TaskView view = broker.view(item.id);
    EXPECT_EQ(view.series, 1U);
    EXPECT_EQ(view.attempts_max, 6U);
    const AssignItem second = broker.assigned_one("w");
    EXPECT_GT(second.fence, first.fence);
    EXPECT_EQ(second.attempt, 2U) << "attempts go on";
    EXPECT_EQ(broker.done("w", first), FinishStatus::stale);
    EXPECT_EQ(broker.done("w", second), FinishStatus::accepted);
}

TEST(Retry, OfATaskThatIsNotDeadIsRefused) {  // I8
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    broker.done("w", broker.assigned_one("w"));
    broker.submit(2);
    const std::size_t records = broker.records();

    const auto answer = broker.ask<RetryAnswer>(
        "c", Retry{.tasks = {Fixture::id(1), Fixture::id(2), Fixture::id(3)}});

    ASSERT_EQ(answer.items.size(), 3U);
    EXPECT_EQ(answer.items[0].code, static_cast<int>(Refusal::not_dead));
    EXPECT_EQ(answer.items[1].code, static_cast<int>(Refusal::not_dead));
    EXPECT_EQ(answer.items[2].code, static_cast<int>(Refusal::unknown_task));
    EXPECT_EQ(broker.records(), records);
}

}  // namespace
}  // namespace xebec::broker

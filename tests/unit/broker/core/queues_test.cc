#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(QueueSet, MergesWhatIsGivenIntoTheSettings) {
    Fixture broker;
    broker.connect("c");

    broker.ask<QueueSetAnswer>(
        "c", QueueSet{.name = "nightly", .settings = {.lease_ms = 5'000, .attempts_max = 2}});
    broker.ask<QueueSetAnswer>(
        "c", QueueSet{.name = "nightly", .settings = {.run_max_ms = 600'000, .tasks_max = 9}});

    const auto view = broker.ask<QueuesAnswer>("c", Queues{.only = "nightly"}).items.at(0);
    EXPECT_EQ(view.settings, (QueueSettings{.lease_ms = 5'000,
                                            .run_max_ms = 600'000,
                                            .attempts_max = 2,
                                            .pause_first_ms = 1'000,
                                            .pause_max_ms = 600'000,
                                            .retention_ms = 86'400'000,
                                            .tasks_max = 9}));
    EXPECT_TRUE(broker.is_quiet());
}

TEST(QueueSet, RefusesBadValuesAsAWhole) {  // I18
    Fixture broker;
    broker.connect("c");
    const std::vector<QueueSettings> bad{{.lease_ms = 999},
                                         {.run_max_ms = 0},
                                         {.attempts_max = 0},
                                         {.attempts_max = 10'001},
                                         {.pause_max_ms = UINT64_MAX},
                                         {.pause_first_ms = 600'000, .pause_max_ms = 1'000},
                                         {.pause_first_ms = 600'001},
                                         {.pause_max_ms = 999},
                                         {.lease_ms = 5'000, .retention_ms = UINT64_MAX}};

    for (const QueueSettings& settings : bad) {
        const auto answer =
            broker.ask<QueueSetAnswer>("c", QueueSet{.name = "nightly", .settings = settings});
        EXPECT_EQ(answer.problem.code, static_cast<int>(Refusal::bad_value));
    }
    const auto bad_name = broker.ask<QueueSetAnswer>("c", QueueSet{.name = "with.dot"});

    EXPECT_EQ(bad_name.problem.code, static_cast<int>(Refusal::bad_name));
    EXPECT_EQ(broker.records(), 0U);
    EXPECT_EQ(broker.refusal("c", Queues{.only = "nightly"}), Refusal::unknown_queue);
}

TEST(Pause, KeepsTasksFromBeingGivenOutUntilTheResume) {
    Fixture broker;
    broker.connect("c");
    broker.submit(1);
    const auto paused = broker.ask<PauseAnswer>("c", Pause{.queues = {"default", "none"}});
    broker.work("w", {.slots = 4, .credit = 4});
    broker.submit(2);

    ASSERT_EQ(paused.items.size(), 2U);
    EXPECT_EQ(paused.items[0].code, 0);
    EXPECT_EQ(paused.items[1].code, static_cast<int>(Refusal::unknown_queue));
    EXPECT_TRUE(broker.is_quiet());

    broker.ask<ResumeAnswer>("c", Resume{.queues = {"default"}});
    EXPECT_EQ(broker.assigned_numbers("w"), (std::vector<std::uint32_t>{1, 2}));
}

TEST(Pause, LetsWhatRunsFinish) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit_many(1, 2);
    const AssignItem task = broker.assigned_one("w");

    broker.ask<PauseAnswer>("c", Pause{.queues = {"default"}});

    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted);
    EXPECT_TRUE(broker.is_quiet());
    EXPECT_TRUE(broker.ask<QueuesAnswer>("c", Queues{.only = "default"}).items.at(0).paused);
}

TEST(Pause, SurvivesAChangeOfSettings) {
    Fixture broker;
    broker.connect("c");
    broker.submit(1);
    broker.ask<PauseAnswer>("c", Pause{.queues = {"default"}});

    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "default", .settings = {.attempts_max = 3}});
    broker.work("w");

    EXPECT_TRUE(broker.is_quiet());
}

TEST(Queues, AreListedByNameInPages) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    std::vector<std::string> names;
    for (int i = 0; i < 2'100; ++i) {
        names.push_back("q" + std::to_string(i));
        broker.ask<QueueSetAnswer>("c", QueueSet{.name = names.back()});
    }
    std::sort(names.begin(), names.end());

    std::vector<std::string> listed;
    std::vector<std::size_t> pages;
    Queues request;
    while (true) {
        const auto answer = broker.ask<QueuesAnswer>("c", request);
        pages.push_back(answer.items.size());
        for (const QueueView& view : answer.items) {
            listed.emplace_back(view.name);
        }
        if (!answer.more) {
            break;
        }
        request.after = listed.back();
    }

    EXPECT_EQ(listed, names);
    EXPECT_EQ(pages, (std::vector<std::size_t>{1'000, 1'000, 100}));
}

TEST(Queues, TellWhatTheyHoldAndHowLongTheHeadHasWaited) {
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 3);
    broker.pass(5s);
    broker.work("w");
    broker.done("w", broker.assigned_one("w"));

    const auto view = broker.ask<QueuesAnswer>("c", Queues{}).items.at(0);

    EXPECT_EQ(view.name, "default");
    EXPECT_EQ(view.created, 3U);
    EXPECT_EQ(view.succeeded, 1U);
    EXPECT_EQ(view.tasks, (std::vector<std::uint64_t>{0, 0, 1, 1, 1, 0, 0, 0}));
    EXPECT_EQ(view.oldest_wait_ms, 5'000U);
}

}  // namespace
}  // namespace xebec::broker

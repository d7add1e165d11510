#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

std::uint64_t samples(const std::vector<std::uint64_t>& sparse) {
    std::uint64_t count = 0;
    for (std::size_t i = 1; i < sparse.size(); i += 2) {
        count += sparse[i];
    }
    return count;
}

TEST(Figures, TellTheLongestStep) {
    Fixture broker;
    broker.connect("c");
    for (const auto took : {2ms, 7ms, 3ms}) {
        broker.apply(StepMeasured{took});
    }

    EXPECT_EQ(broker.ask<StatsAnswer>("c", Stats{}).figures.step_max_us, 7'000U);
}

TEST(Figures, TellWhatTheBrokerUsesOnceThatIsKnown) {
    CoreOptions options = patient();
    options.memory_max = 123;
    Fixture broker(options);
    broker.connect("c");
    EXPECT_FALSE(broker.ask<StatsAnswer>("c", Stats{}).figures.resources);

    broker.apply(ResourcesMeasured{{.resident_octets = 1, .cpu_permille = 2, .disk_total = 3}});
    broker.apply(JournalChanged{.is_full = true});

    EXPECT_EQ(broker.ask<StatsAnswer>("c", Stats{}).figures.resources,
              (BrokerResources{.resident_octets = 1,
                               .cpu_permille = 2,
                               .disk_total = 3,
                               .memory_octets_max = 123,
                               .is_read_only = true}));
}

TEST(Figures, CountWhatHappened) {
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 4, .credit = 4});
    broker.submit_many(1, 4);
    const auto tasks = broker.assigned("w");
    broker.done("w", tasks.at(0));
    broker.fail("w", tasks.at(1));
    broker.fail("w", tasks.at(2), true);
    broker.done("w", tasks.at(2));
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {tasks.at(3).id}});
    broker.try_submit(Fixture::item(9, "no spaces"));

    const Figures figures = broker.ask<StatsAnswer>("c", Stats{}).figures;

    EXPECT_EQ(figures.totals, (Totals{.submitted = 4,
                                      .succeeded = 1,
                                      .failed = 2,
                                      .dead = 1,
                                      .cancelled = 1,
                                      .assigned = 4,
                                      .stale = 1,
                                      .refused = 1}));
    EXPECT_EQ(figures.sizes.tasks, (std::vector<std::uint64_t>{1, 0, 0, 0, 1, 1, 1, 0}));
    EXPECT_EQ(figures.sizes.workers, 1U);
    EXPECT_EQ(figures.sizes.slots, 4U);
    EXPECT_EQ(figures.sizes.slots_busy, 1U) << "the cancelled one is still to be stopped";
    EXPECT_EQ(figures.sizes.sessions, 3U);
    EXPECT_EQ(figures.epoch, Fixture::epoch);
}

TEST(Figures, HaveHistogramsOfWaitAndRunPerQueueAndKind) {
    Fixture broker;
    broker.connect("c");
    broker.submit(1);
    broker.submit(Fixture::item(2, "echo"));
    broker.pass(2s);
    broker.work("w", {.kinds = {"add", "echo"}, .slots = 2, .credit = 2});
    const auto tasks = broker.assigned("w");
    broker.done("w", tasks.at(0));
    broker.fail("w", tasks.at(1), true);

    const auto lanes = broker.ask<StatsAnswer>("c", Stats{}).figures.lanes;

    ASSERT_EQ(lanes.size(), 2U);
    EXPECT_EQ(lanes[0].kind, "add");
    EXPECT_EQ(lanes[0].wait_us, (std::vector<std::uint64_t>{Histogram::bucket_of(2s), 1}));
    EXPECT_EQ(lanes[0].run_us, (std::vector<std::uint64_t>{Histogram::bucket_of(1'250us), 1}));
    EXPECT_EQ(lanes[0].succeeded, 1U);
    EXPECT_EQ(lanes[1].run_us, (std::vector<std::uint64_t>{Histogram::bucket_of(2'500us), 1}));
    EXPECT_EQ(lanes[1].failed, 1U);
}

TEST(Figures, ArePublishedEverySecondToWatchersOnly) {
    Fixture broker;
    broker.submit(1);
    broker.pass(5s);
    EXPECT_TRUE(broker.is_quiet()) << "nobody watches";

    broker.watch(false, true);
    broker.settle();
    broker.pass(2'500ms);

    const auto published = broker.take_published();
    ASSERT_EQ(published.size(), 3U);
    EXPECT_EQ(published[0].topic, stat_topic);
    EXPECT_EQ(published[0].figures->lanes.size(), 1U);
    EXPECT_EQ(published[0].figures->sequences, (std::vector<QueueSequence>{{"default", 1}}));
    EXPECT_TRUE(published[1].figures->lanes.empty()) << "nothing changed";
    EXPECT_TRUE(published[1].figures->sequences.empty());
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Figures, TellOfALaneWhoseFirstTaskHasToWait) {
    Fixture broker;
    broker.watch(false, true);
    broker.settle();
    broker.take_published();
    SubmitItem later = Fixture::item(1);
    later.delay_ms = 60'000;
    broker.submit(later);

    broker.pass(1s);

    const auto published = broker.take_published();
    ASSERT_EQ(published.size(), 1U);
    ASSERT_EQ(published[0].figures->lanes.size(), 1U);
    EXPECT_EQ(published[0].figures->lanes[0].created, 1U);
}

TEST(Figures, OfVeryManyLanesFitIntoMessages) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    std::vector<std::string> kinds;
    for (int i = 0; i < 9'000; ++i) {
        kinds.push_back("a-kind-with-a-rather-long-name-to-fill-it-" + std::to_string(i));
    }
    for (std::uint32_t n = 0; n < 9'000; n += 3'000) {
        Submit message;
        for (std::uint32_t i = n; i < n + 3'000; ++i) {
            message.items.push_back(Fixture::item(i, kinds[i]));
        }
        broker.ask<SubmitAnswer>("c", message);
    }
    broker.watch(false, true);
    broker.settle();

    broker.ask<StatsAnswer>("c", Stats{});
    broker.ask<SnapshotAnswer>("c", Snapshot{});
    broker.pass(3s);

    std::map<std::string, std::uint64_t> seen;
    for (const Published& published : broker.take_published()) {
        for (const LaneView& lane : published.figures->lanes) {
            seen[std::string(lane.kind)] += lane.created;
        }
    }
    EXPECT_EQ(seen.size(), 9'000U) << "over the seconds every lane has been told, once";
    EXPECT_EQ(seen["a-kind-with-a-rather-long-name-to-fill-it-8999"], 1U);
}

TEST(Workers, AreShownWithWhatTheyDo) {
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 3);
    broker.work("w", {.kinds = {"echo", "add"}, .queues = {"default"}, .slots = 2, .credit = 3});
    broker.done("w", broker.assigned("w").at(0));
    broker.pass(1s);

    const auto answer = broker.ask<WorkersAnswer>("c", Workers{});

    ASSERT_EQ(answer.items.size(), 1U);
    const WorkerView& view = answer.items[0];
    EXPECT_EQ(view.session, broker.session("w"));
    EXPECT_EQ(view.name, "w");
    EXPECT_EQ(view.kinds, (std::vector<std::string_view>{"add", "echo"}));
    EXPECT_EQ(view.held, 2U);
    EXPECT_EQ(view.tasks, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(view.succeeded, 1U);
    EXPECT_EQ(view.silent_ms, 1'000U);
    EXPECT_EQ(answer.cursor, 0U);
}

TEST(Workers, AreShownWithWhatTheirMachineHas) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    const auto shown = [&] { return broker.ask<WorkersAnswer>("c", Workers{}).items.at(0); };
    EXPECT_FALSE(shown().resources) << "it has not said";

    const std::string name(100, 'g');
    Resources resources{.cpu_permille = 420, .memory_used = 3, .memory_total = 4};
    resources.gpus.assign(70, {.name = name, .busy_permille = 900});
    broker.ask<Pong>("w", Ping{resources});
    broker.ask<Pong>("c", Ping{Resources{.cpu_permille = 1}});
    broker.ask<Pong>("w", Ping{});

    resources.gpus.assign(64, {.name = std::string_view(name).substr(0, 64), .busy_permille = 900});
    EXPECT_EQ(shown().resources, resources) << "the latest that it said";
}

TEST(Workers, AreShownWithTheirLatestAttemptsWhileSomebodyAsks) {
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 5, .credit = 5});
    broker.submit_many(1, 6);
    auto tasks = broker.assigned("w");
    broker.done("w", tasks.at(0));
    const auto recent = [&] {
        return broker.ask<WorkersAnswer>("c", Workers{.with_recent = true}).items.at(0).recent;
    };
    EXPECT_TRUE(recent().empty()) << "nobody had asked";

    broker.pass(9s);
    broker.done("w", tasks.at(1));
    broker.fail("w", tasks.at(2));
    broker.fail("w", tasks.at(3), true);
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {tasks.at(4).id}});
    broker.release("w", Fixture::lease(broker.assigned("w").at(0)));

    EXPECT_TRUE(broker.ask<WorkersAnswer>("c", Workers{}).items.at(0).recent.empty());
    const auto shown = recent();
    ASSERT_EQ(shown.size(), 5U);
    const auto started_at =
        static_cast<std::uint64_t>(Fixture::start_wall.time_since_epoch().count());
    EXPECT_EQ(shown[4], (RecentAttempt{.number = 2,
                                       .kind = "add",
                                       .started_at = started_at,
                                       .run_us = 1'250,
                                       .state = TaskState::succeeded}));
    EXPECT_EQ(shown[3].state, TaskState::scheduled);
    EXPECT_EQ(shown[3].run_us, 2'500U);
    EXPECT_EQ(shown[2].state, TaskState::dead);
    EXPECT_EQ(shown[1].state, TaskState::cancelled);
    EXPECT_EQ(
        shown[0],
        (RecentAttempt{
            .number = 6, .kind = "add", .started_at = started_at, .state = TaskState::ready}));

    broker.pass(11s);
    EXPECT_TRUE(recent().empty()) << "nobody asked for ten seconds";
}

TEST(Workers, AreShownWithSixtyFourAttemptsAtMost) {
    Fixture broker;
    broker.connect("c");
    broker.work("w", {.slots = 100, .credit = 100});
    broker.submit_many(1, 100);
    broker.ask<WorkersAnswer>("c", Workers{.with_recent = true});
    for (const AssignItem& task : broker.assigned("w")) {
        broker.done("w", task);
    }

    const auto recent =
        broker.ask<WorkersAnswer>("c", Workers{.with_recent = true}).items.at(0).recent;

    ASSERT_EQ(recent.size(), 64U);
    EXPECT_EQ(recent.front().number, 100U);
    EXPECT_EQ(recent.back().number, 37U);
}

TEST(Workers, WithManyKindsComeInPagesThatFit) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    std::vector<std::string> names;
    for (int i = 0; i < 256; ++i) {
        names.push_back("a-name-that-is-as-long-as-a-name-may-be--------" +
                        std::string(1, static_cast<char>('a' + i % 26)));
        names.back().replace(0, 3, std::to_string(100 + i));
    }
    for (int i = 0; i < 300; ++i) {
        broker.work("w" + std::to_string(i),
                    {.kinds = names, .queues = names, .slots = 1, .credit = 1});
    }

    std::size_t count = 0;
    Workers request;
    do {
        const auto answer = broker.ask<WorkersAnswer>("c", request);
        count += answer.items.size();
        request.cursor = answer.cursor;
    } while (request.cursor != 0);

    EXPECT_EQ(count, 300U);
}

TEST(Workers, BeyondTheLastAreNone) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");

    const auto answer = broker.ask<WorkersAnswer>("c", Workers{.cursor = UINT64_MAX});

    EXPECT_EQ(answer, WorkersAnswer{});
}

TEST(Figures, CountLostWorkersAndReturnedLeases) {
    Fixture broker;
    broker.connect("c");
    broker.submit(1);
    broker.work("w");
    broker.lose("w");

    const Totals totals = broker.ask<StatsAnswer>("c", Stats{}).figures.totals;

    EXPECT_EQ(totals.workers_lost, 1U);
    EXPECT_EQ(totals.returned, 1U);
    EXPECT_EQ(samples(broker.ask<StatsAnswer>("c", Stats{}).figures.lanes.at(0).wait_us), 1U);
}

}  // namespace
}  // namespace xebec::broker

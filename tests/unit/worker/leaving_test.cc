// Leaving: drain, grace, stop, farewell.

#include "tests/unit/worker/bench.h"

namespace xebec::worker {

namespace {

using namespace protocol;

void acknowledge(Bench& bench, const Sent& sent) {
    const std::uint64_t correlation = sent.header().correlation;
    if (const auto* release = std::get_if<Release>(&sent.message)) {
        bench.receive(ReleaseAnswer{std::vector(release->leases.size(), FinishStatus::accepted)},
                      correlation);
    } else if (const auto* done = std::get_if<Done>(&sent.message)) {
        bench.receive(DoneAnswer{std::vector(done->items.size(), FinishStatus::accepted)},
                      correlation);
    }
}

void ask(Bench& bench, const Event& event) {
    Effects effects;
    bench.core.apply(event, bench.now, effects);
    bench.tick();
}

TEST(WorkerLeaving, SaysByeAtOnceWhenItHoldsNothing) {
    Bench bench;
    bench.connect();

    bench.receive(Drain{});

    EXPECT_EQ(bench.take<Leaving>().size(), 1U);
    EXPECT_EQ(bench.take_sent<Drain>().size(), 1U);
    EXPECT_EQ(bench.take_message<Bye>().reason, "draining");
    const auto finished = bench.take<Finished>();
    ASSERT_EQ(finished.size(), 1U);
    EXPECT_FALSE(finished[0].error);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLeaving, FinishesWhatRunsAndGivesBackWhatWaits) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.assign({Bench::item(2)});

    bench.receive(Drain{});
    const auto release = bench.take_one<Release>();
    acknowledge(bench, *release);
    bench.pass_with_pongs(29s);
    bench.take_sent<Extend>();
    const bool was_patient = !bench.core.is_finished() && bench.take<Cancel>().empty();
    bench.succeed(key);
    const auto done = bench.take_one<Done>();
    const bool had_left_early = bench.core.is_finished();
    acknowledge(bench, *done);

    EXPECT_EQ(std::get<Release>(release->message).leases, (std::vector<LeaseRef>{lease(2)}));
    EXPECT_FALSE(std::get<Release>(release->message).started);
    EXPECT_TRUE(was_patient);
    EXPECT_FALSE(had_left_early);
    EXPECT_EQ(bench.take_sent<Bye>().size(), 1U);
    EXPECT_EQ(bench.take<Finished>().size(), 1U);
}

TEST(WorkerLeaving, GivesBackWhatStillArrivesAtAPace) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.receive(Drain{});

    bench.assign({Bench::item(2)});
    const auto first = bench.take_sent<Release>();
    bench.assign({Bench::item(3)});
    const auto second = bench.take_sent<Release>();
    bench.pass(100ms);
    const auto third = bench.take_sent<Release>();

    EXPECT_EQ(first.size(), 1U);
    EXPECT_TRUE(second.empty());
    EXPECT_EQ(third.size(), 1U);
    EXPECT_TRUE(bench.take<Start>().empty());
}

TEST(WorkerLeaving, EndsAlthoughTheBrokerGoesOnAssigning) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.receive(Drain{});
    bench.succeed(key);
    const auto done = bench.take_one<Done>();

    bench.assign({Bench::item(2)});
    acknowledge(bench, *done);

    EXPECT_EQ(bench.take_message<Release>().leases, (std::vector<LeaseRef>{lease(2)}));
    EXPECT_EQ(bench.take_sent<Bye>().size(), 1U);
    EXPECT_EQ(bench.take<Finished>().size(), 1U);
    EXPECT_TRUE(bench.take<Start>().empty());
}

TEST(WorkerLeaving, TakesBackWhatTheExecutorHasNotBegun) {
    Bench bench;
    bench.connect();
    bench.assign({Bench::item(1)});
    const AttemptKey key = bench.take<Start>().front().attempt;

    bench.receive(Drain{});
    const auto taken = bench.take<TakeBack>();
    bench.give(key);

    ASSERT_EQ(taken.size(), 1U);
    EXPECT_FALSE(bench.take_message<Release>().started);
}

TEST(WorkerLeaving, StopsWhatRunsAfterTheGraceAndGivesItBackAsStarted) {
    Bench bench({.grace = 5s});
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.receive(Drain{});

    bench.pass_with_pongs(4'999ms);
    const bool was_patient = bench.take<Cancel>().empty();
    bench.pass_with_pongs(1ms);
    const auto cancelled = bench.take<Cancel>();
    bench.succeed(key, "cut short", 6s, true);
    const auto release = bench.take_one<Release>();

    EXPECT_TRUE(was_patient);
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].reason, StopReason::leaving);
    EXPECT_TRUE(std::get<Release>(release->message).started);
    EXPECT_TRUE(bench.core.is_finished());
    EXPECT_EQ(bench.take_sent<Bye>().size(), 1U);
}

TEST(WorkerLeaving, GivesUpHandlersThatDoNotReturn) {
    Bench bench({.grace = 5s});
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.receive(Drain{});

    bench.pass_with_pongs(6'999ms);
    const bool was_patient = bench.take_sent<Release>().empty();
    bench.pass_with_pongs(1ms);
    const auto release = bench.take_one<Release>();
    bench.succeed(key, "late", 8s, true);

    EXPECT_TRUE(was_patient);
    EXPECT_TRUE(std::get<Release>(release->message).started);
    EXPECT_TRUE(bench.core.is_finished());
}

TEST(WorkerLeaving, StopsAtOnceWhenToldToStop) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.receive(Drain{});
    bench.take<Leaving>();

    ask(bench, StopRequested{"again"});

    const auto cancelled = bench.take<Cancel>();
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].attempt, key);
    EXPECT_TRUE(bench.take<Leaving>().empty());
}

TEST(WorkerLeaving, WaitsForTheLastAcknowledgementsButNotForEver) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.receive(Drain{});
    bench.succeed(key);

    bench.pass_with_pongs(2'999ms);
    const bool had_left_early = bench.core.is_finished();
    bench.pass_with_pongs(1ms);

    EXPECT_FALSE(had_left_early);
    EXPECT_TRUE(bench.core.is_finished());
    EXPECT_EQ(bench.take_sent<Bye>().size(), 1U);
}

TEST(WorkerLeaving, WaitsAWhileForABrokerThatIsAwayToGiveItsTasksBack) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.assign({Bench::item(2)});
    bench.receive(Bye{"restart"});

    ask(bench, StopRequested{"asked"});
    bench.succeed(1, "cut short", 1s, true);
    bench.pass(300ms);
    const bool had_left_early = bench.core.is_finished();
    bench.welcome_back({.epoch = 6, .held_ms = {9'000, 9'000}}, 78);

    EXPECT_FALSE(had_left_early);
    EXPECT_EQ(bench.take_sent<Release>().size(), 2U);
    EXPECT_EQ(bench.take_sent<Bye>().size(), 1U);
    EXPECT_TRUE(bench.core.is_finished());
}

TEST(WorkerLeaving, LeavesWithoutTheBrokerToo) {
    Bench bench;
    bench.connect();
    bench.receive(Bye{"gone"});

    ask(bench, DrainRequested{"asked"});

    EXPECT_TRUE(bench.core.is_finished());
    EXPECT_TRUE(bench.take_sent<Bye>().empty());
}

}  // namespace

}  // namespace xebec::worker

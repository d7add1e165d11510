// Leases: start, extension, loss, revoke, recall, the run limit.

#include "tests/unit/worker/bench.h"

namespace xebec::worker {

namespace {

using namespace protocol;

TEST(WorkerLease, StartsAtOnceAndInOrderUpToTheSlots) {
    Bench bench({.slots = 2});
    bench.connect();

    bench.assign({Bench::item(1), Bench::item(2), Bench::item(3)});

    const auto started = bench.take<Start>();
    ASSERT_EQ(started.size(), 2U);
    EXPECT_EQ(started[0].assignment.lease, lease(1));
    EXPECT_EQ(started[1].assignment.lease, lease(2));
    EXPECT_LT(started[0].attempt, started[1].attempt);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, CarriesWholeAssignmentToTheHandler) {
    Bench bench;
    bench.connect();
    AssignItem item = Bench::item(1, 9);
    item.attempt = 3;
    item.run_max_ms = 500;
    item.deadline = 1'000;

    bench.assign({item});

    const auto started = bench.take<Start>();
    ASSERT_EQ(started.size(), 1U);
    const Assignment& assignment = started[0].assignment;
    EXPECT_EQ(assignment.lease, lease(1, 9));
    EXPECT_EQ(assignment.number, 1U);
    EXPECT_EQ(assignment.kind, "add");
    EXPECT_EQ(assignment.queue, "default");
    EXPECT_EQ(assignment.payload.view(), "[1,2]");
    EXPECT_EQ(assignment.content_type, ContentType::json);
    EXPECT_EQ(assignment.attempt, 3U);
    EXPECT_EQ(assignment.run_max, 500ms);
    EXPECT_EQ(assignment.deadline, WallTime(1s));
}

TEST(WorkerLease, StartsTheNextWhenASlotIsFree) {
    Bench bench;
    bench.connect();
    bench.assign({Bench::item(1), Bench::item(2)});
    const auto first = bench.take<Start>();
    bench.begin(first[0].attempt);

    bench.succeed(first[0].attempt);

    const auto second = bench.take<Start>();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].assignment.lease, lease(2));
    EXPECT_EQ(bench.take_sent<Done>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

// F15
TEST(WorkerLease, IsTakenOnceHoweverOftenItIsAssigned) {
    Bench bench({.slots = 2});
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));

    bench.assign({Bench::item(1)});
    bench.succeed(key);
    auto done = bench.take_one<Done>();
    bench.assign({Bench::item(1)});
    bench.receive(DoneAnswer{{FinishStatus::accepted}}, done->header().correlation);
    bench.assign({Bench::item(1)});

    EXPECT_EQ(bench.core.held(), 0U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, OfANewFenceIsAnotherOne) {
    Bench bench({.slots = 2});
    bench.connect();
    bench.run(Bench::item(1, 1));

    bench.assign({Bench::item(1, 2)});

    const auto started = bench.take<Start>();
    ASSERT_EQ(started.size(), 1U);
    EXPECT_EQ(started[0].assignment.lease, lease(1, 2));
}

TEST(WorkerLease, IsExtendedWhenAThirdOfItsTimeIsOver) {
    Bench bench({.slots = 2});
    bench.connect();
    bench.run(Bench::item(1));
    bench.run(Bench::item(2));

    bench.pass_with_pongs(9'900ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(100ms);

    EXPECT_TRUE(was_quiet);
    bench.ignore_pings();
    const auto extend = bench.take_message<Extend>();
    EXPECT_EQ(extend.leases, (std::vector<LeaseRef>{lease(1), lease(2)}));
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, LastsAsLongAsItIsExtended) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));

    for (int i = 0; i < 300; ++i) {
        bench.pass_with_pongs(1s);
        for (const Sent& extend : bench.take_sent<Extend>()) {
            bench.receive(ExtendAnswer{{30'000}}, extend.header().correlation);
        }
    }

    EXPECT_EQ(bench.core.held(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, IsAskedForAgainWhenTheAnswerDoesNotCome) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.pass_with_pongs(10s);
    ASSERT_EQ(bench.take_sent<Extend>().size(), 1U);

    bench.pass_with_pongs(4'900ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass_with_pongs(200ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take_message<Extend>().leases, (std::vector<LeaseRef>{lease(1)}));
}

TEST(WorkerLease, StopsItsHandlerWhenTheBrokerDoesNotExtendIt) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.pass_with_pongs(10s);
    const auto extend = bench.take_one<Extend>();

    bench.receive(ExtendAnswer{{0}}, extend->header().correlation);
    const auto cancelled = bench.take<Cancel>();
    const bool was_quiet = bench.is_quiet();
    bench.succeed(key, "late", 50ms, true);

    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].attempt, key);
    EXPECT_EQ(cancelled[0].reason, StopReason::lease_lost);
    EXPECT_TRUE(was_quiet);
    const auto release = bench.take_message<Release>();
    EXPECT_EQ(release.leases, (std::vector<LeaseRef>{lease(1)}));
    EXPECT_TRUE(release.started);
    EXPECT_TRUE(bench.is_quiet());
}

// F13, F16: by this worker's own clock, counted from when the extension was sent.
TEST(WorkerLease, EndsByTheOwnClockCountedFromWhenItsExtensionWasSent) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.pass_with_pongs(10s);
    const auto extend = bench.take_one<Extend>();
    const Instant asked = bench.now.steady;
    bench.pass(900ms);
    bench.ignore_pings();
    bench.receive(ExtendAnswer{{3'000}}, extend->header().correlation);

    bench.stall(asked + 3s - 1ms - bench.now.steady);
    bench.tick();
    const bool was_stopped_early = !bench.take<Cancel>().empty();
    bench.pass(1ms);

    EXPECT_FALSE(was_stopped_early);
    const auto cancelled = bench.take<Cancel>();
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].reason, StopReason::lease_ended);
}

TEST(WorkerLease, CountsFromTheNewestAnsweredQuestionWhenItWasAssigned) {
    Bench bench;
    bench.connect();
    bench.pass(1s);
    const auto ping = bench.take_one<Ping>();
    const Instant asked = bench.now.steady;
    bench.receive(Pong{}, ping->header().correlation);
    bench.pass(900ms);
    AssignItem item = Bench::item(1);
    item.lease_ms = 2'000;
    bench.run(item);
    bench.take_sent<Extend>();

    bench.stall(asked + 2s - 1ms - bench.now.steady);
    bench.tick();
    const bool was_stopped_early = !bench.take<Cancel>().empty();
    bench.stall(1ms);
    bench.tick();

    EXPECT_FALSE(was_stopped_early);
    EXPECT_EQ(bench.take<Cancel>().size(), 1U);
}

TEST(WorkerLease, ThatMayBeOverOnArrivalIsConfirmedBeforeItStarts) {
    Bench bench;
    bench.connect();
    bench.pass(500ms);
    AssignItem item = Bench::item(1);
    item.lease_ms = 400;  // shorter than the time since the broker last answered

    bench.assign({item});
    const auto extend = bench.take_one<Extend>();
    const bool was_quiet = bench.is_quiet();
    bench.receive(ExtendAnswer{{400}}, extend->header().correlation);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take<Start>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, ThatIsOverOnArrivalIsForgotten) {
    Bench bench;
    bench.connect();
    bench.pass(500ms);
    AssignItem item = Bench::item(1);
    item.lease_ms = 400;
    bench.assign({item});
    const auto extend = bench.take_one<Extend>();

    bench.receive(ExtendAnswer{{0}}, extend->header().correlation);

    EXPECT_EQ(bench.core.held(), 0U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, GoesBackAtOnceWhenRevokedBeforeItsStart) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.assign({Bench::item(2)});

    bench.receive(Revoke{{lease(2)}});

    const auto release = bench.take_message<Release>();
    EXPECT_EQ(release.leases, (std::vector<LeaseRef>{lease(2)}));
    EXPECT_FALSE(release.started);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, StopsItsHandlerWhenRevokedAndGoesBackWhenThatReturns) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));

    bench.receive(Revoke{{lease(1)}});
    const auto cancelled = bench.take<Cancel>();
    const bool was_quiet = bench.is_quiet();
    bench.fail(key, {.text = "cancelled"}, true);

    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].attempt, key);
    EXPECT_EQ(cancelled[0].number, 1U);
    EXPECT_EQ(cancelled[0].reason, StopReason::revoked);
    EXPECT_TRUE(was_quiet);
    const auto release = bench.take_message<Release>();
    EXPECT_EQ(release.leases, (std::vector<LeaseRef>{lease(1)}));
    EXPECT_TRUE(release.started);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, IsNotExtendedAfterItWasRevoked) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));
    bench.receive(Revoke{{lease(1)}});
    bench.take<Cancel>();

    bench.pass_with_pongs(60s);

    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, ThatNeverArrivedIsGivenBackWhenRevokedOrRecalled) {
    Bench bench;
    bench.connect();

    bench.receive(Revoke{{lease(1)}});
    const auto revoked = bench.take_message<Release>();
    bench.receive(Recall{{lease(2)}});
    const auto recalled = bench.take_message<Release>();
    bench.assign({Bench::item(1), Bench::item(2)});  // late

    EXPECT_EQ(revoked.leases, (std::vector<LeaseRef>{lease(1)}));
    EXPECT_EQ(recalled.leases, (std::vector<LeaseRef>{lease(2)}));
    EXPECT_EQ(bench.core.held(), 0U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, IsRecalledOnlyIfItHasNotStarted) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.assign({Bench::item(2), Bench::item(3)});

    bench.receive(Recall{{lease(1), lease(2)}});

    const auto release = bench.take_message<Release>();
    EXPECT_EQ(release.leases, (std::vector<LeaseRef>{lease(2)}));
    EXPECT_FALSE(release.started);
    EXPECT_TRUE(bench.is_quiet());
    bench.succeed(key);
    const auto next = bench.take<Start>();
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next[0].assignment.lease, lease(3));
}

TEST(WorkerLease, InTheExecutorsLineIsRecalledIfItHasNotBegun) {
    Bench bench;
    bench.connect();
    bench.assign({Bench::item(1)});
    const AttemptKey key = bench.take<Start>().front().attempt;

    bench.receive(Recall{{lease(1)}});
    const auto taken = bench.take<TakeBack>();
    const bool was_quiet = bench.is_quiet();
    bench.give(key);

    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].attempt, key);
    EXPECT_TRUE(was_quiet);
    EXPECT_FALSE(bench.take_message<Release>().started);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, OfARunThatReachesItsLimitFailsWhenTheHandlerReturns) {
    Bench bench;
    bench.connect();
    AssignItem item = Bench::item(1);
    item.run_max_ms = 2'000;
    const AttemptKey key = bench.run(item);

    bench.pass_with_pongs(1'999ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass_with_pongs(1ms);
    const auto cancelled = bench.take<Cancel>();
    bench.pass_with_pongs(500ms);
    const bool was_patient = bench.is_quiet();
    bench.succeed(key, "late", 2'500ms, true);

    EXPECT_TRUE(was_quiet);
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].reason, StopReason::run_limit);
    EXPECT_TRUE(was_patient);
    const auto fail = bench.take_message<Fail>();
    ASSERT_EQ(fail.items.size(), 1U);
    EXPECT_EQ(fail.items[0].error.error_class, "timed_out");
    EXPECT_EQ(fail.items[0].error.text, "stopped at its run limit of 2s");
    EXPECT_FALSE(fail.items[0].useless);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, SucceedsIfItsHandlerReturnedBeforeItWasStopped) {
    Bench bench;
    bench.connect();
    AssignItem item = Bench::item(1);
    item.run_max_ms = 2'000;
    const AttemptKey key = bench.run(item);
    bench.pass_with_pongs(2s);
    bench.take<Cancel>();

    bench.succeed(key, "just in time", 1'999ms, false);

    const auto done = bench.take_message<Done>();
    ASSERT_EQ(done.items.size(), 1U);
    EXPECT_EQ(done.items[0].result.view, "just in time");
    EXPECT_TRUE(bench.is_quiet());
}

// F16: the worker stalls beyond its lease and wakes up with its result.
TEST(WorkerLease, ThatEndedDuringAStallStillSendsItsResultForTheFenceToJudge) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.stall(60s);

    bench.succeed(key, "late", 59s);  // before the clock is looked at
    bench.pass(300ms);                // the broker was silent, too
    const auto hello = bench.take_one<Hello>();
    bench.take<Disconnected>();
    bench.take<Reconnect>();
    const auto held = std::get<Hello>(hello->message).held;
    bench.receive(Welcome{.epoch = 5, .held_ms = {0}}, hello->header().correlation, 78);
    bench.take<Connected>();
    const auto done = bench.take_one<Done>();
    bench.receive(DoneAnswer{{FinishStatus::stale}}, done->header().correlation, 78);

    EXPECT_EQ(held, (std::vector<LeaseRef>{lease(1)}));
    EXPECT_EQ(bench.core.held(), 0U);
    EXPECT_TRUE(bench.is_quiet());
}

// F16: the worker stalls beyond its lease and wakes up while its handler runs.
TEST(WorkerLease, ThatEndedDuringAStallStopsItsHandlerAndIsNotNamedAgain) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.stall(60s);

    bench.tick();
    const auto cancelled = bench.take<Cancel>();
    bench.pass(300ms);
    const auto hello = bench.take_one<Hello>();
    bench.take<Disconnected>();
    bench.take<Reconnect>();
    bench.receive(Welcome{.epoch = 5}, hello->header().correlation, 78);
    bench.take<Connected>();
    bench.assign({Bench::item(2)}, 78);
    const bool was_slot_busy = bench.take<Start>().empty();
    bench.succeed(key, "late", 60s, true);

    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].reason, StopReason::lease_ended);
    EXPECT_TRUE(std::get<Hello>(hello->message).held.empty());
    EXPECT_TRUE(was_slot_busy);
    EXPECT_EQ(bench.take<Start>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerLease, IsConfirmedOrLostByTheWelcome) {
    Bench bench({.slots = 3});
    bench.connect();
    const AttemptKey first = bench.run(Bench::item(1));
    bench.run(Bench::item(2));
    bench.receive(Bye{"restart"});
    bench.pass(300ms);
    bench.take<Disconnected>();
    bench.take<Reconnect>();

    bench.welcome_back({.epoch = 6, .held_ms = {0, 12'000}}, 78);

    const auto cancelled = bench.take<Cancel>();
    ASSERT_EQ(cancelled.size(), 1U);
    EXPECT_EQ(cancelled[0].attempt, first);
    EXPECT_EQ(cancelled[0].reason, StopReason::lease_lost);
    EXPECT_EQ(bench.take<Connected>().front().epoch, 6U);
    EXPECT_TRUE(bench.is_quiet());
    bench.succeed(first, "late", 1s, true);  // forgotten
    EXPECT_TRUE(bench.is_quiet());
    EXPECT_EQ(bench.core.held(), 1U);
}

}  // namespace

}  // namespace xebec::worker

// Outcomes: batches, limits, and that they are kept until the broker has acknowledged them.

#include "worker/outcomes.h"

#include "tests/unit/worker/bench.h"

namespace xebec::worker {

namespace {

using namespace protocol;

Attempt finished(std::uint8_t n, Outcome outcome) {
    Attempt attempt;
    attempt.assignment.lease = lease(n);
    attempt.stage = Stage::finished;
    attempt.outcome = std::move(outcome);
    return attempt;
}

Success success(std::size_t octets) {
    return {Blob::copy_of(std::string(octets, 'x'))};
}

std::vector<std::size_t> sizes_of(const std::vector<Attempt>& attempts, const Limits& limits) {
    std::vector<FinishedAttempt> list;
    for (std::size_t i = 0; i < attempts.size(); ++i) {
        list.push_back({i + 1, &attempts[i]});
    }
    std::vector<std::size_t> sizes;
    for (const OutcomeBatch& batch : batch_outcomes(list, limits)) {
        sizes.push_back(batch.attempts.size());
    }
    return sizes;
}

TEST(WorkerOutcome, OfOneStepTravelTogetherByTheirType) {
    Bench bench({.slots = 4});
    bench.connect();
    std::vector<AttemptKey> keys;
    for (std::uint8_t n = 1; n <= 4; ++n) {
        keys.push_back(bench.run(Bench::item(n)));
    }
    Effects effects;

    bench.core.apply(HandlerFinished{keys[0], Success{Blob::copy_of("a")}, 7us}, bench.now,
                     effects);
    bench.core.apply(HandlerFinished{keys[2], xebec::Failure{"odd", "why", true}, 9us}, bench.now,
                     effects);
    bench.core.apply(HandlerFinished{keys[1], Success{Blob::copy_of("b"), ContentType::json}, 8us},
                     bench.now, effects);
    const bool was_quiet = effects.empty();
    bench.tick();

    EXPECT_TRUE(was_quiet);
    const auto done = bench.take_message<Done>();
    ASSERT_EQ(done.items.size(), 2U);
    EXPECT_EQ(done.items[0].id, task_id(1));
    EXPECT_EQ(done.items[0].fence, 1U);
    EXPECT_EQ(done.items[0].result.view, "a");
    EXPECT_EQ(done.items[0].run_us, 7U);
    EXPECT_EQ(done.items[1].result.view, "b");
    EXPECT_EQ(done.items[1].content_type, ContentType::json);
    const auto fail = bench.take_message<Fail>();
    ASSERT_EQ(fail.items.size(), 1U);
    EXPECT_EQ(fail.items[0].error, (protocol::Failure{"odd", "why"}));
    EXPECT_TRUE(fail.items[0].useless);
    EXPECT_EQ(fail.items[0].run_us, 9U);
    bench.take_sent<Credit>();
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerOutcome, IsForgottenWithAnyStatus) {
    for (const FinishStatus status : {FinishStatus::accepted, FinishStatus::repeat,
                                      FinishStatus::stale, FinishStatus::unknown}) {
        Bench bench;
        bench.connect();
        const AttemptKey key = bench.run(Bench::item(1));
        bench.succeed(key);
        const auto done = bench.take_one<Done>();
        const std::size_t held_before = bench.core.held();

        bench.receive(DoneAnswer{{status}}, done->header().correlation);

        EXPECT_EQ(held_before, 1U);
        EXPECT_EQ(bench.core.held(), 0U);
        EXPECT_TRUE(bench.is_quiet());
    }
}

TEST(WorkerOutcome, IsSentAgainWhenItsAnswerDoesNotCome) {
    Bench bench;
    bench.connect();
    bench.succeed(bench.run(Bench::item(1)), "r");
    bench.take_sent<Done>();

    bench.pass_with_pongs(4'999ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(1ms);

    EXPECT_TRUE(was_quiet);
    bench.ignore_pings();
    EXPECT_EQ(bench.take_message<Done>().items[0].result.view, "r");
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerOutcome, IsNamedAndSentAgainInTheNextSession) {
    Bench bench({.slots = 2});
    bench.connect();
    const AttemptKey first = bench.run(Bench::item(1));
    const AttemptKey second = bench.run(Bench::item(2));
    bench.succeed(second, "two");
    bench.take_sent<Done>();
    bench.receive(Bye{"restart"});
    bench.succeed(first, "one");
    const bool was_silent = bench.take_sent<Done>().empty();
    bench.pass(300ms);
    bench.take<Disconnected>();
    bench.take<Reconnect>();
    const auto hello = bench.take_one<Hello>();

    bench.receive(Welcome{.epoch = 6, .held_ms = {0, 0}}, hello->header().correlation, 78);

    EXPECT_TRUE(was_silent);
    EXPECT_EQ(std::get<Hello>(hello->message).held, (std::vector<LeaseRef>{lease(1), lease(2)}));
    const auto done = bench.take_one<Done>();
    EXPECT_EQ(done->header().session, 78U);
    const auto& items = std::get<Done>(done->message).items;
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[0].result.view, "one");
    EXPECT_EQ(items[1].result.view, "two");
    bench.take<Connected>();
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerOutcome, IsSentAgainLaterWhenTheBrokerIsFull) {
    Bench bench;
    bench.connect();
    bench.succeed(bench.run(Bench::item(1)));
    const auto done = bench.take_one<Done>();

    bench.receive(ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::retry_later),
                              .retry_after_ms = 400},
                  done->header().correlation);
    bench.pass(399ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(1ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take_sent<Done>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerOutcome, IsSentAgainWhenItsAnswerIsTooShort) {
    Bench bench;
    bench.connect();
    bench.succeed(bench.run(Bench::item(1)));
    const auto done = bench.take_one<Done>();

    bench.receive(DoneAnswer{}, done->header().correlation);
    const bool was_quiet = bench.is_quiet();
    bench.pass(200ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take_sent<Done>().size(), 1U);
    EXPECT_EQ(bench.core.held(), 1U);
}

TEST(WorkerOutcome, OverTheLimitIsAFailureThatNoRetryCures) {
    Bench bench;
    bench.connect({.epoch = 5, .limits = {.result_octets_max = 10}});

    bench.succeed(bench.run(Bench::item(1)), "12345678901");

    const auto fail = bench.take_message<Fail>();
    ASSERT_EQ(fail.items.size(), 1U);
    EXPECT_EQ(fail.items[0].error.error_class, "too_large");
    EXPECT_EQ(fail.items[0].error.text, "the result has 11 octets, the limit is 10");
    EXPECT_TRUE(fail.items[0].useless);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerOutcome, CutsErrorTextsAndMakesThemUtf8) {
    Bench bench;
    bench.connect();

    bench.fail(bench.run(Bench::item(1)), {.error_class = "", .text = std::string(5'000, '\xFF')});

    const auto fail = bench.take_message<Fail>();
    ASSERT_EQ(fail.items.size(), 1U);
    EXPECT_EQ(fail.items[0].error.error_class, "failed");
    EXPECT_EQ(fail.items[0].error.text.size(), 4'095U);
    EXPECT_TRUE(is_utf8(fail.items[0].error.text));
}

TEST(OutcomeBatches, KeepToTheNumberOfItems) {
    std::vector<Attempt> attempts;
    for (std::uint8_t n = 1; n <= 5; ++n) {
        attempts.push_back(finished(n, success(1)));
    }

    EXPECT_EQ(sizes_of(attempts, {.batch_items_max = 2}), (std::vector<std::size_t>{2, 2, 1}));
}

TEST(OutcomeBatches, KeepToTheOctetsOfTheBody) {
    std::vector<Attempt> attempts;
    for (std::uint8_t n = 1; n <= 4; ++n) {
        attempts.push_back(finished(n, success(1'000)));
    }
    const Limits limits{.body_octets_max = 2'500};

    const auto sizes = sizes_of(attempts, limits);

    EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2}));
}

TEST(OutcomeBatches, KeepToTheFramesAndTheirOctets) {
    std::vector<Attempt> attempts;
    for (std::uint8_t n = 1; n <= 4; ++n) {
        attempts.push_back(finished(n, success(5'000)));
    }

    EXPECT_EQ(sizes_of(attempts, {.payload_frames_max = 3}), (std::vector<std::size_t>{3, 1}));
    EXPECT_EQ(sizes_of(attempts, {.message_octets_max = 10'000}), (std::vector<std::size_t>{2, 2}));
}

TEST(OutcomeBatches, TakeAnOutcomeThatIsOverTheLimitsAlone) {
    std::vector<Attempt> attempts;
    attempts.push_back(finished(1, success(50)));
    attempts.push_back(finished(2, success(9'000)));
    attempts.push_back(finished(3, success(50)));

    EXPECT_EQ(sizes_of(attempts, {.message_octets_max = 10}), (std::vector<std::size_t>{1, 1, 1}));
}

TEST(OutcomeBatches, SeparateWhatWasStartedFromWhatWasNot) {
    std::vector<Attempt> attempts;
    attempts.push_back(finished(1, GivenBack{false}));
    attempts.push_back(finished(2, GivenBack{true}));
    attempts.push_back(finished(3, GivenBack{false}));

    EXPECT_EQ(sizes_of(attempts, {}), (std::vector<std::size_t>{2, 1}));
}

}  // namespace

}  // namespace xebec::worker

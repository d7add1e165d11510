// The worker's session: hello, welcome, heartbeats, silence, refusals.

#include "tests/unit/worker/bench.h"

namespace xebec::worker {

namespace {

using namespace protocol;

TEST(WorkerSession, BeginsWithAHelloThatSaysEverything) {
    Bench bench({.queues = {"nightly"}, .slots = 4});

    bench.connect({.epoch = 5});
    bench.stall(5s);
    bench.tick();
    bench.stall(300ms);
    bench.tick();

    const auto hello = bench.take_message<Hello>();
    EXPECT_EQ(hello.role, Role::worker);
    EXPECT_EQ(hello.name, "w-1");
    EXPECT_EQ(hello.kinds, (std::vector<std::string_view>{"add", "sleep"}));
    EXPECT_EQ(hello.queues, (std::vector<std::string_view>{"nightly"}));
    EXPECT_EQ(hello.slots, 4U);
    EXPECT_EQ(hello.credit, 4U);
    EXPECT_EQ(hello.host, "host");
    EXPECT_EQ(hello.process, 4711U);
    EXPECT_TRUE(hello.held.empty());
    EXPECT_EQ(hello.epoch_seen, 5U);
    EXPECT_EQ(hello.session_previous, Bench::session);
}

TEST(WorkerSession, IsConnectedOnceWelcomed) {
    Bench bench;

    bench.connect();

    EXPECT_TRUE(bench.core.is_connected());
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, IgnoresAWelcomeThatAnswersAnotherHello) {
    Bench bench;
    bench.connect();
    bench.stall(5s);
    bench.pass(300ms);
    bench.take<Reconnect>();
    bench.take<Disconnected>();
    const auto hello = bench.take_one<Hello>();

    bench.receive(Welcome{.epoch = 5}, hello->header().correlation - 1, 78);

    EXPECT_FALSE(bench.core.is_connected());
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, PingsWhenItHasAskedNothingForAHeartbeat) {
    Bench bench;
    bench.connect({.epoch = 5, .heartbeat_ms = 400});

    bench.pass(399ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(1ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take_sent<Ping>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, NeverPingsMoreRarelyThanItsOwnHeartbeat) {
    Bench bench({.link = {.heartbeat = 200ms}});
    bench.connect({.epoch = 5, .heartbeat_ms = 60'000});

    bench.pass(200ms);

    EXPECT_EQ(bench.take_sent<Ping>().size(), 1U);
}

TEST(WorkerSession, NeedsNoPingWhileItSendsOtherQuestions) {
    Bench bench;
    bench.connect();
    const AttemptKey key = bench.run(Bench::item(1));
    bench.pass(900ms);

    bench.succeed(key);
    bench.take_sent<Done>();
    bench.pass(999ms);

    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, TellsWhatItsMachineUsesOnceForEachLook) {
    Bench bench;
    const MachineUse use{.cpu_permille = 420, .gpus = {{.name = "Tesla", .busy_permille = 900}}};
    bench.see_machine(use);
    bench.connect();

    EXPECT_EQ(bench.take_message<Ping>().resources, use.view());
    EXPECT_TRUE(bench.is_quiet());

    const AttemptKey key = bench.run(Bench::item(1));
    bench.pass(900ms);
    bench.succeed(key);
    bench.take_sent<Done>();
    bench.see_machine({.cpu_permille = 430});
    EXPECT_EQ(bench.take_message<Ping>().resources, (Resources{.cpu_permille = 430}))
        << "although it has just asked something else";
    bench.pass(1s);
    EXPECT_EQ(bench.take_message<Ping>(), Ping{});
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, AnswersThePingOfTheBroker) {
    Bench bench;
    bench.connect();

    bench.receive(Ping{}, 12);

    const auto pong = bench.take_one<Pong>();
    EXPECT_EQ(pong->header().correlation, 12U);
    EXPECT_EQ(pong->header().session, Bench::session);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, ReconnectsWhenTheBrokerIsSilentForTheLivenessTime) {
    Bench bench;
    bench.connect({.epoch = 5, .liveness_ms = 3'000});

    bench.pass(2'999ms);
    bench.ignore_pings();
    const bool was_connected = bench.core.is_connected();
    bench.pass(301ms);

    EXPECT_TRUE(was_connected);
    EXPECT_EQ(bench.take<Disconnected>().size(), 1U);
    EXPECT_EQ(bench.take<Reconnect>().size(), 1U);
    EXPECT_EQ(bench.take_sent<Hello>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, StaysWithABrokerThatAnswersPings) {
    Bench bench;
    bench.connect();

    bench.pass_with_pongs(60s);

    EXPECT_TRUE(bench.core.is_connected());
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, TriesAgainAfterGrowingPausesUntilWelcomed) {
    Bench bench;
    bench.connect();
    std::vector<Instant> attempts;

    for (int i = 0; i < 8; ++i) {
        while (bench.take<Reconnect>().empty()) {
            bench.pass(1ms);
        }
        attempts.push_back(bench.now.steady);
        bench.take_sent<Hello>();
    }

    for (std::size_t i = 2; i < attempts.size(); ++i) {
        const Duration pause = attempts[i] - attempts[i - 1] - 2'500ms;  // of waiting for a welcome
        const Duration base = std::min<Duration>(5s, 200ms * (1 << i));
        EXPECT_GE(pause, base * 3 / 4) << i;
        EXPECT_LE(pause, base * 5 / 4 + 2ms) << i;
    }
    EXPECT_EQ(bench.take<Disconnected>().size(), 1U);
}

TEST(WorkerSession, SaysHelloAtOnceOnTheSameConnectionWhenNotRegistered) {
    Bench bench;
    bench.connect();
    bench.pass(1s);
    const auto ping = bench.take_one<Ping>();

    bench.receive(ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::not_registered)},
                  ping->header().correlation, 0);

    const auto hello = bench.take_message<Hello>();
    EXPECT_EQ(hello.session_previous, Bench::session);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, SaysHelloOnceHoweverManyMessagesWereNotRegistered) {
    Bench bench;
    bench.connect();
    bench.pass(2s);
    const auto pings = bench.take_sent<Ping>();
    ASSERT_EQ(pings.size(), 2U);
    const ErrorAnswer error{.code = static_cast<std::uint16_t>(Refusal::not_registered)};
    bench.receive(error, pings[0].header().correlation, 0);
    bench.welcome_back({.epoch = 6}, 78);
    bench.take<Connected>();

    bench.receive(error, pings[1].header().correlation, 0);
    bench.receive(error, pings[1].header().correlation, Bench::session);

    EXPECT_TRUE(bench.core.is_connected());
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, RestsWhenItIsNotRegisteredRightAfterItsHello) {
    Bench bench;
    bench.connect();

    bench.receive(ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::not_registered)}, 0);

    EXPECT_EQ(bench.take<Disconnected>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, KeepsWhatRunsWhenTheBrokerSaysBye) {
    Bench bench;
    bench.connect();
    bench.run(Bench::item(1));

    bench.receive(Bye{"shutting_down"});
    bench.pass(300ms);

    EXPECT_EQ(bench.take<Disconnected>().size(), 1U);
    EXPECT_EQ(bench.take<Reconnect>().size(), 1U);
    const auto hello = bench.take_message<Hello>();
    EXPECT_EQ(hello.held, (std::vector<LeaseRef>{lease(1)}));
    EXPECT_TRUE(bench.is_quiet());
}

// F15
TEST(WorkerSession, IgnoresMessagesOfASessionThatIsOver) {
    Bench bench;
    bench.connect();
    bench.receive(Bye{"restart"});
    bench.pass(300ms);
    bench.welcome_back({.epoch = 6}, 78);
    bench.take<Connected>();
    bench.take<Disconnected>();
    bench.take<Reconnect>();

    bench.assign({Bench::item(1)}, Bench::session);
    bench.receive(Drain{}, 0, Bench::session);
    bench.receive(Bye{"late"}, 0, Bench::session);

    EXPECT_TRUE(bench.core.is_connected());
    EXPECT_EQ(bench.core.held(), 0U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, TakesWhatOvertookItsWelcomeAndNothingElse) {
    Bench bench({.slots = 4});
    bench.connect();
    bench.receive(Bye{"restart"});
    bench.pass(300ms);
    bench.take<Disconnected>();
    bench.take<Reconnect>();

    bench.assign({Bench::item(1)}, Bench::session);
    bench.assign({Bench::item(2)}, 78);
    bench.assign({Bench::item(3)}, 79);
    const bool waited = bench.take<Start>().empty();
    bench.welcome_back({.epoch = 6}, 78);

    EXPECT_TRUE(waited);
    const auto started = bench.take<Start>();
    ASSERT_EQ(started.size(), 1U);
    EXPECT_EQ(started[0].assignment.lease, lease(2));
    EXPECT_EQ(started[0].assignment.payload.view(), "[1,2]");
    EXPECT_EQ(bench.take<Connected>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(WorkerSession, EndsTheWorkerWhenTheBrokerRefusesItForGood) {
    Bench bench;
    bench.connect();
    bench.receive(Bye{"restart"});
    bench.pass(300ms);
    const auto hello = bench.take_one<Hello>();

    bench.receive(ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::bad_value),
                              .text = "a worker has 1 to 4096 slots"},
                  hello->header().correlation, 0);

    const auto finished = bench.take<Finished>();
    ASSERT_EQ(finished.size(), 1U);
    ASSERT_TRUE(finished.front().error);
    EXPECT_EQ(finished.front().error->name, "bad_value");
    EXPECT_EQ(finished.front().error->detail, "a worker has 1 to 4096 slots");
    EXPECT_TRUE(bench.core.is_finished());
    EXPECT_FALSE(bench.core.next_deadline());
}

TEST(WorkerSession, TriesAgainWhenTheBrokerRefusesItForNow) {
    Bench bench;
    bench.connect();
    bench.receive(Bye{"restart"});
    bench.pass(300ms);
    const auto hello = bench.take_one<Hello>();
    bench.take<Disconnected>();
    bench.take<Reconnect>();

    bench.receive(ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::retry_later),
                              .retryable = true,
                              .retry_after_ms = 3'000},
                  hello->header().correlation, 0);
    bench.pass(2'990ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(20ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take<Reconnect>().size(), 1U);
    EXPECT_EQ(bench.take_sent<Hello>().size(), 1U);
    EXPECT_TRUE(bench.is_quiet());
}

}  // namespace

}  // namespace xebec::worker

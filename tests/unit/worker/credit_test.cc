// Credit: exactly the slots for slow tasks, thousands for quick ones.

#include "worker/credit.h"

#include "tests/unit/worker/bench.h"

namespace xebec::worker {

namespace {

// Runs as many tasks as the credit allows, all of this length.
void fill_and_finish(CreditRule& rule, Duration run, std::size_t octets = 10) {
    const std::uint32_t credit = rule.wanted();
    for (std::uint32_t i = 1; i <= credit; ++i) {
        rule.note_assigned(octets, i);
    }
    for (std::uint32_t i = 1; i <= credit; ++i) {
        rule.note_finished(run, octets);
    }
}

TEST(Credit, IsTheSlotsForSlowTasks) {
    for (const Duration run : {Duration(20ms), Duration(1s), Duration(1h)}) {
        CreditRule rule(3);

        for (int i = 0; i < 50; ++i) {
            fill_and_finish(rule, run);
        }

        EXPECT_EQ(rule.wanted(), 3U);
    }
}

TEST(Credit, DoublesToThousandsForQuickTasks) {
    CreditRule rule(1);
    std::vector<std::uint32_t> steps;

    for (int i = 0; i < 12; ++i) {
        fill_and_finish(rule, 1us);
        steps.push_back(rule.wanted());
    }

    EXPECT_EQ(steps,
              (std::vector<std::uint32_t>{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}));
}

TEST(Credit, StopsWhereWaitingWouldTakeTwentyMilliseconds) {
    CreditRule rule(4);

    for (int i = 0; i < 30; ++i) {
        fill_and_finish(rule, 1ms);
    }

    EXPECT_EQ(rule.wanted(), 4U * 20U);
}

TEST(Credit, StaysWithinWhatTheBrokerGives) {
    CreditRule rule(1);
    rule.set_max(100);

    for (int i = 0; i < 30; ++i) {
        fill_and_finish(rule, 1us);
    }

    EXPECT_EQ(rule.wanted(), 100U);
}

TEST(Credit, IsNeverBelowTheSlots) {
    CreditRule rule(8);
    rule.set_max(2);

    fill_and_finish(rule, 1us);

    EXPECT_EQ(rule.wanted(), 8U);
}

TEST(Credit, DoesNotGrowWhileTheBrokerDoesNotFillIt) {
    CreditRule rule(4);

    for (int i = 0; i < 1'000; ++i) {
        rule.note_assigned(10, 1);
        rule.note_finished(1us, 10);
    }

    EXPECT_EQ(rule.wanted(), 4U);
}

TEST(Credit, FallsToTheSlotsWithOneSlowTask) {
    CreditRule rule(2);
    for (int i = 0; i < 10; ++i) {
        fill_and_finish(rule, 1us);
    }
    const std::uint32_t before = rule.wanted();

    rule.note_finished(1s, 10);

    EXPECT_GT(before, 1'000U);
    EXPECT_EQ(rule.wanted(), 2U);
}

TEST(Credit, KeepsLargePayloadsWithinABudget) {
    CreditRule rule(1);

    for (int i = 0; i < 200; ++i) {
        fill_and_finish(rule, 1us, 4 << 20);
    }

    EXPECT_GE(rule.wanted(), 8U);
    EXPECT_LE(rule.wanted(), 16U);
}

TEST(Credit, IsToldWhenItChangesByAQuarterOrFallsToTheSlots) {
    CreditRule rule(2);
    for (int i = 0; i < 5; ++i) {
        fill_and_finish(rule, 1us);
    }
    ASSERT_EQ(rule.wanted(), 64U);

    EXPECT_FALSE(rule.is_worth_telling(64));
    EXPECT_FALSE(rule.is_worth_telling(80));
    EXPECT_FALSE(rule.is_worth_telling(52));
    EXPECT_TRUE(rule.is_worth_telling(51));
    EXPECT_TRUE(rule.is_worth_telling(86));
    rule.note_finished(1h, 10);
    EXPECT_TRUE(rule.is_worth_telling(3));
}

TEST(Credit, OfAWorkerIsToldAsItGrowsAndHandsMoreToTheExecutor) {
    Bench bench;
    bench.connect();
    const AttemptKey first = bench.run(Bench::item(1));

    bench.succeed(first, "r", 1us);
    const auto told = bench.take_message<protocol::Credit>();
    bench.assign({Bench::item(2), Bench::item(3)});

    EXPECT_EQ(told.credit, 2U);
    EXPECT_EQ(bench.take<Start>().size(), 2U);
    bench.take_sent<protocol::Done>();
    EXPECT_TRUE(bench.is_quiet());
}

TEST(Credit, OfAWorkerFallsWhileATaskTurnsOutToBeSlow) {
    Bench bench;
    bench.connect();
    bench.succeed(bench.run(Bench::item(1)), "r", 1us);
    bench.take_sent<protocol::Done>();
    bench.take_sent<protocol::Credit>();
    bench.run(Bench::item(2));

    bench.pass(19ms);
    const bool was_quiet = bench.is_quiet();
    bench.pass(1ms);

    EXPECT_TRUE(was_quiet);
    EXPECT_EQ(bench.take_message<protocol::Credit>().credit, 1U);
    EXPECT_TRUE(bench.is_quiet());
}

TEST(Credit, IsThatOfTheHelloInANewSession) {
    Bench bench;
    bench.connect();
    bench.succeed(bench.run(Bench::item(1)), "r", 1us);
    bench.take_sent<protocol::Credit>();
    bench.receive(protocol::Bye{"restart"});
    bench.pass(300ms);

    EXPECT_EQ(bench.take_message<protocol::Hello>().credit, 2U);
}

}  // namespace

}  // namespace xebec::worker

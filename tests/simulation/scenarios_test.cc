// Scenarios with a fixed set of seeds. Another seed: XEBEC_SEED=N and --gtest_filter; a failing
// seed is printed and replays exactly.

#include "tests/simulation/world.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace xebec::simulation {
namespace {

// A sanitizer makes a scenario take ten times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t seed_last = 1;
#else
constexpr std::uint64_t seed_last = 8;
#endif

std::vector<std::uint64_t> seeds() {
    if (const char* seed = std::getenv("XEBEC_SEED")) {
        return {std::stoull(seed)};
    }
    std::vector<std::uint64_t> fixed;
    for (std::uint64_t seed = 1; seed <= seed_last; ++seed) {
        fixed.push_back(seed);
    }
    return fixed;
}

class Simulation : public ::testing::TestWithParam<std::uint64_t> {
protected:
    // Also for an invariant that aborts: the seed stands in the output before anything can fail.
    void SetUp() override {
        std::printf("replay: XEBEC_SEED=%llu, scenario %s\n",
                    static_cast<unsigned long long>(GetParam()),
                    ::testing::UnitTest::GetInstance()->current_test_info()->name());
        std::fflush(stdout);
    }
};

Faults lossy_network() {
    return {.loss = 0.05, .repeat = 0.02, .reorder = 0.05, .delay_max = 40ms};
}

Faults every_fault_but_of_the_disk() {
    Faults faults = lossy_network();
    faults.worker_crash_mean_s = 10;
    faults.client_crash_mean_s = 15;
    faults.worker_stall_mean_s = 15;
    faults.broker_stall_mean_s = 60;
    faults.wall_jump_mean_s = 60;
    faults.cut_mean_s = 10;
    return faults;
}

TEST_P(Simulation, EveryTaskFinishesOnceWithoutFaults) {
    World world(GetParam());
    world.start_workers(3, 2);

    world.submit(500);
    world.run_until_idle(2min);

    EXPECT_EQ(world.ledger().count(TaskState::succeeded), 500U);
    EXPECT_EQ(world.ledger().runs(), 500U);
}

TEST_P(Simulation, EveryTaskFinishesOnceWhileWorkersCrash) {  // F2, F15
    World world(GetParam());
    world.start_workers(5, 2);
    Faults faults = lossy_network();
    faults.worker_crash_mean_s = 5;
    world.set_faults(faults);

    const auto tasks = world.submit(1'000, {.kinds = {"ok", "ok", "ok", "flaky"}});
    world.run_for(3min);
    world.heal();
    world.run_until_idle(30min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_EQ(world.ledger().count(TaskState::succeeded) + world.ledger().count(TaskState::dead),
              tasks.size());
}

TEST_P(Simulation, ClientsThatCrashAndRepeatGetEachTaskOnce) {  // F3, I4
    World world(GetParam());
    world.start_workers(3, 1);
    Faults faults = lossy_network();
    faults.client_crash_mean_s = 4;
    world.set_faults(faults);

    const auto first = world.submit(300);
    const auto second = world.submit(300, {.kinds = {"ok", "slow"}, .with_priorities = true});
    world.run_for(3min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), first.size() + second.size());
}

TEST_P(Simulation, AWorkerThatStallsBeyondItsLeaseFinishesNothing) {  // F16
    World world(GetParam());
    world.start_workers(4, 2);
    world.set_faults({.worker_stall_mean_s = 6});

    const auto tasks = world.submit(400, {.kinds = {"ok", "slow"}});
    world.run_for(5min);
    world.heal();
    world.run_until_idle(120min);

    EXPECT_EQ(world.ledger().count(TaskState::succeeded) + world.ledger().count(TaskState::dead),
              tasks.size());
}

TEST_P(Simulation, CutsAndHalfOpenLinksHeal) {  // F13, F14
    World world(GetParam());
    world.start_workers(4, 2);
    Faults faults = lossy_network();
    faults.cut_mean_s = 5;
    faults.worker_crash_mean_s = 20;
    world.set_faults(faults);

    const auto tasks = world.submit(500, {.kinds = {"ok", "slow", "flaky", "fail"}});
    world.run_for(5min);
    world.heal();
    world.run_until_idle(120min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
}

TEST_P(Simulation, ABrokerThatStallsDoesNotEndAllLeases) {  // F17
    World world(GetParam());
    world.start_workers(4, 1);
    // Two thirds of a lease: what a worker has left at least when it hears nothing any more.
    world.set_faults({.broker_stall_mean_s = 60, .broker_stall_max = 18s});

    world.submit(60, {.kinds = {"slow"}});
    world.run_for(8min);
    world.heal();
    world.run_until_idle(60min);

    // Nothing crashed and no message was lost, so nothing ran twice.
    EXPECT_EQ(world.ledger().runs(), 60U);
}

TEST_P(Simulation, WallClocksMayJump) {  // F12, I21
    World world(GetParam());
    world.start_workers(3, 2);
    Faults faults = lossy_network();
    faults.wall_jump_mean_s = 10;
    world.set_faults(faults);

    const auto tasks =
        world.submit(500, {.kinds = {"ok", "flaky"}, .delayed = 0.3, .deadline = 0.2});
    world.run_for(3min);
    world.heal();
    world.run_until_idle(300min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
}

TEST_P(Simulation, PoisonTasksDieAndTheRestFinishes) {  // F19, I12
    World world(GetParam());
    world.start_workers(4, 1);  // so that nobody else stands beside a poison task

    world.submit(20, {.kinds = {"poison"}, .queue = "bad"});
    world.submit(300);
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().count(TaskState::dead), 20U);
}

// ---- plain pirates (I25) ----

// Nothing of a plain request is left when it has ended, or when its client has given up; and no
// plain worker is held by what it never answered.
void expect_no_plain_requests(World& world) {
    world.run_for(11min);  // the longest lease, and the longest that an answer is waited for
    EXPECT_EQ(world.broker().state().tasks().size(), world.ledger().accepted());
    const broker::Sessions& sessions = world.broker().sessions();
    for (std::uint32_t i = 0; i < sessions.used(); ++i) {
        const broker::WorkerPart& worker = sessions[static_cast<broker::SessionIndex>(i)].worker;
        EXPECT_EQ(worker.plain ? worker.occupied() : 0, 0U);
    }
}

Manners bad_manners() {
    return {.heartbeats_while_busy = 0.5,
            .ready_while_busy = 0.05,
            .lies = 0.2,
            .repeats = 0.1,
            .rambles = 0.05,
            .takes_long = 0.1,
            .dawdles = 0.6};
}

const WishOptions plain_tasks{.kinds = {"plain"}, .queue = "plain"};

TEST_P(Simulation, PlainPeersServeEachOtherWithoutFaults) {
    World world(GetParam());
    world.start_plain_workers(3);
    world.start_plain_clients(5, 50);

    world.submit(200, plain_tasks);
    world.run_until_idle(5min);

    EXPECT_EQ(world.ledger().plain_answered(), 250U);
    EXPECT_EQ(world.ledger().plain_given_up(), 0U);
    EXPECT_EQ(world.ledger().plain_runs(), 450U);  // each question and each task once
    EXPECT_EQ(world.ledger().count(TaskState::succeeded), 200U);
    expect_no_plain_requests(world);
}

TEST_P(Simulation, NativeWorkersServePlainClientsWhileTheyCrash) {
    World world(GetParam());
    world.start_workers(3, 2);
    world.start_plain_clients(6, 60);
    Faults faults = lossy_network();
    faults.worker_crash_mean_s = 5;
    faults.cut_mean_s = 10;
    world.set_faults(faults);

    world.submit(100, plain_tasks);
    world.run_for(1min);
    world.heal();
    world.run_until_idle(30min);

    EXPECT_GT(world.ledger().plain_answered(), 300U);
    expect_no_plain_requests(world);
}

TEST_P(Simulation, PlainWorkersWithBadMannersOnlyWasteTheirOwnTime) {
    World world(GetParam(), {.plain_lease = 15s});
    world.start_workers(1);
    world.start_plain_workers(7, bad_manners());
    world.start_plain_clients(6, 100);
    Faults faults = lossy_network();
    faults.worker_crash_mean_s = 20;
    faults.worker_stall_mean_s = 20;
    faults.broker_stall_mean_s = 60;
    faults.cut_mean_s = 10;
    world.set_faults(faults);

    const auto tasks = world.submit(200, plain_tasks);
    world.cancel_some(tasks, 0.1);
    world.run_for(3min);
    world.heal();
    world.run_until_idle(30min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().plain_answered(), 300U);
    expect_no_plain_requests(world);
}

TEST_P(Simulation, PlainPeersOutliveABrokerThatRestarts) {
    World world(GetParam(), {.plain_lease = 15s});
    world.start_plain_workers(5, bad_manners());
    world.start_plain_clients(6, 100);
    Faults faults = lossy_network();
    faults.broker_restart_mean_s = 10;
    faults.worker_crash_mean_s = 15;
    world.set_faults(faults);

    world.run_for(2min);
    world.heal();
    world.run_until_idle(30min);

    EXPECT_GT(world.ledger().plain_answered(), 300U);
    expect_no_plain_requests(world);
}

TEST_P(Simulation, EverythingAtOnce) {
    World world(GetParam());
    world.start_workers(6, 3);
    world.set_faults(every_fault_but_of_the_disk());

    world.start_plain_workers(3, bad_manners());
    world.start_plain_clients(4, 100);
    const auto tasks = world.submit(600, {.kinds = {"ok", "ok", "slow", "flaky", "fail", "poison"},
                                          .with_priorities = true,
                                          .delayed = 0.2,
                                          .deadline = 0.1});
    const auto others = world.submit(100, plain_tasks);
    world.cancel_some(tasks, 0.1);
    world.run_for(5min);
    world.heal();
    world.run_until_idle(300min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size() + others.size());
}

// ---- a journal, and a broker that ends (I1, I2, I3, I6, I8, I9, I12, I13, I20, I22) ----

constexpr MachineOptions with_journal{.has_journal = true};

// Most payloads and results are in the journal only, and have to be read back.
broker::CoreOptions little_memory() {
    return {.octets_in_memory_max = 64 << 10};
}

// From a tenth of a millisecond to fifty, sometimes a second, seldom thirty.
constexpr DiskTimes slow_disk{.least = 100us, .most = 50ms, .slow = 0.003, .very_slow = 0.0002};

TEST_P(Simulation, AJournalForgetsNothingWhileItsBrokerIsKilled) {  // F1
    World world(GetParam(), little_memory(), with_journal);
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 3;
    faults.killed_at_start = 0.3;
    world.set_faults(faults);

    const auto tasks =
        world.submit(1'500, {.kinds = {"ok", "ok", "slow", "flaky", "fail"}, .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(2min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
}

TEST_P(Simulation, NobodyIsToldWhatAPowerCutTakesBack) {  // F4, F5, F6, F12
    World world(GetParam(), little_memory(), with_journal);
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 4;
    faults.killed_at_start = 0.3;
    faults.power_cut = 0.8;
    faults.wall_jump_mean_s = 20;
    faults.disk = slow_disk;
    world.set_faults(faults);

    const auto tasks = world.submit(1'500, {.kinds = {"ok", "ok", "slow", "flaky", "fail"},
                                            .with_priorities = true,
                                            .delayed = 0.1,
                                            .deadline = 0.1,
                                            .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(2min);
    world.heal();
    world.run_until_idle(300min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
}

TEST_P(Simulation, ABrokerStopsAtTheFirstErrorOfItsDisk) {  // F8, F9, I23
    World world(GetParam(), little_memory(), with_journal);
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.disk_error_mean_s = 2;
    faults.error_at_start = 0.2;
    faults.power_cut = 0.5;
    world.set_faults(faults);

    const auto tasks = world.submit(1'500, {.kinds = {"ok", "ok", "slow", "flaky"}, .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(2min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
}

TEST_P(Simulation, AFullDiskRefusesTheNewAndOpensAgain) {  // F7, L4
    World world(GetParam(), little_memory(), with_journal);
    world.start_workers(4, 8);
    Faults faults;
    faults.disk_full_mean_s = 10;
    world.set_faults(faults);

    const auto tasks = world.submit(3'000, {.kinds = {"ok", "ok", "flaky"}, .pause = 3s});
    world.run_for(3min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_EQ(world.ledger().restarts(), 1U);  // its first start
    EXPECT_GT(world.ledger().refused_read_only(), 0U);
}

TEST_P(Simulation, ASlowDiskEndsNoLease) {  // F10
    World world(GetParam(), little_memory(), with_journal);
    world.start_workers(4, 8);
    world.set_faults({.disk = {.least = 1ms, .most = 50ms, .slow = 0.02, .very_slow = 0.005}});

    const auto tasks = world.submit(1'000, {.kinds = {"ok", "ok", "slow"}, .pause = 3s});
    world.run_for(5min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_EQ(world.ledger().runs(), tasks.size());
}

TEST_P(Simulation, EverythingAtOnceWithAJournal) {
    broker::CoreOptions options = little_memory();
    options.plain_lease = 15s;
    World world(GetParam(), options, with_journal);
    world.start_workers(5, 8);
    Faults faults = every_fault_but_of_the_disk();
    faults.broker_kill_mean_s = 8;
    faults.killed_at_start = 0.2;
    faults.power_cut = 0.5;
    faults.disk_error_mean_s = 20;
    faults.error_at_start = 0.1;
    faults.disk_full_mean_s = 30;
    faults.disk = slow_disk;
    world.set_faults(faults);

    world.start_plain_workers(2, bad_manners());
    world.start_plain_clients(3, 50);
    const auto tasks =
        world.submit(1'500, {.kinds = {"ok", "ok", "slow", "flaky", "fail", "poison"},
                             .with_priorities = true,
                             .delayed = 0.2,
                             .deadline = 0.1,
                             .pause = 5s});
    const auto others = world.submit(100, plain_tasks);
    world.cancel_some(tasks, 0.1);
    world.run_for(3min);
    world.heal();
    world.run_until_idle(300min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size() + others.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
}

TEST(SimulationItself, ReplaysASeedExactly) {
    const auto history = [] {
        World world(42, {}, with_journal);
        world.start_workers(4, 8);
        Faults faults = lossy_network();
        faults.worker_crash_mean_s = 5;
        faults.broker_kill_mean_s = 10;
        faults.power_cut = 0.5;
        world.set_faults(faults);
        world.submit(200, {.kinds = {"ok", "flaky"}});
        world.run_for(1min);
        return world.fingerprint();
    };

    EXPECT_EQ(history(), history());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, ::testing::ValuesIn(seeds()),
                         [](const auto& seed) { return "Seed" + std::to_string(seed.param); });

}  // namespace
}  // namespace xebec::simulation

// Scenarios with a fixed set of seeds. Another seed: XEBEC_SEED=N and --gtest_filter; a failing
// seed is printed and replays exactly.

#include "tests/simulation/scenarios.h"

namespace xebec::simulation {
namespace {

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
    // Between two stalls it has to be heard: its own clock ends the lease when nobody extends it.
    world.set_faults(
        {.broker_stall_mean_s = 60, .broker_stall_max = 18s, .broker_stall_rest = 30s});

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

TEST(SimulationItself, ReplaysASeedExactly) {
    const auto history = [] {
        World world(42, {}, {.has_journal = true});
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

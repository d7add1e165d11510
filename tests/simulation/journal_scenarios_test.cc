// Scenarios of a broker with a journal, which ends, starts again and may have lost power (I1, I2,
// I3, I6, I8, I9, I12, I13, I20, I22).

#include "tests/simulation/scenarios.h"

namespace xebec::simulation {
namespace {

constexpr MachineOptions with_journal{.has_journal = true};

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
    faults.disk_full_mean_s = 5;
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

}  // namespace
}  // namespace xebec::simulation

// Scenarios of a journal whose old segments go, and of what is told again and forgotten with them.

#include "tests/simulation/scenarios.h"

namespace xebec::simulation {
namespace {

// Of 16 to 64 KiB, so that they come and go all the time.
// In smaller ones a frame for each task that is told again takes more than is told, and that would
// never end.
MachineOptions small_segments(std::uint64_t seed) {
    return {.has_journal = true, .segment_octets = std::uint64_t{16 << 10} << seed % 3};
}

void expect_segments_went(const World& world) {
    EXPECT_GT(world.ledger().carried(), 0U);
    EXPECT_GT(world.ledger().records_trimmed(), 0U);
}

TEST_P(Simulation, SegmentsGoAndNothingIsForgotten) {  // F1, F4, F6
    World world(GetParam(), little_memory(), small_segments(GetParam()));
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 5;
    faults.killed_at_start = 0.3;
    faults.power_cut = 0.6;
    faults.disk = slow_disk;
    world.set_faults(faults);

    const auto tasks = world.submit(1'000, {.kinds = {"ok", "ok", "slow", "flaky", "fail"},
                                            .delayed = 0.1,
                                            .deadline = 0.1,
                                            .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(2min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
    expect_segments_went(world);
}

TEST_P(Simulation, ADiskThatFailsTakesNoSegmentTooSoon) {  // F8, F9, I23
    World world(GetParam(), little_memory(), small_segments(GetParam()));
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.disk_error_mean_s = 3;
    faults.error_at_start = 0.2;
    faults.power_cut = 0.5;
    world.set_faults(faults);

    const auto tasks = world.submit(800, {.kinds = {"ok", "ok", "slow", "flaky"}, .pause = 4s});
    world.cancel_some(tasks, 0.1);
    world.run_for(90s);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
    expect_segments_went(world);
}

TEST_P(Simulation, AFullDiskGetsRoomFromSegmentsThatGo) {  // F7, L4
    World world(GetParam(), little_memory(), small_segments(GetParam()));
    world.start_workers(4, 8);
    Faults faults;
    faults.disk_full_mean_s = 2;
    faults.broker_kill_mean_s = 30;
    faults.power_cut = 0.3;
    world.set_faults(faults);

    const auto tasks = world.submit(3'000, {.kinds = {"ok", "ok", "flaky"}, .pause = 2s});
    world.run_for(2min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().refused_read_only(), 0U);
    EXPECT_GT(world.ledger().carried(), 0U);
}

// Nine tasks of ten wait for a worker that comes late; the others flow. The files may take twice
// what is needed of them and two segments. While tasks flow, so small ones were seen to take up to
// five more: a spare, and what is filled while the oldest is read, told again and flushed.
TEST_P(Simulation, ABacklogThatIsStuckIsCarriedAlong) {
    constexpr std::int64_t segment_octets = 16 << 10;
    World world(GetParam(), little_memory(),
                {.has_journal = true, .segment_octets = segment_octets});
    world.start_workers(4, 8);

    const auto tasks = world.submit(1'500, {.kinds = {"ok", "late", "late", "late", "late", "late",
                                                      "late", "late", "late", "late"},
                                            .pause = 100ms});
    const auto others = world.submit(1'000, {.kinds = {"ok", "ok", "flaky"}, .pause = 5s});
    world.run_for(10s);  // while they are taken, what can wait does
    world.forget_excess();
    world.run_for(2min);
    EXPECT_LE(world.machine().excess_octets_max, 8 * segment_octets);
    EXPECT_GT(world.ledger().shelved(), 1'000U);
    world.start_late_workers(2, 8);
    world.run_until_idle(60min);
    world.run_for(10s);
    world.forget_excess();
    world.run_for(10s);

    EXPECT_LE(world.machine().excess_octets_max, 3 * segment_octets);
    EXPECT_EQ(world.ledger().accepted(), tasks.size() + others.size());
}

// The same while the broker is killed and the disk is slow, full and cut off; many tasks of what is
// shelved are cancelled, run late, or deferred, and backups are made meanwhile.
TEST_P(Simulation, WhatIsShelvedIsNotForgotten) {  // F1, F4, F6, F7, I1, I2
    World world(GetParam(), little_memory(),
                {.has_journal = true, .segment_octets = std::uint64_t{16 << 10} << GetParam() % 2});
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 5;
    faults.killed_at_start = 0.2;
    faults.power_cut = 0.5;
    faults.disk_full_mean_s = 30;
    faults.disk = slow_disk;

    const auto tasks = world.submit(1'200, {.kinds = {"late", "late", "late", "late", "late", "ok"},
                                            .delayed = 0.05,
                                            .deadline = 0.02,
                                            .pause = 50ms});
    const auto others = world.submit(700, {.kinds = {"ok", "ok", "flaky", "fail"}, .pause = 3s});
    world.run_for(20s);
    world.set_faults(faults);
    world.start_backups(1);
    world.run_for(40s);
    world.cancel_some(tasks, 0.02);
    world.run_for(30s);
    world.start_late_workers(1, 2);
    world.cancel_some(tasks, 0.1);
    world.run_for(60s);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size() + others.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
    EXPECT_GT(world.ledger().shelved(), 200U);
    expect_segments_went(world);
}

// ---- backups ----

// Each that is completed is opened, and has to have all that was promised before it was asked for.
TEST_P(Simulation, ABackupHasEverythingAcknowledgedBefore) {  // F1, F4, F7, I1, I2, I11
    World world(GetParam(), little_memory(), small_segments(GetParam()));
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 10;
    faults.killed_at_start = 0.2;
    faults.power_cut = 0.5;
    faults.disk_full_mean_s = 20;
    faults.cut_mean_s = 20;
    world.set_faults(faults);

    world.start_backups(3);  // two at a time
    const auto tasks =
        world.submit(600, {.kinds = {"ok", "ok", "slow", "flaky", "fail"}, .pause = 5s});
    world.cancel_some(tasks, 0.1);
    world.run_for(90s);
    world.heal();
    world.run_until_idle(60min);
    const std::uint64_t before = world.backups_completed();
    world.run_for(1min);

    EXPECT_GT(world.backups_given_up(), 0U);
    EXPECT_GT(before, 0U);
    EXPECT_GT(world.backups_completed(), before + 2);
    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    expect_segments_went(world);
}

// ---- what is tried again, and what is forgotten ----

// Ended tasks stay for twenty seconds, or until there are many; clients ask for them again.
TEST_P(Simulation, WhatIsForgottenIsNotRunAgain) {  // I3, I8, I11
    broker::CoreOptions options = little_memory();
    options.final_octets_max = 128 << 10;
    options.final_count_min = 50;
    World world(GetParam(), options, small_segments(GetParam()));
    world.set_queue(
        "default",
        {.attempts_max = 2, .pause_first_ms = 500, .pause_max_ms = 4'000, .retention_ms = 20'000});
    world.set_habits({.retries_dead = 0.6, .asks_again = 3});
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_kill_mean_s = 6;
    faults.killed_at_start = 0.2;
    faults.power_cut = 0.6;
    world.set_faults(faults);

    const auto tasks =
        world.submit(1'000, {.kinds = {"ok", "ok", "flaky", "fail"}, .delayed = 0.1, .pause = 4s});
    world.cancel_some(tasks, 0.1);
    world.run_for(100s);
    world.heal();
    world.run_until_idle(60min);
    EXPECT_GT(world.ledger().retries(), 50U);
    EXPECT_GT(world.ledger().removed(), 500U);
    EXPECT_EQ(world.ledger().too_old(), 0U);

    // After an hour ids are too old; the broker is killed meanwhile.
    faults.broker_kill_mean_s = 600;
    world.set_faults(faults);
    world.run_for(40min);
    world.heal();
    world.run_for(62min);  // what was told again before the last start counts from then

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().too_old(), 10U);
    expect_segments_went(world);
}

// ---- relaxed ----

MachineOptions relaxed(std::uint64_t seed) {
    MachineOptions options = small_segments(seed);
    options.flush_every = 20ms * (1 + seed % 10);
    return options;
}

void run_relaxed(World& world, double power_cut) {
    world.start_workers(4, 8);
    Faults faults;
    faults.delay_max = 20ms;
    faults.broker_kill_mean_s = 4;
    faults.killed_at_start = 0.2;
    faults.power_cut = power_cut;
    world.set_faults(faults);

    const auto tasks = world.submit(1'000, {.kinds = {"ok", "ok", "slow", "flaky"}, .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(90s);
    world.heal();
    world.run_until_idle(60min);
    EXPECT_GT(world.ledger().restarts(), 5U);
}

TEST_P(Simulation, APowerCutTakesNoMoreOfRelaxedThanItsWindow) {  // I22
    World world(GetParam(), little_memory(), relaxed(GetParam()));
    run_relaxed(world, 0.8);

    EXPECT_GT(world.ledger().taken_back(), 0U);
}

// A shelved segment goes when what was told of it instead is on the disk.
TEST_P(Simulation, APowerCutTakesNothingThatIsShelvedOfRelaxed) {  // F4, I22
    MachineOptions options = relaxed(GetParam());
    options.segment_octets = std::uint64_t{16 << 10} << GetParam() % 2;
    World world(GetParam(), little_memory(), options);
    world.start_workers(4, 8);
    world.submit(1'000, {.kinds = {"late", "late", "late", "late", "late", "ok"}, .pause = 30ms});
    world.submit(800, {.kinds = {"ok", "ok", "flaky"}, .pause = 2s});
    world.run_for(20s);
    Faults faults;
    faults.delay_max = 20ms;
    faults.broker_kill_mean_s = 3;
    faults.killed_at_start = 0.3;
    faults.power_cut = 0.7;
    world.set_faults(faults);
    world.run_for(20s);
    world.start_late_workers(2, 4);
    world.run_for(1min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_GT(world.ledger().restarts(), 5U);
    EXPECT_GT(world.ledger().shelved(), 200U);
}

TEST_P(Simulation, AKilledBrokerWithRelaxedForgetsNothing) {  // F1
    World world(GetParam(), little_memory(), relaxed(GetParam()));
    run_relaxed(world, 0);

    EXPECT_EQ(world.ledger().accepted(), 1'000U);
    EXPECT_EQ(world.ledger().taken_back(), 0U);
}

// ---- SIGTERM ----

TEST_P(Simulation, AStopAtAnyMomentLosesNothing) {  // F27
    World world(GetParam(), little_memory(), small_segments(GetParam()));
    world.start_workers(4, 8);
    Faults faults = lossy_network();
    faults.broker_stop_mean_s = 4;
    faults.stopped_at_start = 0.3;
    faults.killed_at_start = 0.1;
    faults.power_cut = 0.5;
    faults.disk = slow_disk;
    world.set_faults(faults);

    const auto tasks =
        world.submit(1'000, {.kinds = {"ok", "ok", "slow", "flaky", "fail"}, .pause = 3s});
    world.cancel_some(tasks, 0.1);
    world.run_for(2min);
    world.heal();
    world.run_until_idle(60min);

    EXPECT_EQ(world.ledger().accepted(), tasks.size());
    EXPECT_GT(world.ledger().restarts(), 5U);
    EXPECT_GT(world.machine().stops, 2U);
}

}  // namespace
}  // namespace xebec::simulation

// Starts with a journal, and what is only in it.

#include "tests/unit/broker/core/dump.h"
#include "tests/unit/broker/core/fixture.h"

#include <algorithm>

namespace xebec::broker {
namespace {

constexpr std::string_view question = "what is asked";

CoreOptions with_journal(std::uint64_t octets_in_memory_max = 1 << 20) {
    CoreOptions options = patient();
    options.octets_in_memory_max = octets_in_memory_max;
    return options;
}

SubmitItem asking(std::uint32_t n) {
    SubmitItem item = Fixture::item(n);
    item.payload = question;
    return item;
}

SubmitItem silent(std::uint32_t n) {
    SubmitItem item = Fixture::item(n);
    item.payload = {};
    return item;
}

// One that succeeded, one that is dead, one with a worker, one that is scheduled, one that waits.
void fill(Fixture& broker) {
    broker.connect("operator");
    broker.ask<QueueSetAnswer>("operator",
                               QueueSet{.name = "default", .settings = {.attempts_max = 3}});
    broker.work("w");
    broker.submit(asking(1));
    EXPECT_EQ(broker.done("w", broker.assigned_one("w"), "the answer"), FinishStatus::accepted);
    broker.submit(asking(2));
    EXPECT_EQ(broker.fail("w", broker.assigned_one("w"), true), FinishStatus::accepted);
    broker.submit(asking(3));
    SubmitItem later = asking(4);
    later.delay_ms = 5'000;
    broker.submit(later);
    broker.submit(asking(5));
}

const std::vector<TaskState> states{TaskState::succeeded, TaskState::dead, TaskState::leased,
                                    TaskState::scheduled, TaskState::ready};

std::vector<TaskState> states_of(Fixture& broker) {
    std::vector<TaskState> found;
    for (std::uint32_t n = 1; n <= states.size(); ++n) {
        found.push_back(broker.state(n));
    }
    return found;
}

TEST(Restart, GivesBackEveryTaskInItsState) {  // I1, I8, I10
    Fixture before(with_journal());
    fill(before);

    Fixture after(before, with_journal());
    after.connect("submitter");

    EXPECT_EQ(states_of(after), states);
    EXPECT_EQ(after.try_submit(asking(1)).status, SubmitStatus::exists);
    EXPECT_EQ(after.try_submit(Fixture::item(1)).status, SubmitStatus::refused);
    EXPECT_EQ(after.core.state().number_last(), 5U);
    EXPECT_EQ(after.core.state().totals().submitted, 0U);
    EXPECT_EQ(after.core.state()
                  .queues()[*after.core.state().queues().find("default")]
                  .settings.attempts_max,
              3U);
}

TEST(Restart, ALeaseGoesOnForWhoeverNamesItsFence) {  // F18, I6, I7
    Fixture before(with_journal());
    fill(before);
    const AssignItem held = before.assigned_one("w");
    Fixture after(before, with_journal());

    after.work("stranger", {.held = {{held.id, held.fence + 1}}});
    EXPECT_EQ(after.state(3), TaskState::leased);
    after.work("w", {.held = {Fixture::lease(held)}});

    EXPECT_EQ(after.state(3), TaskState::leased);
    EXPECT_EQ(after.done("w", held), FinishStatus::accepted);
    EXPECT_EQ(after.done("w", held), FinishStatus::repeat);
}

TEST(Restart, ALeaseThatNobodyNamesEndsUnchargedAfterTheGrace) {  // L2, I6, I12
    CoreOptions options = with_journal();
    Fixture before(options);
    fill(before);
    const AssignItem held = before.assigned_one("w");
    Fixture after(before, options);

    after.pass(options.return_grace - 1ms);
    EXPECT_EQ(after.state(3), TaskState::leased);
    after.pass(1ms);

    EXPECT_EQ(after.state(3), TaskState::ready);
    EXPECT_EQ(after.view(Fixture::id(3)).attempts, 0U);
    const auto notices = after.take_notices<LeasesUnclaimed>();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].count, 1U);
    after.work("w");
    after.answer_reads();
    const AssignItem again = after.assigned_one("w");
    EXPECT_EQ(again.id, held.id);
    EXPECT_GT(again.fence, held.fence);
    EXPECT_EQ(after.done("w", held), FinishStatus::stale);
}

TEST(Restart, AnUnclaimedTaskCanBeCancelled) {  // I13
    Fixture before(with_journal());
    fill(before);
    Fixture after(before, with_journal());
    after.connect("c");

    after.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(3)}});
    after.pass(1min);

    EXPECT_EQ(after.state(3), TaskState::cancelled);
}

TEST(Restart, RetentionGoesOnButNeverMoreThanAnHourAtOnce) {  // I11, I21
    Fixture before(with_journal());
    fill(before);
    before.jump_wall(std::chrono::hours{24 * 365});

    Fixture after(before, with_journal());
    after.connect("submitter");
    after.pass(std::chrono::hours{22});
    EXPECT_TRUE(after.is_known(Fixture::id(1)));
    after.pass(std::chrono::hours{1});

    EXPECT_FALSE(after.is_known(Fixture::id(1)));
}

TEST(Restart, WhatOlderRecordsSayOfATaskNotKnownYetIsPassedOver) {  // I22
    State state;
    const WallTime at = Fixture::start_wall;
    const TaskId id = Fixture::id(1);
    state.replay(AttemptStarted{.number = 7, .fence = {1, 1}, .at = at}, {});
    state.replay(AttemptReturned{.number = 7, .at = at}, {});
    state.replay(TaskCarried{.number = 7,
                             .id = id,
                             .kind = "add",
                             .queue = "default",
                             .attempts_max = 3,
                             .fence = {1, 1},
                             .accepted_at = at},
                 {});
    state.replay(AttemptStarted{.number = 7, .fence = {2, 2}, .at = at}, {});
    state.settle({.steady = Instant{1h}, .wall = at});

    EXPECT_EQ(state.tasks()[state.tasks().find(id)].state, TaskState::leased);
    state.check_invariants();
}

TEST(Restart, WhatWasToldAgainStandsBeforeYoungerTasks) {  // I14
    State state;
    const WallTime at = Fixture::start_wall;
    for (const std::uint32_t number : {8U, 9U}) {
        state.replay(TaskAccepted{.number = number,
                                  .id = Fixture::id(number),
                                  .kind = "add",
                                  .queue = "default",
                                  .attempts_max = 3,
                                  .at = at},
                     {});
    }
    state.replay(TaskCarried{.number = 7,
                             .id = Fixture::id(7),
                             .kind = "add",
                             .queue = "default",
                             .attempts_max = 3,
                             .accepted_at = at},
                 {});
    state.settle({.steady = Instant{1h}, .wall = at});

    std::vector<std::uint64_t> numbers;
    state.queues()[LaneIndex{0}].walk(state.tasks(), [&](TaskIndex task) {
        numbers.push_back(state.tasks()[task].number);
        return true;
    });
    EXPECT_EQ(numbers, (std::vector<std::uint64_t>{7, 8, 9}));
    state.check_invariants();
}

TEST(FullDisk, RefusesNewTasksAndTakesTheRest) {  // F7, I18
    Fixture broker(with_journal());
    broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");

    broker.apply(JournalChanged{.is_full = true});
    const auto refusal = [&] {
        return static_cast<Refusal>(broker.try_submit(Fixture::item(2)).problem.code);
    };
    EXPECT_EQ(refusal(), Refusal::read_only);
    EXPECT_EQ(broker.try_submit(Fixture::item(1)).status, SubmitStatus::exists);
    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted);

    broker.apply(JournalChanged{.is_behind = true});
    EXPECT_EQ(refusal(), Refusal::retry_later);
    broker.apply(JournalChanged{});
    EXPECT_EQ(broker.try_submit(Fixture::item(2)).status, SubmitStatus::created);
}

// ---- what is only in the journal ----

TEST(OnlyInTheJournal, APayloadIsReadBeforeItsTaskIsAssigned) {  // I2
    Fixture before(with_journal());
    before.submit(asking(1));
    before.submit(silent(2));
    Fixture broker(before, with_journal());

    broker.work("w", {.slots = 2, .credit = 2});
    EXPECT_EQ(broker.assigned("w").size(), 0U) << "order is kept (I14)";
    EXPECT_EQ(broker.answer_reads(), 1U);

    const std::vector<AssignItem> assigned = broker.assigned("w");
    ASSERT_EQ(assigned.size(), 2U);
    EXPECT_EQ(assigned[0].payload.view, question);
    EXPECT_EQ(assigned[0].id, Fixture::id(1));
}

TEST(OnlyInTheJournal, MemoryOverItsBudgetIsGivenBackAndManyAreReadAtOnce) {
    constexpr std::uint32_t count = 3'000;
    Fixture broker(with_journal(10'000));
    broker.checks_every_step = false;
    broker.is_replayable = false;  // records alone would leave everything in memory
    broker.submit_many(1, count, asking(0));
    broker.settle();
    EXPECT_LE(broker.core.state().octets(), 10'000U);

    broker.work("w", {.slots = 4'000, .credit = 4'000});
    std::size_t rounds = 0;
    std::vector<AssignItem> assigned;
    while (assigned.size() < count && rounds < 100) {
        broker.answer_reads();
        const auto more = broker.assigned("w");
        assigned.insert(assigned.end(), more.begin(), more.end());
        ++rounds;
    }

    ASSERT_EQ(assigned.size(), count);
    EXPECT_LT(rounds, 10U);
    std::uint64_t last = 0;
    for (const AssignItem& item : assigned) {
        EXPECT_EQ(item.payload.view, question);
        EXPECT_GT(item.number, last);  // I14
        last = item.number;
    }
}

TEST(OnlyInTheJournal, WhatHasEndedTakesUpToHalfOfTheMemory) {
    constexpr std::uint64_t memory = 16'000;
    constexpr std::uint32_t ended = 100;
    Fixture broker(with_journal(memory));
    broker.checks_every_step = false;
    broker.is_replayable = false;  // records alone would leave everything in memory
    broker.work("w", {.slots = ended, .credit = ended});
    broker.submit_many(1, ended, silent(0));
    for (const AssignItem& item : broker.assigned("w")) {
        broker.done("w", item, "");
    }
    broker.lose("w");

    broker.submit_many(ended + 1, 1'000, asking(0));
    broker.settle();

    EXPECT_LE(broker.core.state().octets(), memory / 2);
    EXPECT_GT(broker.core.state().octets(), memory / 3);
}

TEST(OnlyInTheJournal, WhoAsksOrWaitsIsAnsweredWhenItIsRead) {  // I8, L3
    Fixture before(with_journal());
    fill(before);
    Fixture broker(before, with_journal());
    broker.connect("c");

    const std::uint64_t query =
        broker.receive("c", Query{.tasks = {Fixture::id(1), Fixture::id(2), Fixture::id(1)},
                                  .with_payload = true,
                                  .with_result = true});
    broker.receive("c", Wait{.tasks = {Fixture::id(1)}});
    broker.settle();
    EXPECT_TRUE(broker.take<QueryAnswer>("c").empty());
    EXPECT_TRUE(broker.outcomes("c").empty());
    EXPECT_EQ(broker.answer_reads(), 2U);

    const auto answer = broker.answer_to<QueryAnswer>("c", query);
    ASSERT_EQ(answer.items.size(), 3U);
    EXPECT_EQ(answer.items[0].result.view, "the answer");
    EXPECT_EQ(answer.items[1].payload.view, question);
    EXPECT_EQ(answer.items[2].result.view, "the answer");
    const auto outcomes = broker.outcomes("c");
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].result.view, "the answer");
}

TEST(OnlyInTheJournal, WhoWaitsForATaskThatIsRemovedWhileItIsReadIsTold) {  // L3
    Fixture before(with_journal());
    fill(before);
    Fixture broker(before, with_journal());
    broker.connect("submitter");
    broker.connect("c");

    broker.receive("c", Wait{.tasks = {Fixture::id(1)}});
    broker.settle();
    broker.pass(24h + 1min);
    ASSERT_FALSE(broker.is_known(Fixture::id(1)));
    EXPECT_TRUE(broker.outcomes("c").empty());
    EXPECT_EQ(broker.answer_reads(), 1U);

    const auto outcomes = broker.outcomes("c");
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].state, TaskState::succeeded);
    ASSERT_TRUE(outcomes[0].error.has_value());
    EXPECT_EQ(outcomes[0].error->error_class, "removed");
}

TEST(OnlyInTheJournal, WhoWaitsForATaskThatIsForgottenWhileItIsReadIsTold) {  // L3
    Fixture before(with_journal());
    fill(before);
    Fixture broker(before, with_journal());
    broker.connect("submitter");
    broker.connect("c");

    broker.receive("c", Wait{.tasks = {Fixture::id(1)}});
    broker.settle();
    broker.pass(24h + 61min);
    ASSERT_EQ(broker.core.state().tombstones().find(Fixture::id(1)), nullptr);
    EXPECT_TRUE(broker.outcomes("c").empty());
    EXPECT_EQ(broker.answer_reads(), 1U);

    EXPECT_EQ(broker.outcomes("c"),
              (std::vector<OutcomeItem>{
                  {.id = Fixture::id(1),
                   .number = 1,
                   .state = TaskState::succeeded,
                   .error = Failure{"removed", "the retention of this task is over"}}}));
}

TEST(OnlyInTheJournal, WhatIsDamagedIsSaid) {  // I24
    Fixture before(with_journal());
    before.submit(asking(1));
    before.submit(silent(2));
    Fixture broker(before, with_journal());
    broker.work("w");

    broker.answer_reads("segment 1 is damaged");

    EXPECT_EQ(broker.state(1), TaskState::dead);
    EXPECT_EQ(broker.view(Fixture::id(1)).error->error_class, "damaged");
    EXPECT_EQ(broker.assigned_one("w").id, Fixture::id(2));
    EXPECT_EQ(broker.take_notices<OctetsDamaged>().size(), 1U);
}

// ---- telling again ----

TEST(Carrying, WhatIsToldAgainIsEnoughForAStart) {  // I1, I22
    Fixture before(with_journal());
    fill(before);
    before.apply(TimePassed{});
    const std::vector<Record> told = before.carry_everything();
    EXPECT_EQ(before.take_segments_done(), std::vector<std::uint32_t>{1});

    State state;
    for (const Record& record : told) {
        state.replay(record, {});
    }
    state.settle(before.now);

    for (std::uint32_t n = 1; n <= states.size(); ++n) {
        EXPECT_EQ(state.tasks()[state.tasks().find(Fixture::id(n))].state, states[n - 1]) << n;
    }
    EXPECT_EQ(state.queues()[*state.queues().find("default")].settings.attempts_max, 3U);
    state.check_invariants();
}

TEST(Carrying, WhatIsNotInMemoryIsReadAndToldAgain) {  // I1, I2
    Fixture before(with_journal());
    fill(before);
    Fixture after(before, with_journal());

    std::size_t payloads = 0;
    std::size_t results = 0;
    for (const Record& record : after.carry_everything()) {
        if (const auto* carried = std::get_if<TaskCarried>(&record)) {
            payloads += carried->payload.view == question ? 1 : 0;
            results += carried->result.view == "the answer" ? 1 : 0;
        }
    }

    EXPECT_EQ(payloads, 4U);
    EXPECT_EQ(results, 1U);
}

CoreOptions with_nothing_kept() {
    CoreOptions options = with_journal();
    options.final_octets_max = 0;
    options.final_count_min = 0;
    return options;
}

void run_one(Fixture& broker) {
    broker.work("w");
    broker.answer_reads();
    broker.done("w", broker.assigned_one("w"));
    broker.settle();
    ASSERT_EQ(broker.core.state().tasks().find(Fixture::id(1)), no_task);
}

void expect_tombstone(const std::vector<Record>& told) {
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(std::get<TombstoneCarried>(told[0]).id, Fixture::id(1));
}

TEST(Carrying, ARemovedTaskIsRememberedByItsTombstone) {  // I3
    Fixture broker(with_nothing_kept());
    broker.submit(1);
    run_one(broker);

    expect_tombstone(broker.carry_everything());
}

TEST(Carrying, WhatWasSaidBeforeARemovalIsNotNeeded) {  // I3, I22
    Fixture before(with_nothing_kept());
    before.submit(1);
    before.begin_segment();
    run_one(before);
    const Tombstone* known = before.core.state().tombstones().find(Fixture::id(1));
    ASSERT_NE(known, nullptr);

    EXPECT_EQ(before.carry_until(1).size(), 0U);
    before.trim(1);
    before.is_replayable = false;
    Fixture after(before, with_nothing_kept());
    after.connect("submitter");

    const Tombstone* found = after.core.state().tombstones().find(Fixture::id(1));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->number, 1U);
    EXPECT_EQ(found->content_hash, known->content_hash);
    EXPECT_EQ(found->fence, known->fence);
    EXPECT_EQ(found->state, TaskState::succeeded);
    EXPECT_EQ(after.core.state().number_last(), 1U);
    EXPECT_EQ(after.try_submit(Fixture::item(1)).status, SubmitStatus::exists);
    EXPECT_EQ(after.try_submit(asking(1)).status, SubmitStatus::refused) << "another content";
}

TEST(Carrying, ARemovalThatSaysOnlyANumberNeedsWhatWasSaidBefore) {  // I3, F25
    Fixture before(with_nothing_kept());
    before.submit(1);
    before.begin_segment();
    run_one(before);
    before.make_removals_old();

    Fixture after(before, with_nothing_kept());

    expect_tombstone(after.carry_until(1));
}

// Else the start's count of what stands twice would keep the tombstone from being told again.
TEST(Carrying, WhatStoodTwiceIsOneTombstoneWhenItIsRemoved) {  // I3, I22
    Fixture before(with_nothing_kept());
    before.submit(1);
    EXPECT_EQ(before.carry_everything().size(), 1U);
    Fixture after(before, with_nothing_kept());
    run_one(after);

    expect_tombstone(after.carry_everything());

    Fixture last(after, with_nothing_kept());
    EXPECT_EQ(last.carry_until(3).size(), 0U) << "it stands behind already";
    last.trim(3);
    expect_tombstone(last.carry_everything());
}

TEST(Carrying, SettingsAreToldAgainWhereTheyStandAlone) {  // I1
    const auto told_of_queues = [](const std::vector<Record>& told) {
        std::vector<std::string> names;
        for (const Record& record : told) {
            if (const auto* changed = std::get_if<QueueChanged>(&record)) {
                names.emplace_back(changed->queue);
            }
        }
        return names;
    };
    Fixture broker(with_journal());
    broker.connect("c");
    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "early", .settings = {.tasks_max = 1}});
    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "late", .settings = {.tasks_max = 1}});
    broker.begin_segment();
    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "late", .settings = {.tasks_max = 2}});
    broker.begin_segment();
    Fixture after(broker, with_journal());

    for (Fixture* one : {&broker, &after}) {
        EXPECT_EQ(told_of_queues(one->carry_until(1)), std::vector<std::string>{"early"});
        one->trim(1);
        EXPECT_EQ(told_of_queues(one->carry_until(2)), std::vector<std::string>{"late"});
    }
}

TEST(Carrying, WhatWouldBeForgottenSoonIsForgottenFirst) {  // I3, I18
    CoreOptions options = with_nothing_kept();
    options.tombstones_max = 8;
    Fixture broker(options);
    broker.work("w");
    std::vector<SubmitItem> tasks;
    for (std::uint32_t n = 1; n <= 8; ++n) {
        tasks.push_back(Fixture::item(n));
        tasks.back().id = Fixture::id(n, Fixture::start_wall + 100ms * n);
        broker.submit(tasks.back());
        broker.done("w", broker.assigned_one("w"));
        broker.settle();
        broker.pass(100ms);
    }
    broker.pass(1s);
    ASSERT_EQ(broker.core.state().tombstones().count(), 8U);

    const std::vector<Record> told = broker.carry_everything();

    EXPECT_EQ(broker.core.state().tombstones().count(), 6U);
    EXPECT_EQ(broker.core.state().tombstones().floor(), Fixture::start_wall + 220ms);
    ASSERT_EQ(told.size(), 7U);
    EXPECT_TRUE(std::holds_alternative<FloorRaised>(told[0])) << "one for both buckets";
    for (std::size_t i = 1; i < told.size(); ++i) {
        EXPECT_EQ(std::get<TombstoneCarried>(told[i]).id, tasks[8 - i].id) << "newest first";
    }
    EXPECT_EQ(broker.try_submit(tasks[1]).problem.code, static_cast<int>(Refusal::too_old));
    EXPECT_EQ(broker.try_submit(tasks[2]).status, SubmitStatus::exists);
}

TEST(Carrying, ATaskThatIsRemovedWhileItIsReadIsRememberedToo) {  // I3
    Fixture before(with_journal());
    fill(before);
    Fixture after(before, with_journal());
    after.connect("submitter");

    after.begin_carrying();
    ASSERT_EQ(after.reads_waiting(), 5U);
    after.pass(24h + 1min);
    ASSERT_FALSE(after.is_known(Fixture::id(1)));
    const std::vector<Record> told = after.finish_carrying();

    EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const Record& record) {
        const auto* removed = std::get_if<TaskRemoved>(&record);
        return removed != nullptr && removed->id == Fixture::id(1);
    }));
    EXPECT_TRUE(std::none_of(told.begin(), told.end(), [](const Record& record) {
        return std::holds_alternative<TombstoneCarried>(record);
    })) << "the removal says it all";
    EXPECT_EQ(after.take_segments_done(), std::vector<std::uint32_t>{1});
}

TEST(Carrying, ATaskThatSucceedsWhileItIsReadIsToldWithItsResult) {  // I8
    Fixture before(with_journal());
    fill(before);
    const AssignItem held = before.assigned_one("w");
    Fixture after(before, with_journal(0));
    after.work("w", {.held = {Fixture::lease(held)}});

    after.begin_carrying();  // its payload is read
    ASSERT_EQ(after.done("w", held, "the result"), FinishStatus::accepted);
    after.settle();  // and now its result is not in memory either
    for (const Record& record : after.finish_carrying()) {
        const auto* carried = std::get_if<TaskCarried>(&record);
        if (carried != nullptr && carried->id == held.id) {
            EXPECT_EQ(carried->state, TaskState::succeeded);
            EXPECT_EQ(carried->result.view, "the result");
            EXPECT_EQ(carried->payload.view, "");
        }
    }

    after.connect("c");
    after.receive("c", Query{.tasks = {held.id}, .with_result = true});
    after.settle();
    after.answer_reads();
    EXPECT_EQ(after.take_one<QueryAnswer>("c").items.at(0).result.view, "the result");
}

TEST(Carrying, WhatIsDamagedKeepsTheSegment) {  // I11, I24
    Fixture before(with_journal());
    fill(before);
    Fixture after(before, with_journal());

    after.begin_carrying();
    after.answer_reads("segment 1 is damaged");

    EXPECT_EQ(after.take_segments_done(), std::vector<std::uint32_t>{});
    EXPECT_EQ(after.take_segments_kept(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(after.take_notices<OctetsDamaged>().size(), 5U);
}

// Else each would be told again as often as that, for ever.
TEST(Carrying, WhatAKilledBrokerHadToldAgainStandsBehindAlready) {  // I22
    const auto count_tasks = [](const std::vector<Record>& told) {
        return std::count_if(told.begin(), told.end(), [](const Record& record) {
            return std::holds_alternative<TaskCarried>(record);
        });
    };
    Fixture before(with_journal());
    fill(before);
    EXPECT_EQ(count_tasks(before.carry_everything()), 5);
    Fixture after(before, with_journal());

    EXPECT_EQ(count_tasks(after.carry_until(1)), 0);
    EXPECT_EQ(after.take_segments_done(), std::vector<std::uint32_t>{1});
    after.trim(1);
    EXPECT_EQ(count_tasks(after.carry_everything()), 5);  // of the segment behind
}

TEST(Carrying, ReadsSoManyAtATime) {  // I18
    constexpr std::uint32_t count = 9'000;
    Fixture before(with_journal());
    before.submit_many(1, count);
    Fixture after(before, with_journal(0));
    after.checks_every_step = false;

    after.begin_carrying();
    EXPECT_EQ(after.reads_waiting(), 8'192U);
    after.answer_reads();
    EXPECT_EQ(after.reads_waiting(), count - 8'192U);
    const std::vector<Record> told = after.finish_carrying();

    ASSERT_EQ(told.size(), count);
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_EQ(std::get<TaskCarried>(told[i]).number, i + 1);
        EXPECT_EQ(std::get<TaskCarried>(told[i]).payload.view, "[2,3]");
    }
    EXPECT_EQ(after.take_segments_done(), std::vector<std::uint32_t>{1});
}

TEST(Carrying, ReadsNoMoreOctetsAtATimeThanThat) {  // I18
    constexpr std::uint32_t count = 12;
    const std::string payload(1 << 20, 'x');
    SubmitItem large = Fixture::item(0);
    large.payload = std::string_view(payload);
    Fixture before(with_journal(64 << 20));
    before.submit_many(1, count, large);
    Fixture after(before, with_journal(0));

    after.begin_carrying();
    EXPECT_EQ(after.reads_waiting(), 8U) << "8 MiB";
    after.answer_reads();
    EXPECT_EQ(after.reads_waiting(), 4U);
    EXPECT_EQ(after.finish_carrying().size(), count);
    EXPECT_EQ(after.take_segments_done(), std::vector<std::uint32_t>{1});
}

TEST(Carrying, GoesAsFarAsItIsDue) {
    Fixture broker(with_journal());
    fill(broker);

    broker.apply(JournalChanged{.carry_due = 2});
    EXPECT_EQ(broker.carry_everything().size(), 4U)
        << "the queue's settings, and two tasks, one with a history";
    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{});
    broker.apply(JournalChanged{});
    broker.settle();

    EXPECT_EQ(broker.take_segments_done(), std::vector<std::uint32_t>{1});
}

}  // namespace
}  // namespace xebec::broker

#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

TEST(Updates, TellEveryTransitionOnceInTheOrderOfTheCommits) {  // I19
    Fixture broker;
    broker.watch(true);
    broker.work("w");
    broker.submit(1);
    broker.pass(3s);
    const AssignItem task = broker.assigned_one("w");
    broker.done("w", task);

    const auto published = broker.take_published();

    std::vector<Update> updates;
    std::uint64_t next = 1;
    for (const Published& message : published) {
        EXPECT_EQ(message.topic, "task.default.");
        EXPECT_EQ(message.header.epoch, Fixture::epoch);
        EXPECT_EQ(message.header.sequence_first, next);
        next += message.header.count;
        updates.insert(updates.end(), message.updates.begin(), message.updates.end());
    }
    const Update common{.number = 1, .id = task.id, .kind = "add"};
    std::vector<Update> expected(3, common);
    expected[0].state = TaskState::ready;
    expected[0].version = 1;
    expected[1].state = TaskState::leased;
    expected[1].attempt = 1;
    expected[1].worker = "w";
    expected[1].version = 2;
    expected[2].state = TaskState::succeeded;
    expected[2].attempt = 1;
    expected[2].worker = "w";
    expected[2].duration_us = 1'250;
    expected[2].version = 3;
    EXPECT_EQ(updates, expected);
}

TEST(Updates, ComeAsOneMessagePerStepAndQueue) {
    Fixture broker;
    broker.connect("c");
    broker.watch(true);
    Submit message;
    for (std::uint32_t n = 1; n <= 6; ++n) {
        message.items.push_back(Fixture::item(n));
        message.items.back().queue = n % 2 == 0 ? "even" : "odd";
    }

    broker.ask<SubmitAnswer>("c", message);

    const auto published = broker.take_published();
    ASSERT_EQ(published.size(), 2U);
    EXPECT_EQ(published[0].topic, "task.odd.");
    EXPECT_EQ(published[1].topic, "task.even.");
    for (const Published& one : published) {
        EXPECT_EQ(one.header.sequence_first, 1U);
        EXPECT_EQ(one.header.count, 3U);
        EXPECT_TRUE(
            std::is_sorted(one.updates.begin(), one.updates.end(),
                           [](const Update& a, const Update& b) { return a.number < b.number; }));
    }
}

TEST(Updates, AreNotMadeWhenNobodyWatchesButCountedOn) {
    Fixture broker;
    broker.submit(1);
    broker.submit(2);
    EXPECT_TRUE(broker.is_quiet());

    broker.watch(true);
    broker.submit(3);

    const auto published = broker.take_published();
    ASSERT_EQ(published.size(), 1U);
    EXPECT_EQ(published[0].header.sequence_first, 3U);
    broker.watch(false);
    broker.submit(4);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Updates, OfAnEndByRetentionSaySo) {  // I11
    Fixture broker;
    broker.connect("c");
    broker.watch(true);
    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "default", .settings = {.retention_ms = 0}});
    broker.submit(1);
    broker.take_published();

    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(1)}});

    std::vector<Update> updates;
    for (const Published& message : broker.take_published()) {
        updates.insert(updates.end(), message.updates.begin(), message.updates.end());
    }
    ASSERT_EQ(updates.size(), 2U);
    EXPECT_EQ(updates[0].state, TaskState::cancelled);
    EXPECT_FALSE(updates[0].removed);
    EXPECT_TRUE(updates[1].removed);
    EXPECT_EQ(updates[1].version, 3U);
}

TEST(Updates, OfAVeryLargeStepComeInSeveralMessagesWithoutAHole) {  // I18, I19
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.watch(true);
    for (std::uint32_t first = 0; first < 12'000; first += 4'000) {
        Submit message;
        for (std::uint32_t n = first; n < first + 4'000; ++n) {
            message.items.push_back(Fixture::item(n));
        }
        broker.receive("c", message);
    }

    broker.settle();

    std::uint64_t next = 1;
    for (const Published& message : broker.take_published()) {
        EXPECT_EQ(message.header.sequence_first, next);
        next += message.header.count;
    }
    EXPECT_EQ(next, 12'001U);
}

// What a watcher knows of the tasks: state by number.
using Known = std::map<std::uint64_t, std::pair<std::uint32_t, TaskState>>;

Known all_of(Fixture& broker) {
    Known known;
    for (const TaskView& view : broker.ask<ListAnswer>("observer", List{.limit = 1'000}).items) {
        known[view.number] = {view.version, view.state};
    }
    return known;
}

TEST(Snapshot, AndTheUpdatesBehindItAreTheState) {  // I19
    Fixture broker;
    broker.connect("observer", Role::monitor);
    broker.work("w", {.slots = 8, .credit = 8});
    broker.submit_many(1, 20);
    const auto tasks = broker.assigned("w");
    broker.done("w", tasks.at(0));
    Known known = all_of(broker);
    broker.watch(true);
    const auto snapshot = broker.ask<SnapshotAnswer>("observer", Snapshot{});
    const std::uint64_t included = snapshot.figures.sequences.at(0).sequence;

    broker.fail("w", tasks.at(1));
    broker.done("w", tasks.at(2));
    broker.ask<CancelAnswer>("observer", Cancel{.tasks = {Fixture::id(19)}});
    broker.submit(50);
    broker.lose("w");

    std::uint64_t next = included + 1;
    for (const Published& message : broker.take_published()) {
        EXPECT_EQ(message.header.sequence_first, next);
        next += message.header.count;
        for (const Update& update : message.updates) {
            EXPECT_GT(update.version, known[update.number].first) << "I20";
            known[update.number] = {update.version, update.state};
        }
    }
    EXPECT_EQ(known, all_of(broker));
    EXPECT_EQ(snapshot.leased.size(), 8U);
    EXPECT_FALSE(snapshot.more);
}

TEST(Snapshot, OfMoreLeasesThanFitSaysThatThereAreMore) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("observer", Role::monitor);
    broker.submit_many(1, 1'500);
    broker.work("w", {.slots = 1'500, .credit = 1'500});

    const auto snapshot = broker.ask<SnapshotAnswer>("observer", Snapshot{});

    EXPECT_LE(snapshot.leased.size(), list_items_max);
    EXPECT_TRUE(snapshot.more);
}

}  // namespace
}  // namespace xebec::broker

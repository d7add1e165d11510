#include "monitor/core.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace xebec::monitor {
namespace {

using protocol::Figures;
using protocol::LaneView;
using protocol::QueueSequence;
using protocol::Update;
using namespace std::chrono_literals;

// A core, its clock, and what it wants done, written down one word to an effect or an update.
class Reader {
public:
    explicit Reader(CoreOptions options = {}) : core_(std::move(options), Instant{}) {}

    std::vector<std::string> tell(const Event& event) {
        Effects effects;
        core_.apply(event, {.steady = now_, .wall = WallTime{}}, effects);
        std::vector<std::string> words;
        for (const Effect& effect : effects) {
            const auto more = std::visit([](const auto& known) { return words_of(known); }, effect);
            words.insert(words.end(), more.begin(), more.end());
        }
        return words;
    }

    std::vector<std::string> pass(Duration duration) {
        now_ += duration;
        return tell(TimePassed{});
    }

    // Up to date with a broker of epoch 1 whose queues are at these sequences; uptime 10 s.
    void synchronise(const std::vector<QueueSequence>& sequences = {}) {
        EXPECT_EQ(tell(StatReceived{figures(10'000)}), Words{"ask"});
        EXPECT_EQ(tell(SnapshotReceived{figures(10'001, sequences)}), Words{});
    }

    static Figures figures(std::uint64_t uptime_ms, std::vector<QueueSequence> sequences = {},
                           std::uint64_t epoch = 1) {
        Figures figures{.epoch = epoch, .uptime_ms = uptime_ms};
        figures.sequences = std::move(sequences);
        return figures;
    }

    const Core& core() const { return core_; }
    Duration until_deadline() const { return *core_.next_deadline() - now_; }

    using Words = std::vector<std::string>;

private:
    // One for each update.
    static Words words_of(const ShowUpdates& effect) {
        Words words;
        for (std::size_t i = 0; i < effect.updates.size(); ++i) {
            words.push_back(std::string(effect.queue) + "#" +
                            std::to_string(effect.sequence_first + i));
        }
        return words;
    }
    template <class Other>
    static Words words_of(const Other& effect) {
        return {word(effect)};
    }
    static std::string word(const ShowInterval& effect) {
        return "interval " + std::to_string(effect.interval.length.count());
    }
    static std::string word(const AskSnapshot&) { return "ask"; }
    static std::string word(const GiveUp&) { return "give up"; }
    static std::string word(const Notice& notice) {
        switch (notice.kind) {
            case NoticeKind::no_broker:
                return "no broker";
            case NoticeKind::broker_found:
                return "found";
            case NoticeKind::broker_silent:
                return "silent";
            case NoticeKind::broker_back:
                return "back";
            case NoticeKind::new_epoch:
                return "epoch " + std::to_string(notice.epoch);
            case NoticeKind::gap:
                return "missed " + std::to_string(notice.count) + " of " + notice.queue;
            case NoticeKind::no_snapshot:
                return "no snapshot";
            case NoticeKind::snapshot_failed:
                return "failed: " + notice.reason;
            case NoticeKind::resynchronised:
                return "resynchronised";
            case NoticeKind::unreadable:
                return "unreadable " + std::to_string(notice.count);
            case NoticeKind::gave_up:
                return "gave up";
        }
        return "?";
    }

    Core core_;
    Instant now_{};
};

using Words = Reader::Words;

UpdatesReceived updates(std::string_view queue, std::uint64_t first, std::size_t count,
                        std::uint64_t epoch = 1) {
    return {.queue = queue,
            .header = {.epoch = epoch, .sequence_first = first, .count = count, .time = 1},
            .updates = std::vector<Update>(count)};
}

StatReceived stat(std::uint64_t uptime_ms, std::vector<QueueSequence> sequences = {},
                  std::uint64_t epoch = 1) {
    return {Reader::figures(uptime_ms, std::move(sequences), epoch)};
}

SnapshotReceived snapshot(std::uint64_t uptime_ms, std::vector<QueueSequence> sequences = {},
                          std::uint64_t epoch = 1) {
    return {Reader::figures(uptime_ms, std::move(sequences), epoch)};
}

// ---- the start ----

TEST(MonitorCore, AsksForASnapshotWhenTheFirstStatProvesTheSubscription) {
    Reader reader;

    EXPECT_EQ(reader.tell(TimePassed{}), Words{});
    EXPECT_EQ(reader.tell(updates("a", 4, 1)), Words{"a#4"});
    EXPECT_EQ(reader.tell(stat(1'000)), Words{"ask"});
    EXPECT_EQ(reader.tell(stat(2'000)), Words{});
}

TEST(MonitorCore, ShowsUpdatesOnceAndInOrderWhileTheSnapshotIsOnItsWay) {
    Reader reader;
    reader.tell(stat(1'000));

    EXPECT_EQ(reader.tell(updates("a", 4, 2)), (Words{"a#4", "a#5"}));
    EXPECT_EQ(reader.tell(snapshot(1'500, {{"a", 7}})), Words{});
    EXPECT_EQ(reader.tell(updates("a", 6, 3)), (Words{"a#6", "a#7", "a#8"}));
    EXPECT_EQ(reader.tell(stat(2'000, {{"a", 8}})), Words{"interval 500"});
}

TEST(MonitorCore, MissesNothingThatWasSentBeforeItsFirstSnapshot) {
    Reader reader;
    reader.synchronise({{"a", 50}, {"b", 60}});

    EXPECT_EQ(reader.tell(stat(11'000)), Words{"interval 999"});
    EXPECT_EQ(reader.tell(updates("a", 51, 1)), Words{"a#51"});
}

TEST(MonitorCore, MissesWhatWasSentAfterItsFirstSnapshotAndDidNotArrive) {
    Reader reader;
    reader.synchronise({{"a", 50}});

    EXPECT_EQ(reader.tell(updates("a", 53, 1)), (Words{"missed 2 of a", "a#53"}));
}

TEST(MonitorCore, ShowsUpdatesWithTheirSequenceTimeAndContent) {
    Core core({}, Instant{});
    UpdatesReceived received = updates("a", 7, 2);
    received.header.time = 1234;
    received.updates[1].number = 99;
    const Event event = received;  // what is shown is borrowed from it
    Effects effects;

    core.apply(event, {}, effects);

    ASSERT_EQ(effects.size(), 1U);
    const auto& shown = std::get<ShowUpdates>(effects[0]);
    EXPECT_EQ(shown.epoch, 1U);
    EXPECT_EQ(shown.sequence_first, 7U);
    EXPECT_EQ(shown.time, WallTime{1234ms});
    EXPECT_EQ(shown.queue, "a");
    ASSERT_EQ(shown.updates.size(), 2U);
    EXPECT_EQ(shown.updates[1], received.updates[1]);
}

// ---- losses ----

TEST(MonitorCore, ReportsAHoleAndResynchronises) {
    Reader reader;
    reader.synchronise({{"a", 3}});
    reader.tell(updates("a", 4, 1));
    reader.pass(3s);
    reader.tell(stat(11'000, {{"a", 4}}));
    reader.pass(3s);
    reader.tell(stat(12'000));

    EXPECT_EQ(reader.tell(updates("a", 17, 2)), (Words{"missed 12 of a", "a#17", "a#18", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(12'500, {{"a", 20}})), Words{"resynchronised"});
    EXPECT_EQ(reader.tell(updates("a", 19, 3)), (Words{"a#19", "a#20", "a#21"}));
}

TEST(MonitorCore, FindsALostTailByTheNextStat) {
    Reader reader;
    reader.synchronise({{"a", 3}});
    reader.tell(updates("a", 4, 2));

    EXPECT_EQ(reader.tell(stat(11'000, {{"a", 9}})), (Words{"missed 4 of a", "interval 999"}));
    EXPECT_EQ(reader.tell(stat(12'000, {{"a", 9}})), Words{"interval 1000"});
    EXPECT_EQ(reader.tell(updates("a", 10, 1)), Words{"a#10"});
}

TEST(MonitorCore, FindsTheLossOfAQueueThatItNeverHeardOf) {
    Reader reader;
    reader.synchronise();

    EXPECT_EQ(reader.tell(stat(11'000, {{"new", 2}})), (Words{"missed 2 of new", "interval 999"}));
}

TEST(MonitorCore, DoesNotTakeUpdatesForLostThatASnapshotOvertook) {
    Reader reader;
    reader.synchronise({{"a", 3}});
    reader.tell(updates("a", 9, 1));  // a hole, so that another snapshot is asked for
    ASSERT_EQ(reader.pass(5s), (Words{"silent", "ask"}));
    reader.tell(snapshot(15'000, {{"a", 12}}));

    EXPECT_EQ(reader.tell(stat(14'999, {{"a", 9}})), (Words{"back", "interval 4999"}));
    EXPECT_EQ(reader.tell(updates("a", 10, 3)), (Words{"a#10", "a#11", "a#12"}));
    EXPECT_EQ(reader.tell(stat(16'000, {{"a", 12}})), Words{"interval 1000"});
}

TEST(MonitorCore, FindsALossThatOnlyASnapshotTellsOf) {
    Reader reader;
    reader.synchronise({{"a", 3}, {"b", 5}});
    reader.tell(updates("a", 4, 1));
    reader.pass(5s);

    // The stat that named the rest of `a` was missed as well.
    EXPECT_EQ(reader.tell(stat(15'000)), (Words{"back", "interval 4999", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(15'100, {{"a", 11}, {"b", 5}})), Words{"resynchronised"});
    EXPECT_EQ(reader.tell(stat(16'000)), (Words{"missed 7 of a", "interval 1000"}));
}

TEST(MonitorCore, AsksAtMostOnceInFiveSeconds) {
    Reader reader;
    reader.synchronise({{"a", 3}});

    EXPECT_EQ(reader.tell(updates("a", 5, 1)), (Words{"missed 1 of a", "a#5"}));
    EXPECT_EQ(reader.pass(2s), Words{});
    EXPECT_EQ(reader.tell(updates("a", 7, 1)), (Words{"missed 1 of a", "a#7"}));
    EXPECT_EQ(reader.until_deadline(), 3s);
    EXPECT_EQ(reader.pass(2'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), Words{"ask"});
    EXPECT_EQ(reader.pass(1s), Words{});
}

TEST(MonitorCore, AsksAgainForALossFoundWhileASnapshotWasOnItsWay) {
    Reader reader;
    reader.tell(stat(1'000));
    reader.tell(updates("a", 1, 1));

    EXPECT_EQ(reader.tell(updates("a", 3, 1)), (Words{"missed 1 of a", "a#3"}));
    EXPECT_EQ(reader.tell(snapshot(1'001, {{"a", 3}})), Words{"resynchronised"});
    reader.tell(updates("a", 4, 1));
    EXPECT_EQ(reader.pass(4'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), (Words{"silent", "ask"}));
}

TEST(MonitorCore, IgnoresUpdatesThatCameBefore) {
    Reader reader;
    reader.tell(updates("a", 5, 4));

    EXPECT_EQ(reader.tell(updates("a", 5, 4)), Words{});
    EXPECT_EQ(reader.tell(updates("a", 2, 1)), Words{});
    EXPECT_EQ(reader.tell(updates("a", 7, 3)), Words{"a#9"});
}

TEST(MonitorCore, TakesASnapshotAfterAStatWasMissed) {
    Reader reader;
    reader.synchronise();
    reader.pass(4s);
    EXPECT_EQ(reader.tell(stat(11'000)), Words{"interval 999"});
    reader.pass(2s);

    EXPECT_EQ(reader.tell(stat(13'000)), (Words{"interval 2000", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(13'001)), Words{});
}

// ---- silence ----

TEST(MonitorCore, SaysThatNoBrokerIsThereYet) {
    Reader reader;

    EXPECT_EQ(reader.until_deadline(), 5s);
    EXPECT_EQ(reader.pass(4'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), Words{"no broker"});
    EXPECT_EQ(reader.core().next_deadline(), std::nullopt);
    EXPECT_EQ(reader.pass(1h), Words{});
    EXPECT_EQ(reader.tell(stat(1'000)), (Words{"found", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(1'001)), Words{});
}

TEST(MonitorCore, SaysThatTheBrokerIsSilentAndThatItIsBack) {
    Reader reader;
    reader.synchronise();
    reader.pass(3s);
    reader.tell(stat(11'000));

    EXPECT_EQ(reader.until_deadline(), 5s);
    EXPECT_EQ(reader.pass(4'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), Words{"silent"});
    EXPECT_TRUE(reader.core().is_silent());
    EXPECT_EQ(reader.pass(1min), Words{});

    EXPECT_EQ(reader.tell(updates("a", 1, 1)), (Words{"back", "a#1", "ask"}));
    EXPECT_FALSE(reader.core().is_silent());
    EXPECT_EQ(reader.tell(snapshot(80'000, {{"a", 1}})), Words{"resynchronised"});
    EXPECT_EQ(reader.tell(stat(80'500, {{"a", 1}})), Words{"interval 69500"});
}

TEST(MonitorCore, DoesNotTakeItsOwnStallForTheSilenceOfTheBroker) {
    Reader reader({.selection = {}, .give_up_after = 7s});
    reader.synchronise();

    EXPECT_EQ(reader.pass(20s), Words{});
    EXPECT_EQ(reader.pass(4'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), Words{"silent"});
    EXPECT_EQ(reader.pass(2s), (Words{"gave up", "give up"}));
}

TEST(MonitorCore, SaysThatTheBrokerPublishesButDoesNotAnswer) {
    Reader reader;
    reader.tell(stat(1'000));
    reader.pass(4s);
    reader.tell(stat(2'000));

    EXPECT_EQ(reader.pass(1s), Words{"no snapshot"});
    EXPECT_EQ(reader.pass(1s), Words{});
    EXPECT_EQ(reader.tell(snapshot(6'000)), Words{"resynchronised"});
}

TEST(MonitorCore, GivesUpWhenNothingWasHeardForSoLong) {
    Reader reader({.selection = {}, .give_up_after = 3s});

    EXPECT_EQ(reader.until_deadline(), 3s);
    EXPECT_EQ(reader.pass(2'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), (Words{"gave up", "give up"}));
    EXPECT_EQ(reader.pass(1s), Words{});
}

TEST(MonitorCore, CountsTheTimeToGiveUpFromWhatItHeardLast) {
    Reader reader({.selection = {}, .give_up_after = 3s});
    reader.pass(2s);
    reader.tell(updates("a", 1, 1));

    EXPECT_EQ(reader.pass(2'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), (Words{"gave up", "give up"}));
}

// ---- another run of the broker ----

TEST(MonitorCore, StartsAnewWithANewBootEpoch) {
    Reader reader;
    reader.synchronise({{"a", 50}});
    reader.tell(updates("a", 51, 1));
    reader.pass(4s);
    reader.tell(stat(11'000, {{"a", 51}}));
    reader.pass(4s);

    EXPECT_EQ(reader.tell(updates("a", 3, 1, 2)), (Words{"epoch 2", "a#3"}));
    EXPECT_EQ(reader.core().epoch(), 2U);
    EXPECT_EQ(reader.tell(stat(1'000, {{"a", 3}}, 2)), Words{"ask"});
    EXPECT_EQ(reader.tell(snapshot(1'100, {{"a", 4}}, 2)), Words{"resynchronised"});
    EXPECT_EQ(reader.tell(updates("a", 4, 1, 2)), Words{"a#4"});
    EXPECT_EQ(reader.tell(stat(2'000, {{"a", 4}}, 2)), Words{"interval 900"});
}

TEST(MonitorCore, SaysThatTheBrokerIsBackBeforeItSaysThatItWasRestarted) {
    Reader reader;
    reader.synchronise();
    reader.pass(5s);

    EXPECT_EQ(reader.tell(stat(1'000, {}, 2)), (Words{"back", "epoch 2", "ask"}));
}

TEST(MonitorCore, TakesALowerEpochForAnotherBrokerToo) {
    Reader reader;
    reader.synchronise();
    reader.tell(updates("a", 1, 1));

    EXPECT_EQ(reader.tell(updates("a", 1, 1, 7)), (Words{"epoch 7", "a#1"}));
    EXPECT_EQ(reader.tell(updates("a", 1, 1, 2)), (Words{"epoch 2", "a#1"}));
}

TEST(MonitorCore, DoesNotUseTheSnapshotOfAnotherEpoch) {
    Reader reader;
    reader.synchronise();
    reader.pass(4s);
    reader.tell(stat(1'000, {}, 2));
    ASSERT_EQ(reader.pass(1s), Words{"ask"});

    EXPECT_EQ(reader.tell(snapshot(12'000, {{"a", 90}}, 1)), Words{});
    EXPECT_EQ(reader.tell(updates("a", 1, 1, 2)), Words{"a#1"});
    EXPECT_EQ(reader.pass(4s), Words{});
    EXPECT_EQ(reader.pass(1s), (Words{"silent", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(2'000, {{"a", 1}}, 2)), Words{"resynchronised"});
}

// ---- what could not be had or read ----

TEST(MonitorCore, TriesAgainAfterASnapshotFailed) {
    Reader reader;
    reader.tell(stat(1'000));

    EXPECT_EQ(reader.tell(SnapshotFailed{"no"}), Words{"failed: no"});
    EXPECT_EQ(reader.pass(4'999ms), Words{});
    EXPECT_EQ(reader.pass(1ms), (Words{"silent", "ask"}));
    EXPECT_EQ(reader.tell(snapshot(6'000)), Words{"resynchronised"});
}

TEST(MonitorCore, CountsUnreadableMessagesInsteadOfRepeatingItself) {
    Reader reader;

    EXPECT_EQ(reader.tell(UnreadableReceived{"x"}), Words{"unreadable 1"});
    EXPECT_EQ(reader.tell(UnreadableReceived{"x"}), Words{});
    EXPECT_EQ(reader.tell(UnreadableReceived{"y"}), Words{});
    EXPECT_EQ(reader.pass(5s), (Words{"no broker", "unreadable 2"}));
    EXPECT_EQ(reader.pass(5s), Words{});
}

// ---- filters ----

TEST(MonitorCore, ShowsOnlyTheSelectedStatesAndKinds) {
    Reader reader(
        {.selection = {.kinds = {"add", "echo"}, .states = {TaskState::dead, TaskState::leased}},
         .give_up_after = {}});
    UpdatesReceived event = updates("a", 1, 4);
    event.updates[0] = {.kind = "add", .state = TaskState::ready};
    event.updates[1] = {.kind = "add", .state = TaskState::dead};
    event.updates[2] = {.kind = "fail", .state = TaskState::dead};
    event.updates[3] = {.kind = "echo", .state = TaskState::leased};

    EXPECT_EQ(reader.tell(event), (Words{"a#2", "a#4"}));
    EXPECT_EQ(reader.tell(updates("a", 6, 1)), Words{"missed 1 of a"});
}

TEST(MonitorCore, TakesRemovalForAStateOfItsOwn) {
    Selection everything;
    Selection succeeded{.states = {TaskState::succeeded}};
    Selection removed{.removed = true};
    const Update end{.state = TaskState::succeeded};
    const Update removal{.state = TaskState::succeeded, .removed = true};

    EXPECT_TRUE(everything.has(end) && everything.has(removal));
    EXPECT_TRUE(succeeded.has(end) && !succeeded.has(removal));
    EXPECT_TRUE(!removed.has(end) && removed.has(removal));
}

TEST(MonitorCore, MissesNothingOfQueuesThatItDoesNotWatch) {
    Reader reader({.selection = {.queues = {"a"}}, .give_up_after = {}});
    reader.synchronise({{"a", 1}, {"b", 1}});

    EXPECT_EQ(reader.tell(stat(11'000, {{"a", 1}, {"b", 9}})), Words{"interval 999"});
    EXPECT_EQ(reader.tell(updates("b", 20, 1)), Words{});
    EXPECT_EQ(reader.tell(stat(12'000, {{"a", 3}, {"b", 10}})),
              (Words{"missed 2 of a", "interval 1000"}));
}

TEST(MonitorCore, MissesNoUpdatesIfItWatchesFiguresOnly) {
    Reader reader({.selection = {.updates = false}, .give_up_after = {}});
    reader.synchronise({{"a", 1}});

    EXPECT_EQ(reader.tell(stat(11'000, {{"a", 500}})), Words{"interval 999"});
}

// ---- figures ----

TEST(MonitorCore, ShowsNoFiguresBeforeTheSnapshotGaveTheirBaseline) {
    Reader reader;

    EXPECT_EQ(reader.tell(stat(1'000)), Words{"ask"});
    EXPECT_EQ(reader.tell(stat(2'000)), Words{});
    EXPECT_EQ(reader.tell(snapshot(2'100)), Words{});
    EXPECT_EQ(reader.tell(stat(3'000)), Words{"interval 900"});
}

TEST(MonitorCore, ShowsTheDifferenceOfConsecutiveFigures) {
    Core core({}, Instant{});
    const auto at = [](std::uint64_t uptime_ms, std::uint64_t submitted,
                       std::vector<std::uint64_t> wait) {
        Figures figures{.epoch = 1, .uptime_ms = uptime_ms};
        figures.totals.submitted = submitted;
        figures.lanes = {LaneView{.queue = "a", .kind = "add", .wait_us = std::move(wait)}};
        return figures;
    };
    Effects effects;
    core.apply(StatReceived{at(1'000, 10, {2, 5})}, {}, effects);
    core.apply(SnapshotReceived{at(1'500, 12, {2, 6})}, {}, effects);
    effects.clear();

    core.apply(StatReceived{at(2'500, 20, {2, 6, 9, 3})}, {}, effects);

    ASSERT_EQ(effects.size(), 1U);
    const Interval& interval = std::get<ShowInterval>(effects[0]).interval;
    EXPECT_EQ(interval.length, 1'000ms);
    EXPECT_EQ(interval.submitted, 8U);
    EXPECT_EQ(interval.wait.count(), 3U);
    EXPECT_EQ(interval.wait.quantile(0.5), std::chrono::microseconds{9});
}

}  // namespace
}  // namespace xebec::monitor

// Plain peers cannot break anything (I25): what they ask for is not promised to be kept, and what
// they answer counts only with the token that they were given.

#include "tests/unit/broker/core/fixture.h"

#include <algorithm>
#include <set>

namespace xebec::broker {
namespace {

using Frames = std::vector<std::string>;

const Frames octet_heartbeat{"\x02"};
const Frames text_heartbeat{"HEARTBEAT"};

TEST(PlainRequest, IsAnsweredByAPlainWorkerAndLeavesNothingBehind) {
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.ask_plainly("c", "question");
    const Frames request = broker.request_to("w");
    ASSERT_EQ(request.size(), 3U);
    EXPECT_EQ(request[1], "");
    EXPECT_EQ(request[2], "question");

    broker.reply_plainly("w", request[0], "answer");

    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "answer"}}));
    EXPECT_EQ(broker.core.state().tasks().size(), 0U);
    EXPECT_EQ(broker.core.state().octets(), 0U);
    EXPECT_EQ(broker.core.state().tombstones().count(), 0U);
    EXPECT_EQ(broker.records(), 0U);
}

TEST(PlainRequest, IsServedByANativeWorkerWithoutANumber) {
    Fixture broker;
    broker.work("n", {.kinds = {"plain"}});
    broker.ask_plainly("c", "question");

    const AssignItem task = broker.assigned_one("n");
    EXPECT_EQ(task.number, 0U);
    EXPECT_EQ(task.payload.view, "question");
    EXPECT_EQ(task.queue, "plain");
    EXPECT_EQ(broker.done("n", task, "answer"), FinishStatus::accepted);

    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "answer"}}));
    EXPECT_EQ(broker.done("n", task, "answer"), FinishStatus::unknown);
}

TEST(PlainRequest, TakesNoNumberThatPeopleSee) {
    Fixture broker;
    broker.submit(1);
    broker.ask_plainly("c", "question");
    broker.submit(2);
    broker.ask_plainly("c", "question");

    const std::uint64_t second = broker.view(std::uint64_t{0}).number;  // the task accepted last
    EXPECT_GT(second, 1U);
    EXPECT_FALSE(broker.is_known(second - 1));
    EXPECT_FALSE(broker.is_known(second + 1));
    broker.connect("operator");
    const auto listed = broker.ask<ListAnswer>("operator", List{});
    ASSERT_EQ(listed.items.size(), 2U);
    EXPECT_EQ(listed.items[0].number, second);
    EXPECT_EQ(listed.items[1].number, 1U);
}

TEST(PlainRequest, ExpiresWhenNobodyCanBeWaitingAnyMore) {
    Fixture broker(CoreOptions{});
    broker.ask_plainly("c", "question");

    broker.pass(7999ms);
    EXPECT_EQ(broker.core.state().tasks().size(), 1U);
    broker.pass(1ms);

    EXPECT_EQ(broker.core.state().tasks().size(), 0U);
    EXPECT_EQ(broker.core.state().totals().expired, 1U);
    EXPECT_TRUE(broker.take_plain("c").empty());  // silence is all it understands
    broker.signal("w", true);
    EXPECT_EQ(broker.take_plain("w"), (std::vector<Frames>{octet_heartbeat}));
}

TEST(PlainRequest, ThatIsWithAWorkerMayStillEndWell) {
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.ask_plainly("c", "question");
    const Frames request = broker.request_to("w");

    broker.pass(60s);
    broker.reply_plainly("w", request[0], "answer");

    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "answer"}}));
}

TEST(PlainRequest, ThatComesBackTooLateIsNotRunAgain) {
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.ask_plainly("c", "question");
    broker.request_to("w");
    broker.pass(20s);

    broker.signal("w", true);  // it was restarted, and has forgotten what it did

    EXPECT_EQ(broker.core.state().tasks().size(), 0U);
    EXPECT_EQ(broker.core.state().totals().expired, 1U);
    for (const Frames& frames : broker.take_plain("w")) {
        EXPECT_EQ(frames, octet_heartbeat);
    }
}

TEST(PlainRequest, GoesToAWorkerOfTheOtherDialectWhenItsOwnIsGone) {
    Fixture broker(CoreOptions{});
    broker.signal("octets", true);
    broker.ask_plainly("c", "question");
    broker.request_to("octets");
    broker.signal("words", true, PlainDialect::text);

    broker.lose("octets");

    const Frames request = broker.request_to("words");
    broker.reply_plainly("words", request[0], "answer");
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "answer"}}));
}

TEST(PlainRequest, IsRefusedInSilenceWhenMemoryIsFull) {  // I18
    Fixture broker(CoreOptions{.memory_max = 400});

    for (int i = 0; i < 10; ++i) {
        broker.ask_plainly("c", std::string(40, 'x'));
    }

    EXPECT_EQ(broker.core.state().tasks().size(), 2U);
    EXPECT_TRUE(broker.take_plain("c").empty());
}

TEST(PlainWorker, IsAnsweredInItsOwnDialect) {
    Fixture broker(CoreOptions{});
    broker.signal("octets", true);
    broker.signal("words", true, PlainDialect::text);
    broker.pass(500ms);

    broker.pass(1s);

    EXPECT_EQ(broker.take_plain("octets"), (std::vector<Frames>(2, octet_heartbeat)));
    EXPECT_EQ(broker.take_plain("words"), (std::vector<Frames>(2, text_heartbeat)));
}

TEST(PlainWorker, ThatIsIdleAndSilentIsForgotten) {
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.pass(4s);
    EXPECT_EQ(broker.core.sessions().size(), 1U);

    broker.pass(1s);

    EXPECT_EQ(broker.core.sessions().size(), 0U);
    EXPECT_EQ(broker.take_notices<WorkerLeft>().size(), 1U);
    broker.signal("w", false);  // a heartbeat makes it known again
    EXPECT_EQ(broker.core.sessions().size(), 1U);
}

TEST(PlainWorker, ThatIsBusyIsNeitherLostBySilenceNorReadyByAHeartbeat) {
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.ask_plainly("c", "first");
    const Frames first = broker.request_to("w");
    broker.ask_plainly("c", "second");

    broker.pass(3s);
    broker.signal("w", false);

    const auto since = broker.take_plain("w");  // a probe every two seconds, nothing else
    EXPECT_EQ(since, (std::vector<Frames>(since.size(), octet_heartbeat)));
    EXPECT_LE(since.size(), 3U);
    broker.pass(4s);
    broker.take_plain("w");
    broker.reply_plainly("w", first[0], "one");
    EXPECT_EQ(broker.request_to("w")[2], "second");
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "one"}}));
}

TEST(PlainWorker, ThatAnswersWithAnOldAddressChangesNothing) {  // I7
    Fixture broker(CoreOptions{});
    broker.signal("w", true);
    broker.ask_plainly("c", "first");
    const Frames first = broker.request_to("w");
    broker.reply_plainly("w", first[0], "one");
    broker.ask_plainly("c", "second");
    const Frames second = broker.request_to("w");
    broker.take_plain("c");

    broker.reply_plainly("w", first[0], "one again");
    broker.reply_plainly("w", "forged", "nothing");

    EXPECT_TRUE(broker.take_plain("c").empty());
    broker.reply_plainly("w", second[0], "two");
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "two"}}));
}

TEST(PlainWorker, IsHeldByItsLeaseAndFencedBehindIt) {  // F16
    Fixture broker(CoreOptions{.plain_patience = std::chrono::hours{1}});
    broker.signal("slow", true);
    broker.ask_plainly("c", "question");
    const Frames late = broker.request_to("slow");
    broker.pass(299s);
    EXPECT_EQ(broker.core.state().counts()[static_cast<std::size_t>(TaskState::leased)], 1U);
    broker.pass(2s);
    broker.signal("other", true);
    const Frames again = broker.request_to("other");
    EXPECT_NE(again[0], late[0]);
    broker.take_plain("slow");

    broker.reply_plainly("slow", late[0], "too late");

    EXPECT_TRUE(broker.take_plain("c").empty());
    broker.reply_plainly("other", again[0], "in time");
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "in time"}}));
    broker.ask_plainly("c", "next");  // both can be given work again
    broker.ask_plainly("c", "next");
    broker.request_to("slow");
    broker.request_to("other");
}

TEST(PlainWorker, ThatNeverAnswersIsForgottenLongAfterItsLease) {  // L6
    Fixture broker(CoreOptions{});
    broker.signal("dead", true);
    broker.signal("forgetful", true);
    broker.ask_plainly("c", "question");
    broker.ask_plainly("c", "question");
    broker.request_to("dead");
    broker.request_to("forgetful");

    for (int i = 0; i < 610; ++i) {
        broker.pass(1s);
        broker.signal("forgetful", false);
    }

    EXPECT_EQ(broker.core.sessions().size(), 1U);
    broker.take_plain("forgetful");
    broker.ask_plainly("c", "next");
    const Frames next = broker.request_to("forgetful");
    broker.reply_plainly("forgetful", next[0], "answer");
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>{{"", "answer"}}));
}

TEST(PlainWorker, RunsNativeTasksOfItsKindAndQueue) {
    Fixture broker;
    SubmitItem item = Fixture::item(1, "plain");
    item.queue = "plain";
    broker.submit(item);
    broker.signal("w", true);
    const Frames request = broker.request_to("w");
    EXPECT_EQ(request[2], "[2,3]");

    broker.reply_plainly("w", request[0], "5");

    EXPECT_EQ(broker.state(1), TaskState::succeeded);
    EXPECT_EQ(broker.view(Fixture::id(1)).worker, "plain-w");
}

TEST(PlainWorker, ThatSendsSeveralFramesHasFailed) {
    Fixture broker;
    SubmitItem item = Fixture::item(1, "plain");
    item.queue = "plain";
    item.attempts_max = 1;
    broker.submit(item);
    broker.signal("w", true);

    broker.reply_plainly("w", broker.request_to("w")[0], std::nullopt);

    EXPECT_EQ(broker.state(1), TaskState::dead);
    EXPECT_EQ(broker.view(Fixture::id(1)).error->error_class, "bad_reply");
}

TEST(PlainWorker, IsChargedForWhatItForgotByBeginningAgain) {  // I12
    Fixture broker(CoreOptions{});
    SubmitItem item = Fixture::item(1, "plain");
    item.queue = "plain";
    item.attempts_max = 2;
    broker.submit(item);
    broker.signal("w", true);
    broker.request_to("w");

    broker.signal("w", true);
    EXPECT_EQ(broker.view(Fixture::id(1)).attempts, 2U);
    broker.request_to("w");
    broker.signal("w", true);

    EXPECT_EQ(broker.state(1), TaskState::dead);
    EXPECT_EQ(broker.view(Fixture::id(1)).error->error_class, "worker_lost");
}

TEST(PlainWorker, CannotSpeakForANativeSession) {
    Fixture broker;
    broker.work("n", {.kinds = {"plain"}});
    broker.ask_plainly("c", "question");
    const AssignItem task = broker.assigned_one("n");

    broker.signal("n", false);
    broker.reply_plainly("n", "forged", "nothing");

    EXPECT_TRUE(broker.take_plain("c").empty());
    EXPECT_EQ(broker.done("n", task, "answer"), FinishStatus::accepted);
}

TEST(PlainToken, IsPrintableAndOfALengthThatNobodyRewrites) {
    Fixture broker;
    broker.signal("w", true);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        broker.ask_plainly("c", "");
        const std::string token = broker.request_to("w")[0];
        EXPECT_EQ(token.size(), 27U);
        EXPECT_TRUE(std::all_of(token.begin(), token.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        }));
        EXPECT_TRUE(seen.insert(token).second);
        broker.reply_plainly("w", token, "");
    }
    EXPECT_EQ(broker.take_plain("c"), (std::vector<Frames>(100, Frames{"", ""})));
}

}  // namespace
}  // namespace xebec::broker

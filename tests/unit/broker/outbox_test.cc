#include "broker/outbox.h"

#include <gtest/gtest.h>

namespace xebec::broker {
namespace {

Send to(const std::string& peer) {
    return {.peer = {.address = {peer}}};
}

std::string taken(Outbox& outbox, Position durable) {
    const auto message = outbox.take(durable);
    if (!message) {
        return "";
    }
    const auto* send = std::get_if<Send>(&*message);
    return send == nullptr ? std::get<Publish>(*message).frames.front()
                           : send->peer.address.front();
}

TEST(Outbox, KeepsAMessageUntilItsRecordsAreDurable) {  // I1
    Outbox outbox;
    outbox.put(3, to("a"));
    outbox.put(5, Publish{.frames = {"b"}});

    EXPECT_EQ(taken(outbox, 2), "");
    EXPECT_EQ(taken(outbox, 3), "a");
    EXPECT_EQ(taken(outbox, 4), "");
    EXPECT_FALSE(outbox.empty());
    EXPECT_EQ(taken(outbox, 5), "b");
    EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, LetsMessagesLeaveInTheirOrder) {
    Outbox outbox;
    outbox.put(0, to("a"));
    outbox.put(0, to("b"));
    outbox.put(1, to("c"));

    EXPECT_EQ(taken(outbox, 9), "a");
    EXPECT_EQ(taken(outbox, 9), "b");
    EXPECT_EQ(taken(outbox, 9), "c");
    EXPECT_EQ(taken(outbox, 9), "");
}

TEST(Outbox, LetsMessagesThatPromiseNothingPass) {
    Outbox outbox;
    outbox.put(7, to("waits"));
    outbox.put_at_once(to("first"));
    outbox.put_at_once(to("second"));

    EXPECT_EQ(taken(outbox, 0), "first");
    EXPECT_EQ(taken(outbox, 0), "second");
    EXPECT_EQ(taken(outbox, 0), "");
    EXPECT_FALSE(outbox.empty());
}

TEST(MemoryJournal, CountsWhatItIsGivenAsDurable) {
    MemoryJournal journal;
    const std::vector<Record> batch(3, FloorRaised{});

    EXPECT_EQ(journal.append(batch), 0U);
    EXPECT_EQ(journal.durable_position(), 3U);
    EXPECT_EQ(journal.append({}), 3U);
    EXPECT_EQ(journal.append(batch), 3U);
    EXPECT_EQ(journal.durable_position(), 6U);
}

}  // namespace
}  // namespace xebec::broker

#include "broker/outbox.h"

#include <gtest/gtest.h>

namespace xebec::broker {
namespace {

Send to(const std::string& peer) {
    return {.peer = {.address = {peer}}};
}

std::string taken(Outbox& outbox, Position durable, Instant now = {}) {
    const auto message = outbox.take(durable, now);
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

TEST(Outbox, HoldsAPatientMessageForCompanyToTheSamePort) {
    Outbox outbox;
    const Instant now{std::chrono::seconds{1}};
    Send other_port = to("other port");
    other_port.peer.port = Port::workers;
    outbox.put_patient(0, now, to("patient"));
    outbox.put(0, std::move(other_port));

    EXPECT_EQ(taken(outbox, 9, now), "other port");
    EXPECT_EQ(taken(outbox, 9, now), "");
    EXPECT_FALSE(outbox.empty());
    outbox.put(0, to("company"));
    EXPECT_EQ(taken(outbox, 9, now), "company");
    EXPECT_EQ(taken(outbox, 9, now), "patient");
    EXPECT_EQ(taken(outbox, 9, now), "");
    EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, LetsAPatientMessageGoAloneWhenNoneComes) {
    Outbox outbox;
    const Instant now{std::chrono::seconds{1}};
    outbox.put_patient(4, now, to("patient"));

    EXPECT_EQ(outbox.next_deadline(4, now), now + Outbox::patience);
    EXPECT_EQ(taken(outbox, 9, now), "");
    EXPECT_EQ(taken(outbox, 4, now + Outbox::patience), "patient");
    EXPECT_EQ(outbox.next_deadline(4, now), std::nullopt);
}

TEST(Outbox, WaitsForCompanyFirstAndThenForTheDisk) {
    Outbox outbox;
    const Instant now{std::chrono::seconds{1}};
    const Instant later = now + Outbox::patience;
    outbox.put_patient(4, now, to("patient"));

    EXPECT_EQ(outbox.next_deadline(3, now), later);
    EXPECT_EQ(outbox.next_position(3, now), std::nullopt);
    EXPECT_EQ(outbox.next_deadline(3, later), std::nullopt);  // else the loop would spin
    EXPECT_EQ(outbox.next_position(3, later), 4U);
    EXPECT_EQ(taken(outbox, 3, later), "");  // not before it is durable (I1)
    EXPECT_EQ(taken(outbox, 4, later), "patient");
}

TEST(Outbox, SaysWhatHasToBeDurableNext) {
    Outbox outbox;
    const Instant now{std::chrono::seconds{1}};
    outbox.put(5, to("first"));
    outbox.put(7, to("second"));

    EXPECT_EQ(outbox.next_position(4, now), 5U);
    EXPECT_EQ(taken(outbox, 5, now), "first");
    EXPECT_EQ(outbox.next_position(5, now), 7U);
    EXPECT_EQ(outbox.next_position(7, now), std::nullopt);  // it may leave already
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

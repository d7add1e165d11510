#include "client/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace xebec::client {
namespace {

using namespace std::chrono_literals;
using protocol::Message;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view name_of(std::uint8_t type) {
    switch (type) {
        case protocol::Hello::type:
            return "hello";
        case protocol::Ping::type:
            return "ping";
        case protocol::Pong::type:
            return "pong";
        case protocol::Bye::type:
            return "bye";
        case protocol::Query::type:
            return "query";
        case protocol::Cancel::type:
            return "cancel";
        default:
            return "other";
    }
}

// A core, its clock, and the broker's side of the conversation, spoken by hand.
class Conversation {
public:
    explicit Conversation(CoreOptions options = {}) : core(std::move(options), 1) {}

    RequestId ask(Message message = protocol::Query{.tasks = {std::uint64_t{7}}},
                  std::optional<milliseconds> timeout = {}) {
        const auto deadline = timeout ? std::optional(now.steady + *timeout) : std::nullopt;
        const RequestId id = core.request(message, deadline, now, effects);
        core.check_invariants();
        return id;
    }

    void say(Header header, const Message& message) {
        const protocol::Packet packet = encode(header, message);
        core.receive(packet.header, packet.body, packet.payloads, now, effects);
        core.check_invariants();
    }
    void answer(RequestId id) {
        say({.correlation = id, .session = session},
            protocol::QueryAnswer{.items = {{.problem = {.code = 5}}}});
    }
    void refuse(RequestId id, Refusal refusal, milliseconds retry_after = 0ms) {
        say({.correlation = id, .session = session},
            protocol::ErrorAnswer{
                .code = static_cast<std::uint16_t>(refusal),
                .text = "said so",
                .retry_after_ms = static_cast<std::uint64_t>(retry_after.count())});
    }
    void pong(std::uint64_t outcomes = 0) {
        say({.correlation = correlation_sent, .session = session},
            protocol::Pong{.outcomes = outcomes});
    }
    void outcomes(std::uint64_t sequence) {
        say({.session = session}, protocol::Outcomes{.sequence = sequence});
    }

    // Answers the hello that was sent last.
    void welcome(std::uint64_t number, protocol::LimitsView limits = {}) {
        session = number;
        say({.correlation = hello_correlation, .session = session},
            protocol::Welcome{
                .epoch = 3, .heartbeat_ms = 1'000, .liveness_ms = 5'000, .limits = limits});
    }
    // From nothing to a session with nothing asked.
    void begin() {
        const RequestId id = ask();
        happened();
        welcome(11);
        answer(id);
        happened();
    }

    void pass(milliseconds time = 0ms) {
        now.steady += time;
        core.pass(now, effects);
        core.check_invariants();
    }
    // To the next instant at which the core has something to do, at most `longest` away.
    void pass_to_next(milliseconds longest = 1h) {
        const auto next = core.next_deadline();
        ASSERT_TRUE(next);
        ASSERT_LE(*next, now.steady + longest);
        now.steady = std::max(now.steady, *next);
        pass();
    }

    // Every effect since the last call, one line each.
    std::vector<std::string> happened() {
        std::vector<std::string> lines;
        for (const Effect& effect : effects) {
            lines.push_back(std::visit([this](const auto& e) { return line(e); }, effect));
        }
        effects.clear();
        return lines;
    }

    Core core;
    Now now{Instant{100s}, WallTime{1000s}};
    Effects effects;
    std::uint64_t session = 0;
    std::uint64_t hello_correlation = 0;
    std::uint64_t correlation_sent = 0;
    protocol::Packet last_sent;
    Error error;
    SessionStarted started;

private:
    std::string line(const Send& send) {
        const Header& header = send.packet.header;
        last_sent = send.packet;
        correlation_sent = header.correlation;
        if (header.type == protocol::Hello::type) {
            hello_correlation = header.correlation;
        }
        const bool is_request = header.type >= protocol::Submit::type;
        return "send " + std::string(name_of(header.type)) +
               (is_request ? " " + std::to_string(header.correlation) : "") + " in " +
               std::to_string(header.session);
    }
    std::string line(const Reconnect&) { return "reconnect"; }
    std::string line(const Answered& answered) {
        return "answered " + std::to_string(answered.request);
    }
    std::string line(const Failed& failed) {
        error = failed.error;
        return "failed " + std::to_string(failed.request) + " " +
               std::string(to_string(failed.error.code));
    }
    std::string line(const Notified& notified) {
        return "notified " + std::to_string(notified.packet.header.type);
    }
    std::string line(const SessionStarted& session_started) {
        started = session_started;
        return "session of epoch " + std::to_string(session_started.epoch);
    }
    std::string line(const NotificationsMissed&) { return "missed"; }
};

TEST(ClientCore, SaysHelloOnTheFirstNeedAndHoldsRequestsUntilWelcome) {
    Conversation talk;

    talk.pass(1h);
    EXPECT_THAT(talk.happened(), IsEmpty());
    EXPECT_EQ(talk.core.next_deadline(), std::nullopt);

    talk.ask();
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
    const Result<Message> hello = protocol::decode(talk.last_sent.header, talk.last_sent.body, {});
    ASSERT_TRUE(hello);
    EXPECT_EQ(std::get<protocol::Hello>(*hello),
              (protocol::Hello{.role = protocol::Role::client, .major_min = 1, .major_max = 1}));

    talk.welcome(11);
    EXPECT_THAT(talk.happened(), ElementsAre("session of epoch 3", "send query 1 in 11"));
    talk.answer(1);
    EXPECT_THAT(talk.happened(), ElementsAre("answered 1"));
    EXPECT_EQ(talk.core.pending(), 0U);
    EXPECT_TRUE(talk.core.has_session());
}

TEST(ClientCore, NamesItsRoleAndItsPastInHello) {
    Conversation talk({.role = protocol::Role::monitor, .name = "top"});
    talk.begin();
    const RequestId id = talk.ask();
    talk.refuse(id, Refusal::not_registered);
    EXPECT_THAT(talk.happened(),
                ElementsAre("send query " + std::to_string(id) + " in 11", "send hello in 0"));

    const Result<Message> hello = protocol::decode(talk.last_sent.header, talk.last_sent.body, {});

    ASSERT_TRUE(hello);
    EXPECT_EQ(std::get<protocol::Hello>(*hello), (protocol::Hello{.role = protocol::Role::monitor,
                                                                  .name = "top",
                                                                  .major_min = 1,
                                                                  .major_max = 1,
                                                                  .epoch_seen = 3,
                                                                  .session_previous = 11}));
}

TEST(ClientCore, GivesTheLimitsOfTheWelcomeAndDefaultsForTheRest) {
    Conversation talk;
    talk.ask();
    talk.happened();

    talk.welcome(11, {.batch_items_max = 10});
    talk.happened();

    EXPECT_EQ(talk.started.limits, Limits{.batch_items_max = 10});
    EXPECT_EQ(talk.core.limits(), Limits{.batch_items_max = 10});
}

TEST(ClientCore, KeepsTheWindowAndTheOrderOfRequests) {
    Conversation talk({.window = 2});
    talk.ask();
    talk.ask();
    talk.ask();
    talk.happened();

    talk.welcome(11);
    EXPECT_THAT(talk.happened(),
                ElementsAre("session of epoch 3", "send query 1 in 11", "send query 3 in 11"));
    talk.answer(3);
    EXPECT_THAT(talk.happened(), ElementsAre("answered 3", "send query 4 in 11"));
    talk.answer(4);
    EXPECT_THAT(talk.happened(), ElementsAre("answered 4"));
    EXPECT_EQ(talk.core.pending(), 1U);
}

TEST(ClientCore, IgnoresWhatAnswersNothingAsked) {
    Conversation talk;
    const RequestId id = talk.ask();
    talk.happened();
    talk.say({.correlation = 99, .session = 5}, protocol::Welcome{.epoch = 1});  // another hello
    talk.say({.correlation = talk.hello_correlation, .session = 0}, protocol::Welcome{});
    talk.answer(id);  // no session yet
    EXPECT_THAT(talk.happened(), IsEmpty());
    talk.welcome(11);
    talk.happened();

    talk.answer(99);
    talk.say({.correlation = id, .session = 10}, protocol::QueryAnswer{});   // of another session
    talk.say({.correlation = id, .session = 11}, protocol::CancelAnswer{});  // of another type
    talk.core.receive({.type = protocol::QueryAnswer::type, .correlation = id, .session = 11},
                      "not a body", {}, talk.now, talk.effects);
    talk.welcome(12);  // a second time
    talk.session = 11;
    EXPECT_THAT(talk.happened(), IsEmpty());

    talk.answer(id);
    talk.answer(id);
    EXPECT_THAT(talk.happened(), ElementsAre("answered " + std::to_string(id)));
}

TEST(ClientCore, AsksAgainAfterReconnectWithTheSameIdAndOctets) {
    Conversation talk;
    const RequestId id = talk.ask(protocol::Cancel{.tasks = {std::uint64_t{5}}});
    talk.happened();
    talk.welcome(11);
    talk.happened();
    const protocol::Packet first = talk.last_sent;

    talk.pass(2'499ms);  // pings may go
    EXPECT_THAT(talk.happened(), ElementsAre("send ping in 11"));
    talk.pass(1ms);
    EXPECT_THAT(talk.happened(), ElementsAre("reconnect"));
    EXPECT_FALSE(talk.core.has_session());
    talk.pass_to_next(200ms);
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
    talk.welcome(12);
    EXPECT_THAT(talk.happened(),
                ElementsAre("session of epoch 3", "send cancel " + std::to_string(id) + " in 12"));

    EXPECT_EQ(talk.last_sent.body, first.body);
    EXPECT_EQ(talk.last_sent.header.correlation, first.header.correlation);
    EXPECT_EQ(talk.last_sent.header.session, 12U);
}

TEST(ClientCore, PausesLongerBetweenReconnectsUntilTheBrokerWorksAgain) {
    Conversation talk;
    const RequestId id = talk.ask();
    talk.happened();

    std::vector<Duration> pauses;
    for (int i = 0; i < 8; ++i) {
        talk.pass(2'500ms);
        EXPECT_THAT(talk.happened(), ElementsAre("reconnect"));
        const Instant lost = talk.now.steady;
        talk.pass_to_next(5s);
        EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
        pauses.push_back(talk.now.steady - lost);
    }
    Duration longest = 200ms;
    for (const Duration pause : pauses) {
        EXPECT_GE(pause, longest / 2);
        EXPECT_LE(pause, longest);
        longest = std::min<Duration>(longest * 2, 5s);
    }

    talk.welcome(11);
    talk.answer(id);
    talk.happened();
    talk.say({.session = 11}, protocol::Bye{});
    EXPECT_THAT(talk.happened(), ElementsAre("reconnect"));
    talk.ask();
    const Instant asked = talk.now.steady;
    talk.pass_to_next();
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
    EXPECT_LE(talk.now.steady - asked, 200ms);
}

TEST(ClientCore, SaysHelloAtOnceWhenItsSessionIsUnknown) {
    Conversation talk;
    talk.begin();
    talk.pass(1h);
    EXPECT_THAT(talk.happened(), IsEmpty());  // idle: nothing is sent
    EXPECT_EQ(talk.core.next_deadline(), std::nullopt);

    const RequestId a = talk.ask();
    const RequestId b = talk.ask();
    talk.happened();
    talk.refuse(a, Refusal::not_registered);
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
    talk.refuse(b, Refusal::not_registered);  // of the same session: one hello is enough
    EXPECT_THAT(talk.happened(), IsEmpty());

    talk.welcome(12);
    EXPECT_THAT(talk.happened(),
                ElementsAre("session of epoch 3", "send query " + std::to_string(a) + " in 12",
                            "send query " + std::to_string(b) + " in 12"));
}

TEST(ClientCore, DoesNotSpinWhenSessionsAreForgottenAtOnce) {
    Conversation talk;
    talk.begin();
    const RequestId id = talk.ask();
    talk.refuse(id, Refusal::not_registered);
    talk.happened();
    talk.welcome(12);
    talk.happened();

    talk.refuse(id, Refusal::not_registered);
    EXPECT_THAT(talk.happened(), IsEmpty());

    talk.pass_to_next(1s);
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
}

TEST(ClientCore, AsksAgainLaterWhenTheRefusalCanPass) {
    Conversation talk;
    talk.begin();
    const RequestId id = talk.ask();
    const std::string again = "send query " + std::to_string(id) + " in 11";
    talk.happened();

    talk.refuse(id, Refusal::retry_later);
    EXPECT_THAT(talk.happened(), IsEmpty());
    talk.pass_to_next(200ms);
    EXPECT_THAT(talk.happened(), ElementsAre(again));

    talk.refuse(id, Refusal::shutting_down, 800ms);
    const Instant refused = talk.now.steady;
    talk.pass(799ms);
    EXPECT_THAT(talk.happened(), IsEmpty());
    talk.pass_to_next(1ms);
    EXPECT_THAT(talk.happened(), ElementsAre(again));
    EXPECT_EQ(talk.now.steady - refused, 800ms);

    talk.answer(id);
    EXPECT_THAT(talk.happened(), ElementsAre("answered " + std::to_string(id)));
}

TEST(ClientCore, FailsWithTheLastRefusalWhenTimeIsUpBecauseNothingHappened) {
    Conversation talk;
    talk.begin();
    const RequestId id = talk.ask(protocol::Query{}, 1s);
    talk.happened();

    talk.refuse(id, Refusal::retry_later, 5s);
    talk.pass_to_next(1s);

    EXPECT_THAT(talk.happened(), ElementsAre("failed " + std::to_string(id) + " unavailable"));
    EXPECT_EQ(talk.error, (Error{ErrorCode::unavailable, "said so", "retry_later"}));
    EXPECT_EQ(talk.core.pending(), 0U);
}

TEST(ClientCore, FailsAtOnceWhenARetryCannotHelp) {
    Conversation talk;
    talk.begin();
    const RequestId id = talk.ask();
    talk.happened();

    talk.refuse(id, Refusal::bad_value);

    EXPECT_THAT(talk.happened(), ElementsAre("failed " + std::to_string(id) + " malformed"));
    EXPECT_EQ(talk.error, (Error{ErrorCode::malformed, "said so", "bad_value"}));
}

TEST(ClientCore, SaysAtTheDeadlineWhetherTheRequestMayHaveTakenEffect) {
    Conversation talk;
    const RequestId unsent = talk.ask(protocol::Query{}, 1s);
    talk.happened();
    talk.pass(1s);
    EXPECT_THAT(talk.happened(), ElementsAre("failed " + std::to_string(unsent) + " timed_out"));
    EXPECT_EQ(talk.error.detail, "no answer from the broker in time; the request was not sent");
    EXPECT_TRUE(talk.error.is_unsent);

    talk.welcome(11);
    const RequestId sent = talk.ask(protocol::Query{}, 1s);
    talk.happened();
    talk.pass(1s);
    EXPECT_THAT(talk.happened(), ElementsAre("failed " + std::to_string(sent) + " timed_out"));
    EXPECT_EQ(talk.error.detail,
              "no answer from the broker in time; the request may have taken effect");
    EXPECT_FALSE(talk.error.is_unsent);
    talk.answer(sent);
    EXPECT_THAT(talk.happened(), IsEmpty());
}

TEST(ClientCore, KeepsItsDeadlineThroughReconnects) {
    Conversation talk;
    const RequestId id = talk.ask(protocol::Query{}, 10s);
    const Instant asked = talk.now.steady;

    while (talk.core.pending() > 0) {
        talk.pass_to_next();
    }

    EXPECT_EQ(talk.now.steady - asked, 10s);
    EXPECT_EQ(talk.happened().back(), "failed " + std::to_string(id) + " timed_out");
    talk.pass(1h);
    EXPECT_THAT(talk.happened(), IsEmpty());
}

TEST(ClientCore, FailsEverythingWhenTheBrokerRefusesItsHello) {
    Conversation talk;
    const RequestId a = talk.ask();
    const RequestId b = talk.ask();
    talk.happened();

    talk.refuse(talk.hello_correlation, Refusal::unsupported);

    EXPECT_THAT(talk.happened(), ElementsAre("failed " + std::to_string(a) + " refused",
                                             "failed " + std::to_string(b) + " refused"));
    EXPECT_EQ(talk.error.name, "unsupported");
}

TEST(ClientCore, RepeatsItsHelloLaterWhenTheBrokerIsBusy) {
    Conversation talk;
    talk.ask();
    talk.happened();

    talk.refuse(talk.hello_correlation, Refusal::retry_later, 700ms);
    talk.pass(699ms);
    EXPECT_THAT(talk.happened(), IsEmpty());
    talk.pass(1ms);

    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
}

TEST(ClientCore, ReconnectsAfterBye) {
    Conversation talk;
    talk.begin();
    const RequestId id = talk.ask();
    talk.happened();

    talk.say({.session = 11}, protocol::Bye{.reason = "shutting down"});
    EXPECT_THAT(talk.happened(), ElementsAre("reconnect"));
    talk.pass_to_next(200ms);
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
    talk.welcome(12);

    EXPECT_THAT(talk.happened(),
                ElementsAre("session of epoch 3", "send query " + std::to_string(id) + " in 12"));
}

TEST(ClientCore, PingsWhileItListensAndLosesASilentBroker) {
    Conversation talk;
    talk.begin();
    talk.pass(1h);
    EXPECT_THAT(talk.happened(), IsEmpty());

    talk.core.set_listening(true);
    talk.pass();
    EXPECT_THAT(talk.happened(), ElementsAre("send ping in 11"));
    talk.pong();
    talk.pass_to_next(1s);
    EXPECT_THAT(talk.happened(), ElementsAre("send ping in 11"));
    for (int i = 0; i < 3; ++i) {
        talk.pass_to_next(1s);
        EXPECT_THAT(talk.happened(), ElementsAre("send ping in 11"));
    }

    talk.pass_to_next(1s);
    EXPECT_THAT(talk.happened(), ElementsAre("reconnect"));
    talk.pass_to_next(200ms);
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));

    talk.core.set_listening(false);
    talk.welcome(12);
    talk.pass(1h);
    EXPECT_THAT(talk.happened(), ElementsAre("session of epoch 3"));
}

TEST(ClientCore, OpensASessionJustToListen) {
    Conversation talk;

    talk.core.set_listening(true);
    talk.pass_to_next();

    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
}

TEST(ClientCore, HandsOnWhatWasNotAskedFor) {
    Conversation talk;
    talk.begin();

    talk.say({.session = 11}, protocol::Outcomes{});
    talk.say({.session = 10}, protocol::Outcomes{});  // of a session that is over

    EXPECT_THAT(talk.happened(), ElementsAre("notified 22"));
}

TEST(ClientCore, NoticesAHoleInTheOutcomes) {
    Conversation talk;
    talk.begin();

    talk.outcomes(1);
    talk.outcomes(2);
    EXPECT_THAT(talk.happened(), ElementsAre("notified 22", "notified 22"));

    talk.outcomes(4);
    EXPECT_THAT(talk.happened(), ElementsAre("missed", "notified 22"));
    talk.outcomes(3);  // late, or a repeat
    EXPECT_THAT(talk.happened(), ElementsAre("notified 22"));
}

TEST(ClientCore, AnswersAPingOfTheBroker) {
    Conversation talk;
    talk.begin();

    talk.say({.correlation = 77, .session = talk.session}, protocol::Ping{});

    EXPECT_THAT(talk.happened(), ElementsAre("send pong in 11"));
    EXPECT_EQ(talk.correlation_sent, 77U);
}

TEST(ClientCore, NoticesOutcomesThatAreMissingWhenTheNextPongComes) {
    Conversation talk;
    talk.begin();
    talk.core.set_listening(true);
    talk.outcomes(1);
    talk.happened();

    // They may still wait for the broker's disk.
    talk.pong(2);
    EXPECT_THAT(talk.happened(), IsEmpty());
    talk.outcomes(2);
    talk.pong(3);
    EXPECT_THAT(talk.happened(), ElementsAre("notified 22"));

    talk.pong(3);
    EXPECT_THAT(talk.happened(), ElementsAre("missed"));
    talk.pong(3);
    EXPECT_THAT(talk.happened(), IsEmpty());
}

TEST(ClientCore, CountsOutcomesAnewInEverySession) {
    Conversation talk;
    talk.begin();
    talk.outcomes(1);
    talk.outcomes(2);
    talk.core.set_listening(true);
    talk.pong(5);
    talk.say({.session = 11}, protocol::Bye{});
    talk.pass_to_next();
    talk.happened();
    talk.welcome(12);
    talk.happened();

    talk.outcomes(1);
    talk.pong(1);
    talk.pong(1);

    EXPECT_THAT(talk.happened(), ElementsAre("notified 22"));
}

TEST(ClientCore, ForgetsAnAbandonedRequest) {
    Conversation talk({.window = 1});
    const RequestId a = talk.ask();
    const RequestId b = talk.ask();
    talk.happened();
    talk.welcome(11);
    talk.happened();

    talk.core.abandon(a);
    talk.core.abandon(99);
    talk.core.check_invariants();
    talk.answer(a);

    EXPECT_THAT(talk.happened(), ElementsAre("send query " + std::to_string(b) + " in 11"));
}

TEST(ClientCore, SaysGoodbyeOnceAndBeginsAnewWhenNeeded) {
    Conversation talk;
    talk.begin();

    talk.core.leave(talk.effects);
    talk.core.leave(talk.effects);
    EXPECT_THAT(talk.happened(), ElementsAre("send bye in 11"));

    talk.ask();
    EXPECT_THAT(talk.happened(), ElementsAre("send hello in 0"));
}

TEST(ClientCore, CarriesLargePayloadsThroughEveryRepetition) {
    Conversation talk;
    const std::string payload(5'000, 'x');
    talk.ask(protocol::Submit{.items = {{.kind = "echo", .payload = std::string_view(payload)}}});
    talk.happened();
    talk.welcome(11);
    talk.happened();
    ASSERT_EQ(talk.last_sent.payloads.size(), 1U);
    talk.pass(2'500ms);
    talk.pass_to_next();
    talk.happened();

    talk.welcome(12);
    talk.happened();

    ASSERT_EQ(talk.last_sent.payloads.size(), 1U);
    EXPECT_EQ(talk.last_sent.payloads[0].view(), payload);
    EXPECT_EQ(talk.last_sent.header.payloads, 1U);
}

}  // namespace
}  // namespace xebec::client

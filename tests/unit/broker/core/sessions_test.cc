#include "tests/unit/broker/core/fixture.h"

#include <algorithm>
#include <numeric>

namespace xebec::broker {
namespace {

TEST(Session, BeginsWithAWelcomeThatNamesTheLimits) {
    Fixture broker(CoreOptions{});

    const Welcome welcome = broker.hello("c", {.role = Role::client});

    EXPECT_NE(broker.session("c"), 0U);
    EXPECT_EQ(welcome.epoch, Fixture::epoch);
    EXPECT_EQ(welcome.heartbeat_ms, 6'000U);
    EXPECT_EQ(welcome.liveness_ms, 30'000U);
    EXPECT_EQ(welcome.limits.payload_octets_max, 16U << 20);
    EXPECT_EQ(welcome.limits.batch_items_max, 4'096U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Session, IsNeededForEverythingButHelloAndAFirstPing) {  // I17
    Fixture broker;

    EXPECT_EQ(broker.refusal("c", Submit{.items = {Fixture::item(1)}}), Refusal::not_registered);
    EXPECT_EQ(broker.refusal("c", Done{}), Refusal::not_registered);
    broker.ask<Pong>("c", Ping{});

    EXPECT_EQ(broker.records(), 0U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Session, OfAWorkerAsksNothingThatIsAClientsToAsk) {
    Fixture broker;
    broker.work("w");

    EXPECT_EQ(broker.refusal("w", Submit{.items = {Fixture::item(1)}}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", Cancel{.bulk = true}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", List{}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", Pause{.queues = {"default"}}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", Snapshot{}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", Backup{}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("w", Drain{.workers = {"w"}}), Refusal::unsupported);
    broker.ask<DrainAnswer>("w", Drain{});

    EXPECT_EQ(broker.records(), 0U);
}

TEST(Session, NamesTheEpochWhenItIsUnknown) {
    Fixture broker;
    const std::uint64_t correlation = broker.receive("c", Ping{}, 4711);

    const auto error = broker.answer_to<ErrorAnswer>("c", correlation);

    EXPECT_EQ(error.code, static_cast<int>(Refusal::not_registered));
    EXPECT_EQ(error.name, "not_registered");
    EXPECT_TRUE(error.retryable);
    EXPECT_EQ(error.epoch, Fixture::epoch);
}

TEST(Session, BelongsToItsConnection) {  // I16
    Fixture broker;
    const std::uint64_t session = broker.work("w");
    broker.submit(1);
    const AssignItem task = broker.assigned_one("w");
    broker.set_port("elsewhere", Port::workers);

    const std::uint64_t correlation =
        broker.receive("elsewhere", Done{.items = {{.id = task.id, .fence = task.fence}}}, session);

    EXPECT_EQ(broker.answer_to<ErrorAnswer>("elsewhere", correlation).code,
              static_cast<int>(Refusal::not_registered));
    EXPECT_EQ(broker.state(1), TaskState::leased);
    broker.say("elsewhere", Bye{});
    broker.take<ErrorAnswer>("elsewhere");
    EXPECT_EQ(broker.done("w", task), FinishStatus::accepted) << "the session was not touched";
}

TEST(Session, IsNotLostWithAConnectionThatOnlyKnewItsNumber) {  // I16
    Fixture broker;
    const std::uint64_t session = broker.work("w");
    broker.set_port("elsewhere", Port::workers);
    broker.receive("elsewhere", Ping{}, session);

    broker.lose("elsewhere");

    broker.forget();
    broker.ask<Pong>("w", Ping{});
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Session, EndsWithAHelloOnTheSameConnection) {  // I17
    Fixture broker;
    broker.submit(1);
    const std::uint64_t old = broker.work("w");
    const AssignItem task = broker.assigned_one("w");

    broker.work("w");

    EXPECT_NE(broker.session("w"), old);
    EXPECT_EQ(broker.take_notices<WorkerLeft>().size(), 1U);
    const AssignItem again = broker.assigned_one("w");
    EXPECT_EQ(again.id, task.id);
    const std::uint64_t correlation =
        broker.receive("w", Done{.items = {{.id = again.id, .fence = again.fence}}}, old);
    EXPECT_EQ(broker.answer_to<ErrorAnswer>("w", correlation).code,
              static_cast<int>(Refusal::not_registered));
    EXPECT_EQ(broker.done("w", task), FinishStatus::stale);
    EXPECT_EQ(broker.done("w", again), FinishStatus::accepted);
}

TEST(Session, OfASilentClientIsForgotten) {
    Fixture broker(CoreOptions{});
    broker.connect("c");

    broker.pass(29'999ms);
    EXPECT_EQ(broker.core.sessions().size(), 1U);
    broker.pass(1ms);

    EXPECT_EQ(broker.core.sessions().size(), 0U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Hello, IsRefusedForWhatItCannotBe) {  // F25
    Fixture broker;
    const Hello good = broker.hello_of("w", {});
    std::vector<Hello> bad(10, good);
    bad[0].major_min = 2;
    bad[0].major_max = 3;
    bad[1].role = Role::client;
    bad[2].name = "";
    bad[3].kinds = {};
    bad[4].kinds = {"no spaces"};
    bad[5].queues = {"no.dots"};
    bad[6].slots = 0;
    bad[7].slots = 4'097;
    bad[8].name = "with space";
    bad[9].kinds = std::vector<std::string_view>(257, "k");
    broker.set_port("w", Port::workers);

    for (const Hello& hello : bad) {
        EXPECT_EQ(broker.refusal("w", hello), Refusal::bad_value);
    }

    EXPECT_EQ(broker.core.sessions().size(), 0U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Hello, OfAWorkerIsRefusedOnTheClientsPort) {
    Fixture broker;

    EXPECT_EQ(broker.refusal("c", broker.hello_of("c", {})), Refusal::bad_value);
}

TEST(Hello, LeavesNoNamesBehind) {  // I18, F22
    Fixture broker;
    std::vector<std::string> kinds;
    for (int i = 0; i < 256; ++i) {
        kinds.push_back("kind" + std::to_string(i));
    }
    const std::string before = dump(broker.core.state());
    broker.work("w", {.kinds = kinds});
    Hello client{.role = Role::client};
    client.kinds = {"not a kind", "another one that is not"};

    broker.hello("c", client);

    EXPECT_FALSE(broker.core.state().queues().find_kind("kind7"));
    EXPECT_FALSE(broker.core.state().queues().find_kind("not a kind"));
    EXPECT_EQ(dump(broker.core.state()), before);
}

TEST(Hello, OfAKindThatComesLaterIsServedAllTheSame) {
    Fixture broker;
    broker.work("w", {.kinds = {"later"}});

    broker.submit(Fixture::item(1, "later"));

    EXPECT_EQ(broker.assigned_one("w").kind, "later");
}

TEST(Epoch, IsRaisedByAPeerThatHasSeenAHigherOne) {  // I6, F26
    Fixture broker;
    broker.work("w");
    broker.submit(1);
    const AssignItem before = broker.assigned_one("w");

    const Welcome welcome = broker.hello("c", {.role = Role::client, .epoch_seen = 40});

    EXPECT_EQ(welcome.epoch, 41U);
    EXPECT_EQ(broker.take_raised_epoch(), 41U);
    broker.release("w", Fixture::lease(before));
    EXPECT_EQ(Fence::of(broker.assigned_one("w").fence).epoch, 41U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Epoch, IsNotRaisedByALowerOrAnImpossibleOne) {
    Fixture broker;

    for (const std::uint64_t seen :
         {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{4'000'000'000}, UINT64_MAX}) {
        EXPECT_EQ(broker.hello("c", {.role = Role::client, .epoch_seen = seen}).epoch, 7U);
    }

    EXPECT_FALSE(broker.take_raised_epoch());
}

TEST(Epoch, CannotBeLedStepByStepToItsEnd) {  // F22
    Fixture broker;
    const auto wall = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::seconds>(Fixture::start_wall).time_since_epoch().count());
    constexpr std::uint64_t lead = 400 * 86'400;

    for (int i = 0; i < 100; ++i) {
        broker.hello("c", {.role = Role::client, .epoch_seen = broker.core.epoch() + lead - 1});
        broker.hello("c", {.role = Role::client, .epoch_seen = wall + lead - 1});
    }

    EXPECT_LE(broker.core.epoch(), wall + lead);
}

TEST(Malformed, IsAnsweredOnceAndCounted) {  // F23
    Fixture broker;
    broker.connect("c");
    const Peer peer = broker.address("c");
    const Header header{.type = Submit::type, .correlation = 99, .session = 5};

    broker.apply(ReceivedMalformed{peer, header, {.code = 2, .name = "bad_body", .text = "why"}});

    const auto error = broker.answer_to<ErrorAnswer>("c", 99);
    EXPECT_EQ(error.name, "bad_body");
    EXPECT_EQ(error.epoch, Fixture::epoch);
    EXPECT_EQ(broker.ask<StatsAnswer>("c", Stats{}).figures.totals.malformed, 1U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Malformed, IsNotAnsweredIfItWasAnErrorOrNoMessageAtAll) {  // F23
    Fixture broker;
    const Peer peer = broker.address("c");

    broker.apply(ReceivedMalformed{peer, {.type = ErrorAnswer::type}, {.code = 2}});
    broker.apply(ReceivedForeign{});
    broker.receive("c", ErrorAnswer{.code = 4}, 4711);  // of a session nobody knows
    broker.settle();

    EXPECT_TRUE(broker.is_quiet());
    EXPECT_EQ(broker.records(), 0U);
}

TEST(Messages, ThatOnlyABrokerSendsAreRefused) {
    Fixture broker;
    broker.connect("c");

    EXPECT_EQ(broker.refusal("c", Welcome{}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("c", Assign{}), Refusal::unsupported);
    EXPECT_EQ(broker.refusal("c", SubmitAnswer{}), Refusal::unsupported);
    broker.say("c", ErrorAnswer{.code = 3});

    EXPECT_TRUE(broker.is_quiet());
}

TEST(Ping, IsAnsweredAtOnceAndShowsNothing) {
    Fixture broker;
    broker.connect("c");
    const std::uint64_t correlation = broker.receive("c", Ping{});

    const auto sent = broker.take_all();

    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(sent[0].at_once);
    EXPECT_EQ(sent[0].header().correlation, correlation);
    EXPECT_EQ(sent[0].header().session, broker.session("c"));
}

// Asks for a payload of a mebibyte until it is refused; nothing that comes is read.
std::uint64_t ask_without_reading(Fixture& broker) {
    std::uint64_t octets = 0;
    for (int i = 0; i < 100; ++i) {
        broker.receive("c", Query{.tasks = {Fixture::id(1)}, .with_payload = true});
        broker.settle();
        for (const Sent& sent : broker.take_all()) {
            octets += sent.packet->body.size();
            for (const Blob& payload : sent.packet->payloads) {
                octets += payload.size();
            }
        }
    }
    return octets;
}

CoreOptions inline_up_to_a_mebibyte() {
    CoreOptions options = patient();
    options.limits.inline_octets_max = 1 << 20;
    return options;
}

void expect_bounded(const CoreOptions& options) {
    Fixture broker(options);
    const std::string payload(1 << 20, 'x');
    SubmitItem item = Fixture::item(1);
    item.payload = std::string_view(payload);
    broker.submit(item);
    broker.connect("c");
    broker.forget();

    EXPECT_LT(ask_without_reading(broker), 34U << 20);

    broker.hello("c", {});  // the same connection, and still full
    EXPECT_EQ(broker.refusal("c", Query{.tasks = {Fixture::id(1)}}), Refusal::retry_later);
    broker.connect("other");
    EXPECT_EQ(broker.ask<QueryAnswer>("other", Query{.tasks = {Fixture::id(1)}}).items.size(), 1U);
}

TEST(Reader, ThatReadsNothingIsSentABoundedAmount) {  // F20, I18
    expect_bounded(inline_up_to_a_mebibyte());
}

TEST(Reader, ThatReadsNoFramesIsSentABoundedAmount) {  // F14, F20, I18
    expect_bounded(patient());
}

TEST(Reader, ThatAnswersPingsIsSentAllItAsksFor) {
    Fixture broker(inline_up_to_a_mebibyte());
    const std::string payload(1 << 20, 'x');
    SubmitItem item = Fixture::item(1);
    item.payload = std::string_view(payload);
    broker.submit(item);
    const std::uint64_t session = broker.connect("c");
    broker.forget();

    int answers = 0;
    for (int i = 0; i < 100; ++i) {
        broker.receive("c", Query{.tasks = {Fixture::id(1)}, .with_payload = true});
        broker.settle();
        for (const Sent& sent : broker.take_all()) {
            answers += std::holds_alternative<QueryAnswer>(sent.message) ? 1 : 0;
            if (std::holds_alternative<Ping>(sent.message)) {
                const Packet pong =
                    encode({.correlation = sent.header().correlation, .session = session}, Pong{});
                const Peer peer = broker.address("c");
                broker.apply(Received{peer, pong.header, Pong{}});
            }
        }
    }

    EXPECT_EQ(answers, 100);
}

// A client waits for tasks whose results are a mebibyte each, and a worker runs them all.
class Waiting : public ::testing::Test {
protected:
    static constexpr std::uint32_t tasks = 60;

    explicit Waiting(const CoreOptions& options = patient()) : broker(options) {
        session = broker.connect("c");
        broker.submit_many(1, tasks);
        std::vector<TaskRef> all;
        for (std::uint32_t n = 1; n <= tasks; ++n) {
            all.push_back(Fixture::id(n));
        }
        broker.ask<WaitAnswer>("c", Wait{.tasks = all});
        broker.work("w", {.slots = tasks, .credit = tasks});
        for (const AssignItem& task : broker.assigned("w")) {
            broker.receive("w", Done{.items = {{.id = task.id,
                                                .fence = task.fence,
                                                .result = std::string_view(result)}}});
            broker.settle();
            take();
        }
    }

    void take() {
        for (const Sent& sent : broker.take_all()) {
            if (sent.peer != broker.address("c")) {
                continue;
            }
            for (const Blob& payload : sent.packet->payloads) {
                octets += payload.size();
            }
            if (std::holds_alternative<Ping>(sent.message)) {
                proof = sent.header().correlation;
            } else if (const auto* message = std::get_if<Outcomes>(&sent.message)) {
                for (const OutcomeItem& item : message->items) {
                    told.push_back(item.number);
                    removed += item.error && item.error->error_class == "removed" ? 1 : 0;
                }
            }
        }
    }

    // The client reads all that was sent, until no more comes.
    void read_all() {
        while (proof) {
            const Packet pong =
                encode({.correlation = *std::exchange(proof, {}), .session = session}, Pong{});
            broker.apply(Received{broker.address("c"), pong.header, Pong{}});
            broker.settle();
            take();
        }
    }

    Fixture broker;
    std::uint64_t session = 0;
    const std::string result = std::string(1 << 20, 'r');
    std::optional<std::uint64_t> proof;
    std::uint64_t octets = 0;
    std::vector<std::uint64_t> told;  // numbers
    std::size_t removed = 0;
};

TEST_F(Waiting, WithoutReadingIsToldABoundedAmount) {  // F14, F20, I18
    EXPECT_LT(octets, 34U << 20);
    EXPECT_GT(told.size(), 20U);
}

TEST_F(Waiting, AndReadingIsToldTheRestOnce) {  // L3
    read_all();

    EXPECT_EQ(octets, std::uint64_t{tasks} << 20);
    std::sort(told.begin(), told.end());
    std::vector<std::uint64_t> numbers(tasks);
    std::iota(numbers.begin(), numbers.end(), 1);
    EXPECT_EQ(told, numbers);
    EXPECT_EQ(removed, 0U);
}

TEST_F(Waiting, ForWhatWasHeldBackIsToldOfAStop) {  // F27, L3
    broker.apply(StopRequested{});
    broker.settle();

    EXPECT_EQ(broker.take_one<ErrorAnswer>("c").name, "shutting_down");
}

TEST_F(Waiting, TooLongIsToldOfWhatWasRemovedMeanwhile) {  // L3, I11
    const std::size_t before = told.size();
    broker.connect("other");
    broker.ask<QueueSetAnswer>("other",
                               QueueSet{.name = "default", .settings = {.retention_ms = 1}});
    broker.pass(std::chrono::seconds{1});
    take();

    read_all();

    EXPECT_EQ(told.size(), tasks);
    EXPECT_EQ(removed, tasks - before);
}

}  // namespace
}  // namespace xebec::broker

// ZeroMQ behind its one door: messages come and go whole, and what cannot be sent says so.

#include "runtime/sockets.h"

#include "protocol/envelope.h"
#include "runtime/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace xebec::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Sockets : public ::testing::Test {
protected:
    // Waits with a generous limit for a message to come.
    static bool receive(Socket& socket, Multipart& message) {
        const Instant limit = now().steady + 10s;
        Poller poller;
        const std::size_t index = poller.add(socket);
        while (!socket.receive(message)) {
            poller.wait_until(limit);
            if (!poller.is_ready(index)) {
                return false;
            }
        }
        return true;
    }

    static std::vector<std::string> strings(const Multipart& message) {
        return {message.frames().begin(), message.frames().end()};
    }

    static std::vector<FrameOut> frames(const std::vector<std::string_view>& octets) {
        std::vector<FrameOut> out;
        for (const std::string_view each : octets) {
            out.push_back({each, {}});
        }
        return out;
    }

    Context context_;
    Socket router_{context_, SocketType::router};
    Socket dealer_{context_, SocketType::dealer};
    Multipart message_;

    void connect() { dealer_.connect(router_.bind("tcp://127.0.0.1:*")); }

    // The routing id that the router gave the dealer.
    std::string introduce() {
        connect();
        dealer_.send(frames({"", "hello"}));
        EXPECT_TRUE(receive(router_, message_));
        return std::string(message_.frames()[0]);
    }
};

TEST_F(Sockets, CarryAPacketWholeBothWays) {
    const std::string peer = introduce();
    const Blob small = Blob::copy_of("small");
    const Blob large = Blob::copy_of(std::string(100'000, 'l'));
    const protocol::Packet packet{
        .header = {.type = 34, .correlation = 7, .session = 9, .payloads = 3},
        .body = "body",
        .payloads = {small, large, Blob()}};

    const std::string address[] = {peer};
    ASSERT_EQ(router_.send(address, packet), SendResult::sent);
    ASSERT_TRUE(receive(dealer_, message_));

    const auto envelope = protocol::parse_envelope(message_.frames());
    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->address_count, 0U);
    EXPECT_EQ(envelope->header, packet.header);
    EXPECT_EQ(message_.frames()[envelope->body], "body");
    EXPECT_EQ(envelope->payload_count, 3U);
    EXPECT_EQ(message_.frames()[3], small.view());
    EXPECT_EQ(message_.frames()[4], large.view());
    EXPECT_EQ(message_.frames()[5], "");
    EXPECT_FALSE(message_.is_cut());

    ASSERT_EQ(dealer_.send({}, packet), SendResult::sent);
    ASSERT_TRUE(receive(router_, message_));
    const auto back = protocol::parse_envelope(message_.frames());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->address_count, 1U);
    EXPECT_EQ(message_.frames()[0], peer);
    EXPECT_EQ(back->header, packet.header);
    EXPECT_EQ(message_.frames()[back->payload_first + 1], large.view());
}

TEST_F(Sockets, GiveFramesAwayThatOutliveTheMessage) {
    connect();
    const std::string large(50'000, 'l');
    dealer_.send(frames({"", "small", large}));
    ASSERT_TRUE(receive(router_, message_));

    const Blob small_taken = message_.take(2);
    const Blob large_taken = message_.take(3);
    dealer_.send(frames({"", "other", "more"}));
    ASSERT_TRUE(receive(router_, message_));

    EXPECT_EQ(small_taken.view(), "small");
    EXPECT_EQ(large_taken.view(), large);
    EXPECT_EQ(message_.frames()[2], "other");
}

TEST_F(Sockets, ShareLargeFramesUntilTheyAreSent) {
    const std::string peer = introduce();
    {
        const std::string address[] = {peer};
        protocol::Packet packet{.body = "b", .payloads = {Blob::copy_of(std::string(9'000, 'x'))}};
        ASSERT_EQ(router_.send(address, packet), SendResult::sent);
    }

    ASSERT_TRUE(receive(dealer_, message_));
    EXPECT_EQ(message_.frames()[3], std::string(9'000, 'x'));
}

// They are released on a thread of libzmq's.
TEST_F(Sockets, ShareConfinedOctetsThatTheyDoNotCopy) {
    const std::string peer = introduce();
    const Blob small = Blob::confined_copy_of("small");
    const Blob large = Blob::confined_copy_of(std::string(9'000, 'x'));
    const std::string address[] = {peer};

    ASSERT_EQ(router_.send(address, protocol::Packet{.body = "b", .payloads = {small, large}}),
              SendResult::sent);

    EXPECT_TRUE(small.is_confined());
    EXPECT_FALSE(large.is_confined());
    ASSERT_TRUE(receive(dealer_, message_));
    EXPECT_EQ(message_.frames()[3], "small");
    EXPECT_EQ(message_.frames()[4], large.view());
}

TEST_F(Sockets, SayThatAPeerIsGone) {
    connect();

    const std::string stranger[] = {std::string("\0who?", 5)};
    EXPECT_EQ(router_.send(stranger, protocol::Packet{.body = "b"}), SendResult::gone);
    EXPECT_FALSE(dealer_.receive(message_));
}

TEST_F(Sockets, SayThatAPeerDoesNotRead) {
    Socket router(context_, SocketType::router, {.send_messages_max = 2});
    Socket dealer(context_, SocketType::dealer, {.receive_messages_max = 2});
    dealer.connect(router.bind("tcp://127.0.0.1:*"));
    dealer.send(frames({"", "hello"}));
    ASSERT_TRUE(receive(router, message_));
    const std::string peer(message_.frames()[0]);

    // More than the kernel's buffers take.
    const std::string large(1 << 20, 'x');
    SendResult result = SendResult::sent;
    for (int i = 0; i < 1'000 && result == SendResult::sent; ++i) {
        result = router.send(frames({peer, large}));
    }

    EXPECT_EQ(result, SendResult::stalled);
}

TEST_F(Sockets, KeepABoundedNumberOfFrames) {
    connect();
    std::vector<std::string_view> many(Multipart::frames_max, "f");
    dealer_.send(frames(many));  // the router adds its own
    ASSERT_TRUE(receive(router_, message_));
    EXPECT_TRUE(message_.is_cut());
    EXPECT_EQ(message_.frames().size(), Multipart::frames_max);

    many.pop_back();
    dealer_.send(frames(many));
    ASSERT_TRUE(receive(router_, message_));
    EXPECT_FALSE(message_.is_cut());
    EXPECT_EQ(message_.frames().size(), Multipart::frames_max);

    dealer_.send(frames({"next"}));
    ASSERT_TRUE(receive(router_, message_));
    EXPECT_FALSE(message_.is_cut());
    EXPECT_EQ(message_.frames().size(), 2U);
    EXPECT_FALSE(router_.receive(message_));
}

TEST_F(Sockets, ReceiveOnlyWhatIsThere) {
    connect();

    EXPECT_FALSE(router_.receive(message_));
    EXPECT_FALSE(dealer_.receive(message_));
    EXPECT_TRUE(message_.frames().empty());
}

TEST_F(Sockets, DropThePeerWhoseFrameIsTooLarge) {
    Socket router(context_, SocketType::router, {.frame_octets_max = 1'000});
    Socket hostile(context_, SocketType::dealer);
    Socket honest(context_, SocketType::dealer);
    const std::string endpoint = router.bind("tcp://127.0.0.1:*");
    hostile.connect(endpoint);
    honest.connect(endpoint);

    hostile.send(frames({"", std::string(1'001, 'x')}));
    honest.send(frames({"", std::string(1'000, 'y')}));

    ASSERT_TRUE(receive(router, message_));
    EXPECT_EQ(message_.frames()[2], std::string(1'000, 'y'));
    EXPECT_FALSE(router.receive(message_));
}

TEST_F(Sockets, PublishToThoseWhoSubscribe) {
    Socket publisher(context_, SocketType::xpub);
    Socket subscriber(context_, SocketType::sub, {.subscription = "task."});
    subscriber.connect(publisher.bind("tcp://127.0.0.1:*"));
    ASSERT_TRUE(receive(publisher, message_));
    EXPECT_THAT(strings(message_), ElementsAre("\x01task."));

    publisher.send(frames({"stat.", "figures"}));
    publisher.send(frames({"task.q.", "numbers", "updates"}));

    ASSERT_TRUE(receive(subscriber, message_));
    EXPECT_THAT(strings(message_), ElementsAre("task.q.", "numbers", "updates"));

    subscriber.unsubscribe("task.");
    ASSERT_TRUE(receive(publisher, message_));
    EXPECT_EQ(message_.frames()[0], std::string_view("\0task.", 6));
}

TEST_F(Sockets, SayWhyTheyCannotListen) {
    const std::string taken = router_.bind("tcp://127.0.0.1:*");
    Socket other(context_, SocketType::router);
    const auto complaint = [&other](const std::string& endpoint) -> std::string {
        try {
            other.bind(endpoint);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "no complaint";
    };

    EXPECT_THAT(taken, ::testing::StartsWith("tcp://127.0.0.1:"));
    EXPECT_THAT(complaint(taken), HasSubstr("is another broker running there?"));
    EXPECT_THAT(complaint("127.0.0.1:1"), HasSubstr("an endpoint looks like tcp://127.0.0.1:5555"));
    EXPECT_THAT(complaint("tcp://192.0.2.1:1"), HasSubstr("this machine has no such address"));
    EXPECT_THROW(other.connect("nonsense"), std::runtime_error);
}

TEST_F(Sockets, LetTheirPortGo) {
    const std::string endpoint = router_.bind("tcp://127.0.0.1:*");
    router_.unbind(endpoint);

    Socket other(context_, SocketType::router);
    std::string bound;
    for (int i = 0; i < 1'000 && bound.empty(); ++i) {
        // The port is let go by ZeroMQ's own thread, soon.
        try {
            bound = other.bind(endpoint);
        } catch (const std::runtime_error&) {
            Poller().wait_until(now().steady + 5ms);
        }
    }
    EXPECT_EQ(bound, endpoint);
}

TEST(Poller, WaitsNoLongerThanItsDeadline) {
    Poller poller;

    const Instant start = now().steady;
    poller.wait_until(start + 20ms);
    EXPECT_GE(now().steady, start + 20ms);

    poller.wait_until(start);  // in the past: at once
    EXPECT_LT(now().steady, start + 10s);
}

TEST(Endpoint, IsLoopbackOnlyWhenItCannotBeReachedFromElsewhere) {
    for (const char* local :
         {"tcp://127.0.0.1:5555", "tcp://127.1.2.3:*", "tcp://localhost:5555", "tcp://[::1]:5555",
          "ipc:///tmp/xebec", "ipc://@abstract", "inproc://x"}) {
        EXPECT_TRUE(is_loopback(local)) << local;
    }
    for (const char* open :
         {"tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://10.0.0.1:5555", "tcp://[::]:5555",
          "tcp://eth0:5555", "tcp://127.example.com:5555", "tcp://localhost.example.com:5555",
          "tcp://[::1]:5555;10.0.0.1:5555", "tcp://127.0.0.1:0;10.0.0.1:5555", "", "tcp://",
          "udp://127.0.0.1:5555", "tcp://1270.0.0.1:1"}) {
        EXPECT_FALSE(is_loopback(open)) << open;
    }
}

TEST(Endpoint, IsCheckedBeforeLibzmqGuesses) {
    for (const char* good : {"tcp://127.0.0.1:5555", "tcp://10.0.0.1:1", "tcp://eth0:65535",
                             "ipc:///run/xebec.sock", "ipc://@abstract"}) {
        EXPECT_EQ(endpoint_problem(good, EndpointUse::listen), std::nullopt);
        EXPECT_EQ(endpoint_problem(good, EndpointUse::connect), std::nullopt);
    }
    for (const std::string bad : {"",
                                  "foo",
                                  "127.0.0.1:17555",
                                  "udp://127.0.0.1:17555",
                                  "TCP://127.0.0.1:17555",
                                  "inproc://here",
                                  "tcp://",
                                  "tcp://:17555",
                                  "tcp://127.0.0.1",
                                  "tcp://127.0.0.1:",
                                  "tcp://127.0.0.1:0",
                                  "tcp://127.0.0.1:-1",
                                  "tcp://127.0.0.1:+1",
                                  "tcp://127.0.0.1:65536",
                                  "tcp://127.0.0.1:99999",
                                  "tcp://127.0.0.1:17555x",
                                  "tcp://127.0.0.1:17555/",
                                  "tcp://127.0.0.1:17555 ",
                                  "tcp:// 127.0.0.1:17555",
                                  "tcp://127.0.0.1:0017555",
                                  "tcp://::1:17555",
                                  "tcp://[::1]:17555",
                                  "tcp://10.0.0.1:0;127.0.0.1:17555",
                                  "ipc://",
                                  "ipc://@",
                                  "ipc:///\x1B[31m"}) {
        EXPECT_NE(endpoint_problem(bad, EndpointUse::listen), std::nullopt) << bad;
        EXPECT_NE(endpoint_problem(bad, EndpointUse::connect), std::nullopt) << bad;
    }
    EXPECT_NE(endpoint_problem("ipc:///" + std::string(200, 'x'), EndpointUse::listen),
              std::nullopt);
}

TEST(Endpoint, MayLeaveTheChoiceOpenOnlyWhereItListens) {
    for (const char* open : {"tcp://*:5555", "tcp://127.0.0.1:*"}) {
        EXPECT_EQ(endpoint_problem(open, EndpointUse::listen), std::nullopt) << open;
        EXPECT_NE(endpoint_problem(open, EndpointUse::connect), std::nullopt) << open;
    }
    // libzmq finds a name when it connects, and does not when it listens.
    EXPECT_EQ(endpoint_problem("tcp://localhost:5555", EndpointUse::connect), std::nullopt);
    EXPECT_EQ(
        endpoint_problem("tcp://localhost:5555", EndpointUse::listen),
        "\"tcp://localhost:5555\" is not an endpoint: where to listen is an address and not a "
        "name, use 127.0.0.1");
}

TEST(Endpoint, IsRefusedWithASentence) {
    EXPECT_EQ(endpoint_problem("f\x1Boo", EndpointUse::listen),
              "\"f\\x1boo\" is not an endpoint such as tcp://127.0.0.1:5555 or "
              "ipc:///run/xebec.sock");
    EXPECT_EQ(endpoint_problem("tcp://127.0.0.1:99999", EndpointUse::listen),
              "\"tcp://127.0.0.1:99999\" is not an endpoint: a port is 1 to 65535, or * for a free "
              "one");
    EXPECT_EQ(endpoint_problem("tcp://127.0.0.1", EndpointUse::connect),
              "\"tcp://127.0.0.1\" is not an endpoint: it has no port");
}

}  // namespace
}  // namespace xebec::runtime

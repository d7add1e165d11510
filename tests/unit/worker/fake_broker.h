#pragma once
// The broker's end of a worker's connection, played by a test on its own thread.

#include "protocol/codec.h"
#include "protocol/envelope.h"
#include "runtime/clock.h"
#include "runtime/sockets.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::worker {

using namespace std::chrono_literals;

// One message of a worker, kept alive with the frames it borrows from.
struct Heard {
    std::string peer;
    Header header;
    std::string body;
    std::vector<Blob> payloads;
    protocol::Message message;
};

class FakeBroker {
public:
    FakeBroker() : socket_(context_, runtime::SocketType::router) {
        endpoint_ = socket_.bind("tcp://127.0.0.1:*");
        poller_.add(socket_);
    }

    const std::string& endpoint() const { return endpoint_; }

    // The next message of this type; pings are answered meanwhile, others are dropped. Nothing
    // after a generous time.
    template <class M>
    std::unique_ptr<Heard> wait_for(std::chrono::milliseconds limit = 20s) {
        const Instant end = runtime::now().steady + limit;
        while (runtime::now().steady < end) {
            poller_.wait_until(end);
            auto heard = receive();
            if (heard && std::holds_alternative<protocol::Ping>(heard->message)) {
                answer(*heard, protocol::Pong{});
            }
            if (heard && std::holds_alternative<M>(heard->message)) {
                return heard;
            }
        }
        ADD_FAILURE() << "message " << int{M::type} << " did not come";
        return nullptr;
    }

    void send(const Heard& to, const protocol::Message& message, std::uint64_t correlation = 0) {
        const std::vector<std::string> address{to.peer};
        socket_.send(address,
                     protocol::encode({.correlation = correlation, .session = session_}, message));
    }
    void answer(const Heard& heard, const protocol::Message& message) {
        send(heard, message, heard.header.correlation);
    }

    // Whether outcomes are accepted as they come.
    bool accepts = true;

    // Goes on for this long.
    void serve(std::chrono::milliseconds time) {
        poller_.wait_until(runtime::now().steady + time);
        while (receive()) {
        }
    }

    // Takes a worker in; the value is its hello.
    std::unique_ptr<Heard> welcome(protocol::Welcome welcome = {.epoch = 5}) {
        auto hello = wait_for<protocol::Hello>();
        if (hello) {
            ++session_;
            answer(*hello, welcome);
        }
        return hello;
    }

private:
    void accept(const Heard& heard) {
        using namespace protocol;
        if (const auto* done = std::get_if<Done>(&heard.message)) {
            answer(heard, DoneAnswer{accepted(done->items.size())});
        } else if (const auto* fail = std::get_if<Fail>(&heard.message)) {
            answer(heard, FailAnswer{accepted(fail->items.size())});
        } else if (const auto* release = std::get_if<Release>(&heard.message)) {
            answer(heard, ReleaseAnswer{accepted(release->leases.size())});
        }
    }

    static std::vector<protocol::FinishStatus> accepted(std::size_t count) {
        return std::vector(count, protocol::FinishStatus::accepted);
    }

    std::unique_ptr<Heard> receive() {
        runtime::Multipart message;
        if (!socket_.receive(message)) {
            return nullptr;
        }
        const auto envelope = protocol::parse_envelope(message.frames());
        if (!envelope) {
            ADD_FAILURE() << envelope.error().detail;
            return nullptr;
        }
        auto heard = std::make_unique<Heard>();
        heard->peer = std::string(message.frames()[0]);
        heard->header = envelope->header;
        heard->body = std::string(message.frames()[envelope->body]);
        for (std::size_t i = 0; i < envelope->payload_count; ++i) {
            heard->payloads.push_back(message.take(envelope->payload_first + i));
        }
        auto decoded = protocol::decode(heard->header, heard->body, heard->payloads);
        if (!decoded) {
            ADD_FAILURE() << decoded.error().detail;
            return nullptr;
        }
        heard->message = std::move(*decoded);
        if (accepts) {
            accept(*heard);
        }
        return heard;
    }

    runtime::Context context_;
    runtime::Socket socket_;
    runtime::Poller poller_;
    std::string endpoint_;
    std::uint64_t session_ = 100;
};

inline protocol::AssignItem task(std::uint8_t n, std::string_view kind,
                                 std::string_view payload = "") {
    protocol::AssignItem item{.fence = 7,
                              .number = n,
                              .kind = kind,
                              .queue = "default",
                              .payload = payload,
                              .content_type = ContentType::json,
                              .attempt = 1,
                              .lease_ms = 30'000};
    item.id.octets.fill(n);
    return item;
}

}  // namespace xebec::worker

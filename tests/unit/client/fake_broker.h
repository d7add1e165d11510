#pragma once
// A broker that says what a test tells it to: it welcomes and answers pings by itself, and hands
// everything else to the test's handler, on a thread of its own.

#include "protocol/codec.h"
#include "protocol/envelope.h"
#include "protocol/messages.h"
#include "runtime/clock.h"
#include "runtime/sockets.h"

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace xebec::client {

class FakeBroker {
public:
    using Handler =
        std::function<void(FakeBroker&, const Header& header, const protocol::Message&)>;

    struct Options {
        std::string endpoint = "tcp://127.0.0.1:*";
        protocol::Welcome welcome{.epoch = 1, .heartbeat_ms = 1'000, .liveness_ms = 5'000};
        bool answers_pings = true;
        std::uint64_t session_first = 100;
    };

    explicit FakeBroker(Handler handler) : FakeBroker(std::move(handler), Options{}) {}
    FakeBroker(Handler handler, Options options)
        : handler_(std::move(handler)),
          options_(std::move(options)),
          session_(options_.session_first) {
        std::promise<std::string> bound;
        std::future<std::string> endpoint = bound.get_future();
        thread_ = std::jthread([this, promise = std::move(bound)](
                                   const std::stop_token& stop) mutable { run(stop, promise); });
        endpoint_ = endpoint.get();
    }

    const std::string& endpoint() const { return endpoint_; }

    // After this, what the handler has written can be read.
    void stop() {
        thread_.request_stop();
        thread_.join();
    }

    // Waits, generously, until so many messages of this type have come.
    bool saw(std::uint8_t type, std::size_t count = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
            return static_cast<std::size_t>(std::count(types_.begin(), types_.end(), type)) >=
                   count;
        });
    }

    // ---- for the handler ----

    void answer(const Header& to, const protocol::Message& message) {
        socket_->send(
            std::vector{peer_},
            encode(Header{.correlation = to.correlation, .session = to.session}, message));
    }
    void refuse(const Header& to, Refusal refusal) {
        answer(to, protocol::ErrorAnswer{.code = static_cast<std::uint16_t>(refusal)});
    }
    void notify(const protocol::Message& message) {
        socket_->send(std::vector{peer_}, encode(Header{.session = session_}, message));
    }
    void answer_submit(const Header& to, const protocol::Submit& submit) {
        protocol::SubmitAnswer reply;
        for (std::size_t i = 0; i < submit.items.size(); ++i) {
            reply.items.push_back({.number = ++number_});
        }
        answer(to, reply);
    }

private:
    void run(const std::stop_token& stop, std::promise<std::string>& bound) {
        runtime::Context context;
        runtime::Socket socket(context, runtime::SocketType::router);
        socket_ = &socket;
        bound.set_value(socket.bind(options_.endpoint));
        runtime::Poller poller;
        poller.add(socket);
        runtime::Multipart message;
        while (!stop.stop_requested()) {
            poller.wait_until(runtime::now().steady + milliseconds{5});
            while (socket.receive(message)) {
                take(message);
            }
        }
    }

    void take(runtime::Multipart& message) {
        const auto envelope = protocol::parse_envelope(message.frames());
        if (!envelope) {
            return;
        }
        peer_ = message.frames()[0];
        std::vector<Blob> payloads;
        for (std::size_t i = 0; i < envelope->payload_count; ++i) {
            payloads.push_back(message.take(envelope->payload_first + i));
        }
        const Header& header = envelope->header;
        const auto decoded = protocol::decode(header, message.frames()[envelope->body], payloads);
        if (!decoded) {
            return;
        }
        if (std::holds_alternative<protocol::Hello>(*decoded)) {
            answer({.correlation = header.correlation, .session = ++session_}, options_.welcome);
        } else if (std::holds_alternative<protocol::Ping>(*decoded) && options_.answers_pings) {
            answer(header, protocol::Pong{});
        } else if (!std::holds_alternative<protocol::Bye>(*decoded)) {
            handler_(*this, header, *decoded);
        }
        const std::lock_guard lock(mutex_);
        types_.push_back(header.type);
        changed_.notify_all();
    }

    Handler handler_;
    Options options_;
    std::string endpoint_;
    runtime::Socket* socket_ = nullptr;
    std::string peer_;
    std::uint64_t session_;
    std::uint64_t number_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::uint8_t> types_;
    std::jthread thread_;
};

}  // namespace xebec::client

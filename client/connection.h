#pragma once
// A thread that owns a socket and a core: whoever holds it can ask the broker anything. The client
// library is built on it, and so are the commands that have no place in the library.

#include "client/core.h"
#include "protocol/codec.h"
#include "runtime/sockets.h"
#include "runtime/wakeup.h"

#include <xebec/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

namespace xebec::client {

struct ConnectionOptions {
    std::string broker;
    CoreOptions core;
};

class Connection {
public:
    using Action = std::function<void()>;
    using Answer = Result<protocol::Packet>;
    using TimerId = std::uint64_t;

    // What happens unasked, told on the connection's thread.
    struct Events {
        std::function<void(const protocol::Packet&)> on_notified;
        std::function<void()> on_session;  // a new one; see SessionStarted
        std::function<void()> on_missed;   // notifications; see NotificationsMissed
    };

    // Throws std::runtime_error if `broker` is not an endpoint. A broker need not be there yet.
    explicit Connection(ConnectionOptions options, Events events = {});
    ~Connection();  // what is under way is abandoned: nothing more is called
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // ---- any thread ----

    // Runs `action` on the connection's thread, soon.
    void post(Action action);

    // Asks and waits for the answer, without end if there is no timeout. Not from the connection's
    // own thread.
    Answer request(const protocol::Message& message, std::optional<milliseconds> timeout);

    // ---- the connection's own thread ----

    // `then` is called once, later, with the answer; never if the request is abandoned.
    RequestId ask(const protocol::Message& message, std::optional<Instant> deadline,
                  std::function<void(Answer)> then);
    void abandon(RequestId request);

    TimerId call_at(Instant at, Action action);
    void cancel(TimerId timer);

    void set_listening(bool listening) { core_.set_listening(listening); }
    bool has_session() const { return core_.has_session(); }
    const Limits& limits() const { return core_.limits(); }
    Now now() const { return now_; }  // read once for all that happens in one turn of the loop

private:
    void run(const std::stop_token& stop);
    void step(runtime::Poller& poller);
    void receive();
    void call_due();
    void perform_effects();
    void perform(Send& effect);
    void perform(Reconnect& effect);
    void perform(Answered& effect);
    void perform(Failed& effect);
    void perform(Notified& effect);
    void perform(SessionStarted& effect);
    void perform(NotificationsMissed& effect);
    void finish(RequestId request, Answer answer);
    void open_socket();

    const std::string broker_;
    Events events_;
    Core core_;
    Effects effects_;
    Now now_;

    runtime::Context context_;
    std::optional<runtime::Socket> socket_;
    bool is_socket_new_ = false;  // the poller does not know it yet
    runtime::Multipart message_;
    std::unordered_map<RequestId, std::function<void(Answer)>> asked_;
    std::map<std::pair<Instant, TimerId>, Action> timers_;
    std::unordered_map<TimerId, Instant> timer_instants_;
    TimerId timer_last_ = 0;

    runtime::Mailbox<Action> mailbox_;
    std::jthread thread_;  // last, so that it ends before anything it uses
};

// The answer as the message asked for. An answer that does not decode was damaged on its way.
template <class T>
Result<T> answer_as(const Connection::Answer& answer) {
    if (!answer) {
        return answer.error();
    }
    Result<protocol::Message> message =
        protocol::decode(answer->header, answer->body, answer->payloads);
    if (!message || !std::holds_alternative<T>(*message)) {
        return Error{ErrorCode::corrupt, "the broker's answer cannot be read", ""};
    }
    return std::get<T>(std::move(*message));
}

}  // namespace xebec::client

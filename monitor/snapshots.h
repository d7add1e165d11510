#pragma once
// Asks the broker for snapshots on the port of the clients.

#include "client/core.h"
#include "monitor/core.h"
#include "protocol/time.h"
#include "runtime/sockets.h"

#include <functional>
#include <optional>
#include <string>

namespace xebec::monitor {

class Snapshots {
public:
    // Told what came of asking: SnapshotReceived or SnapshotFailed, valid during the call.
    using Answer = std::function<void(const Event&)>;

    // Throws std::runtime_error if `broker` is not an endpoint. A broker need not be there yet.
    // `context` must live longer.
    Snapshots(const runtime::Context& context, std::string broker, Answer on_answer);

    // Asks until there is an answer.
    void ask(Now now);

    // Receives and lets time pass.
    void step(Now now);

    // Says goodbye, so that the broker need not find out by silence.
    void leave();

    std::optional<Instant> next_deadline() const { return core_.next_deadline(); }
    const runtime::Socket& socket() const { return *socket_; }  // another one after some steps

private:
    void receive(Now now);
    void perform_effects();
    void perform(const client::Send& effect);
    void perform(const client::Reconnect& effect);
    void perform(const client::Answered& effect);
    void perform(const client::Failed& effect);
    void perform(const client::Notified&) {}             // nothing that a watcher waits for
    void perform(const client::SessionStarted&) {}       // the core asks again by itself
    void perform(const client::NotificationsMissed&) {}  // it waits for none
    void open_socket();

    const runtime::Context& context_;
    std::string broker_;
    Answer on_answer_;
    client::Core core_;
    client::Effects effects_;
    std::optional<runtime::Socket> socket_;
    runtime::Multipart message_;
};

}  // namespace xebec::monitor

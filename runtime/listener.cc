#include "runtime/listener.h"

#include <chrono>
#include <stdexcept>

namespace xebec::runtime {

namespace {

constexpr Duration update_interval = std::chrono::seconds{1};

}  // namespace

Listener::Listener(const Context& context, Socket& socket, const std::string& endpoint)
    : socket_(socket),
      endpoint_(socket.bind(endpoint)),
      failures_(context, SocketType::pair, {.receive_messages_max = 0}) {
    // Without a limit: a full queue would hold up libzmq's own thread.
    failures_.connect(socket.report_accept_failures());
}

Listener::~Listener() {
    socket_.stop_reports();
}

Listener::Change Listener::update(Instant now) {
    if (now < updates_at_) {
        return Change::none;
    }
    updates_at_ = now + update_interval;
    bool has_failed = false;
    while (failures_.receive(event_)) {
        has_failed = true;
    }
    if (is_open_ && has_failed) {
        socket_.unbind(endpoint_);
        is_open_ = false;
        return Change::closed;
    }
    if (is_open_) {
        return Change::none;
    }
    try {
        socket_.bind(endpoint_);
    } catch (const std::runtime_error&) {
        return Change::none;  // still none left, not even for the endpoint itself
    }
    is_open_ = true;
    return Change::opened;
}

}  // namespace xebec::runtime

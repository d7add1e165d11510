#include "runtime/listener.h"

#include <chrono>
#include <stdexcept>

namespace xebec::runtime {

namespace {

constexpr Duration closed_for = std::chrono::seconds{1};

}  // namespace

Listener::Listener(const Context& context, Socket& socket, const std::string& endpoint)
    : socket_(socket), endpoint_(socket.bind(endpoint)), failures_(context, SocketType::pair) {
    failures_.connect(socket.report_accept_failures());
}

Listener::~Listener() {
    socket_.stop_reports();
}

Listener::Change Listener::update(Instant now) {
    bool has_failed = false;
    while (failures_.receive(event_)) {
        has_failed = true;
    }
    if (has_failed && !opens_at_) {
        socket_.unbind(endpoint_);
        opens_at_ = now + closed_for;
        return Change::closed;
    }
    if (!opens_at_ || now < *opens_at_) {
        return Change::none;
    }
    opens_at_ = now + closed_for;
    try {
        socket_.bind(endpoint_);
    } catch (const std::runtime_error&) {
        return Change::none;  // still none left, not even for the endpoint itself
    }
    opens_at_.reset();
    return Change::opened;
}

}  // namespace xebec::runtime

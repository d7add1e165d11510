#pragma once
// An endpoint at which a socket listens, and which closes for a while when this process has no file
// descriptor left for another peer.

#include "protocol/time.h"
#include "runtime/sockets.h"

#include <string>

namespace xebec::runtime {

// libzmq goes on accepting when there is no descriptor left, and takes a whole core for it: the
// listening socket stays readable (src/tcp_listener.cpp). Peers that are connected notice nothing
// of a closed endpoint; others are refused by the kernel, and try again.
class Listener {
public:
    // Listens. `socket` must outlive this. Throws std::runtime_error with a sentence for people.
    Listener(const Context& context, Socket& socket, const std::string& endpoint);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // With its port, if that was left open.
    const std::string& endpoint() const { return endpoint_; }

    enum class Change { none, closed, opened };
    // Once a second at most: looks whether peers could not be accepted and closes, or opens again.
    Change update(Instant now);
    Instant next_deadline() const { return updates_at_; }

private:
    Socket& socket_;
    std::string endpoint_;
    Socket failures_;
    Multipart event_;
    bool is_open_ = true;
    Instant updates_at_{};
};

}  // namespace xebec::runtime

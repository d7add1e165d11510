#pragma once
// Where connections wait until somebody speaks on them, and then until there is a thread for what
// is said. One thread keeps them all: whoever says nothing costs no other.

#include "protocol/time.h"
#include "runtime/wakeup.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <thread>

namespace xebec::monitor::web {

struct LobbyLimits {
    std::size_t silent_max = 512;  // beyond it the oldest of them is closed
    milliseconds silence_max = std::chrono::seconds{5};
    std::size_t waiting_max = 256;  // for a thread
    milliseconds wait_max = std::chrono::seconds{1};
};

class Lobby {
public:
    // Both are called by the lobby's own thread. `admit` takes over a connection on which something
    // has been said, or gives false while there is no room; `refuse` answers and closes one that
    // has waited in vain.
    struct Doors {
        std::function<bool(int socket)> admit;
        std::function<void(int socket)> refuse;
    };

    Lobby(LobbyLimits limits, Doors doors);
    // Closes those that wait.
    ~Lobby();
    Lobby(const Lobby&) = delete;
    Lobby& operator=(const Lobby&) = delete;

    // Takes over a connection. Any thread.
    void add(int socket) { arrived_.put(socket); }

    // No connection is admitted any more.
    void end();

private:
    struct Visitor {
        int socket = -1;
        Instant deadline;
    };

    void run(const std::stop_token& stop);
    std::optional<Instant> next_look(Instant now) const;
    void take_arrived(Instant now);
    void admit_speaking(Instant now);

    const LobbyLimits limits_;
    const Doors doors_;
    runtime::Mailbox<int> arrived_;
    std::list<Visitor> silent_;     // the first came first
    std::deque<Visitor> speaking_;  // the first spoke first
    std::jthread thread_;
};

}  // namespace xebec::monitor::web

#pragma once
// What the broker's core is told. Everything is borrowed for the length of the call.

#include "broker/core/peers.h"
#include "protocol/header.h"
#include "protocol/messages.h"

#include <xebec/error.h>

#include <cstdint>
#include <variant>

namespace xebec::broker {

struct Received {
    const Peer& peer;
    const Header& header;
    const protocol::Message& message;
};

// Frames with a native header that are not a message this broker can read.
struct ReceivedMalformed {
    const Peer& peer;
    const Header& header;
    protocol::ErrorAnswer error;
};

// Frames that are not a native message at all.
struct ReceivedForeign {};

// A message could not be sent: the peer has gone, or does not read. It is named by its address: the
// session in a message's header may be somebody else's, of whom the sender only knew the number.
struct PeerLost {
    const Peer& peer;
    bool is_stalled = false;
};

// Whether anybody is subscribed to task updates, and to figures.
struct WatchersChanged {
    bool tasks = false;
    bool figures = false;
};

struct StopRequested {};

// The last event of every step.
struct TimePassed {};

using Event = std::variant<Received, ReceivedMalformed, ReceivedForeign, PeerLost, WatchersChanged,
                           StopRequested, TimePassed>;

}  // namespace xebec::broker

#pragma once
// What the broker's core is told. Everything is borrowed for the length of the call.

#include "broker/core/peers.h"
#include "broker/core/places.h"
#include "protocol/blob.h"
#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/plain.h"
#include "protocol/time.h"

#include <xebec/error.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

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

// Frames that nobody here understands.
struct ReceivedForeign {};

// A plain client asks for something.
struct PlainRequested {
    const Peer& peer;
    Blob body;
};

// A plain worker says that it is ready, or that it lives.
struct PlainSignalled {
    const Peer& peer;
    protocol::PlainSignal signal;
};

// A plain worker has finished what `token` stands for, well if there is a body.
struct PlainReplied {
    const Peer& peer;
    std::string_view token;
    std::optional<Blob> body;
};

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

// What the journal can take now: new tasks are refused while it has no room, or is far behind.
struct JournalChanged {
    bool is_full = false;
    bool is_behind = false;
    // Of what the chosen segment tells of, so much should have been looked at by now.
    std::size_t carry_due = std::numeric_limits<std::size_t>::max();

    friend bool operator==(const JournalChanged&, const JournalChanged&) = default;
};

// What an effect asked for: a payload or result from the journal, or why it cannot be had.
struct OctetsRead {
    std::uint64_t token = 0;
    const Blob& octets;
    std::string_view fault;
};

// What has to be told again of a segment of the journal.
enum class Carry : std::uint8_t {
    everything,  // that is needed: the segment goes
    shelving,    // what is as it stands there, by its order: the segment is shelved
    whole,       // the same, and it is known without a look that this is all of it
    unshelving,  // everything that is needed of a shelved one: it goes
};

// A segment of the journal is to go or to be shelved.
struct SegmentChosen {
    std::uint32_t segment = 0;
    Carry carry = Carry::everything;
};

// What the journal holds for a backup from now on; nothing without one.
struct BackupHeld {
    std::uint64_t backup = 0;
    std::vector<SegmentUse> segments;
};

// What a backup asked for, or why it cannot be had.
struct PieceRead {
    std::uint64_t token = 0;
    const Blob& octets;
    std::string_view fault;
};

// What this process uses, and what its disk has; but for what the core knows by itself.
struct ResourcesMeasured {
    protocol::BrokerResources resources;
};

struct StopRequested {};

// How long a step took, from the reading of the clocks to the last message sent. Behind the step.
struct StepMeasured {
    Duration took{};
};

// The last event of every step.
struct TimePassed {};

using Event =
    std::variant<Received, ReceivedMalformed, ReceivedForeign, PlainRequested, PlainSignalled,
                 PlainReplied, PeerLost, WatchersChanged, JournalChanged, OctetsRead, SegmentChosen,
                 BackupHeld, PieceRead, ResourcesMeasured, StopRequested, StepMeasured, TimePassed>;

}  // namespace xebec::broker

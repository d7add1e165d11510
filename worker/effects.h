#pragma once
// What the worker's core wants done, in order.

#include "protocol/codec.h"
#include "worker/attempt.h"

#include <xebec/error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xebec::worker {

struct Send {
    protocol::Packet packet;
};
// Close the connection and open a new one; what was queued on the old one may be dropped.
struct Reconnect {};

// Hand this attempt to the executor, which begins attempts in the order in which it got them.
struct Start {
    AttemptKey attempt = 0;
    Assignment assignment;
};
// Take the attempt out of the executor's line. HandlerTakenBack follows if it had not begun;
// otherwise nothing does.
struct TakeBack {
    AttemptKey attempt = 0;
};
// The same, and if it had begun, ask its handler to stop.
struct Cancel {
    AttemptKey attempt = 0;
    std::uint64_t number = 0;  // the task's
    StopReason reason = StopReason::revoked;
};

// ---- for the log ----

struct Connected {
    std::uint64_t epoch = 0;
};
struct Disconnected {
    std::string reason;
};
struct Leaving {
    std::string reason;
    std::uint64_t unfinished = 0;
};

// Nothing more follows. An error says what the broker refused for good.
struct Finished {
    std::optional<Error> error;
};

using Effect = std::variant<Send, Reconnect, Start, TakeBack, Cancel, Connected, Disconnected,
                            Leaving, Finished>;
using Effects = std::vector<Effect>;

}  // namespace xebec::worker

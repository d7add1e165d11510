#pragma once
// The Lazy Pirate made safe: requests in flight, asked again with the same ids until they are
// answered or their deadline has come. Pure: no socket, clock or thread. Used by the client library
// and by every other program that asks the broker something.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "protocol/codec.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/error.h>

namespace xebec::client {

using RequestId = std::uint64_t;

// ---- effects: what the shell has to do, in order ----

struct Send {
    protocol::Packet packet;
};
// Close the connection and open a new one; what was queued on the old one may be dropped.
struct Reconnect {};
// Exactly one of Answered and Failed comes for each request. The message is encoded so that it
// outlives the frames it came in; decode it with `protocol::decode`.
struct Answered {
    RequestId request = 0;
    protocol::Packet packet;
};
struct Failed {
    RequestId request = 0;
    Error error;
};
// An unsolicited message, such as outcomes.
struct Notified {
    protocol::Packet packet;
};
// A new session began: the broker knows nothing of what the old one had asked to be told, so
// whoever waits for outcomes must ask again.
struct SessionStarted {
    std::uint64_t epoch = 0;
    Limits limits;
};

using Effect = std::variant<Send, Reconnect, Answered, Failed, Notified, SessionStarted>;
using Effects = std::vector<Effect>;

struct CoreOptions {
    protocol::Role role = protocol::Role::client;
    std::string name;
    milliseconds answer_timeout{2'500};  // then reconnect and ask again
    milliseconds pause_first{200};       // between attempts, doubling with jitter
    milliseconds pause_max{5'000};
    std::size_t window = 16;  // requests in flight; others wait their turn
};

class Core {
public:
    Core(CoreOptions options, std::uint64_t seed);

    // Asks; the session need not exist yet. `deadline` absent: asks until it is answered.
    RequestId request(const protocol::Message& message, std::optional<Instant> deadline, Now now,
                      Effects& effects);

    // Forgets a request: neither Answered nor Failed follows.
    void abandon(RequestId request);

    // A message from the broker. What does not decode, or answers nothing asked, is ignored.
    void receive(const Header& header, std::string_view body, std::span<const Blob> payloads,
                 Now now, Effects& effects);

    // Lets time pass: pings, timeouts, retries.
    void pass(Now now, Effects& effects);
    std::optional<Instant> next_deadline() const;

    // While true, the session is kept alive with pings even when nothing is asked: somebody waits
    // for notifications.
    void set_listening(bool listening) { listening_ = listening; }

    bool has_session() const { return session_ != 0; }
    std::size_t pending() const;  // requests not yet answered or failed

private:
    bool listening_ = false;
    std::uint64_t session_ = 0;
};

}  // namespace xebec::client

#pragma once
// The Lazy Pirate made safe: requests in flight, asked again with the same ids until they are
// answered or their deadline has come. Pure: no socket, clock or thread. Used by the client library
// and by every other program that asks the broker something.

#include "protocol/codec.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/error.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

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

// Whether a deadline passed without a word from the broker, rather than without an outcome.
bool is_no_answer(const Error& error);

// Outcomes of this session have been lost on the way: whoever waits for some must ask again.
struct NotificationsMissed {};

using Effect =
    std::variant<Send, Reconnect, Answered, Failed, Notified, SessionStarted, NotificationsMissed>;
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

    // Says goodbye, so that the broker need not find out by silence. A later request begins anew.
    void leave(Effects& effects);

    bool has_session() const { return session_ != 0; }
    std::size_t pending() const { return requests_.size(); }  // not yet answered or failed
    const Limits& limits() const { return limits_; }  // from the latest welcome, else the defaults

    // Walks the whole state.
    void check_invariants() const;

private:
    enum class Stage {
        queued,  // its turn has not come, or its session is over: to be sent
        sent,    // the answer is awaited
        paused,  // refused for now: to be sent later
    };
    struct Request {
        protocol::Packet packet;  // as sent, but for the session
        std::optional<Instant> deadline;
        Stage stage = Stage::queued;
        std::optional<Instant> due;       // of a sent one: give up the session; of a paused: send
        std::optional<Instant> wakes_at;  // the earlier of `due` and `deadline`, as in `wakes_`
        bool was_sent = false;
        std::uint32_t refusals = 0;    // since it was asked
        std::optional<Error> refusal;  // the latest; nothing happened since
    };
    using Requests = std::map<RequestId, Request>;

    void on_welcome(const Header& header, const protocol::Welcome& welcome, Now now,
                    Effects& effects);
    void on_error(const Header& header, const protocol::ErrorAnswer& answer, Now now,
                  Effects& effects);
    void on_pong(const protocol::Pong& pong, Effects& effects);
    void on_outcomes(const protocol::Outcomes& outcomes, Effects& effects);
    void on_work(protocol::Packet packet, Effects& effects);

    void wake_requests(Now now, Effects& effects);
    void watch_broker(Now now, Effects& effects);
    void go_on(Now now, Effects& effects);
    void say_hello(Now now, Effects& effects);
    void ask_queued(Now now, Effects& effects);
    void send(protocol::Packet packet, Now now, Effects& effects);
    void lose_broker(Now now, Effects& effects);
    void end_session();
    void fail_all(const Error& error, Effects& effects);

    void enter(RequestId id, Request& request, Stage stage, std::optional<Instant> due);
    void forget(Requests::iterator request);
    bool is_needed() const { return listening_ || !requests_.empty(); }
    std::optional<Instant> watch_deadline() const;
    milliseconds pause_after(std::uint32_t failures);

    CoreOptions options_;
    std::mt19937_64 random_;
    std::uint64_t correlation_last_ = 0;  // requests are named by their correlation

    Requests requests_;                              // in the order in which they were asked
    std::set<RequestId> queued_;                     // those of stage `queued`
    std::set<std::pair<Instant, RequestId>> wakes_;  // those with `wakes_at`
    std::size_t sent_count_ = 0;                     // those of stage `sent`

    std::uint64_t session_ = 0;
    std::uint64_t session_previous_ = 0;
    std::uint64_t epoch_seen_ = 0;
    std::uint64_t outcomes_seen_ = 0;      // the sequence of the latest that came in this session
    std::uint64_t outcomes_awaited_ = 0;   // what the latest pong spoke of and had not come
    std::uint64_t hello_correlation_ = 0;  // of the hello that waits for its welcome; 0: none does
    std::optional<Instant> hello_at_;      // not before, after a failure
    std::uint32_t failures_ = 0;           // sessions lost since the broker last did its work
    Instant sent_at_{};                    // anything
    Instant heard_at_{};                   // anything, or began to listen for it
    bool listening_ = false;
    bool is_watching_ = false;  // was needed when time last passed
    milliseconds heartbeat_{};
    milliseconds liveness_{};
    Limits limits_;
};

}  // namespace xebec::client

#pragma once
// The worker's conversation with its broker: the session, what was asked and not yet answered, how
// long the broker has been silent, and when to try again.

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/time.h"
#include "worker/attempt.h"
#include "worker/effects.h"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace xebec::worker {

struct LinkOptions {
    milliseconds heartbeat{1'000};       // the broker may ask for a shorter one
    milliseconds liveness{5'000};        // until the broker names its own
    milliseconds answer_timeout{5'000};  // then what was asked is asked again
    milliseconds hello_timeout{2'500};
    milliseconds pause_first{200};  // before a new connection, doubling with jitter
    milliseconds pause_max{5'000};
};

// Something that awaits an answer.
struct Question {
    std::uint8_t type = 0;  // of the message
    Instant sent{};
    std::vector<AttemptKey> attempts;  // what the answer's items stand for, in order
};

class Link {
public:
    Link(const LinkOptions& options, std::uint64_t seed);

    // Says hello, on the connection there is. A session that there was is over.
    void introduce(protocol::Hello hello, std::vector<AttemptKey> held, Now now, Effects& effects);

    // The session begins, if this answers the latest hello; the value is that hello.
    std::optional<Question> welcome(const Header& header, const protocol::Welcome& welcome,
                                    Now now);

    // Ends the session and rests before the next connection, at least as long as `pause_min`.
    void lose(std::string reason, milliseconds pause_min, Now now, Effects& effects);

    // Sends a message that will be answered, or one that will not.
    void ask(const protocol::Message& message, std::vector<AttemptKey> attempts, Now now,
             Effects& effects);
    void tell(const protocol::Message& message, Effects& effects);
    void answer(std::uint64_t correlation, const protocol::Message& message, Effects& effects);

    // The question that a message of this session answers.
    std::optional<Question> take_question(std::uint64_t correlation);
    // Questions that were asked too long ago.
    std::vector<Question> take_overdue(Now now);

    // Whether a message belongs to the session there is. An error may name no session; then its
    // correlation tells.
    bool is_current(const Header& header) const;
    bool is_current_error(const Header& header) const;
    bool answers_hello(const Header& header) const;
    void note_heard(Now now) { heard_at_ = now.steady; }

    bool is_open() const { return phase_ == Phase::open; }
    bool is_introducing() const { return phase_ == Phase::introducing; }
    bool is_silent(Now now) const;  // the broker has been, for too long
    bool is_rested(Now now) const;  // a new connection is due
    bool is_ping_due(Now now) const;
    // Whether the latest hello is so recent that another at once could become a flood.
    bool was_introduced_lately(Now now) const;
    std::optional<Instant> next_deadline() const;

    // An instant at which the broker cannot yet have sent what arrives from now on: when the
    // newest of our answered questions was sent. Times granted by such messages count from here.
    Instant answered_since() const { return answered_since_; }
    std::uint64_t session_previous() const { return session_previous_; }
    std::uint64_t epoch_seen() const { return epoch_seen_; }
    const Limits& limits() const { return limits_; }

private:
    enum class Phase : std::uint8_t {
        closed,       // not begun
        introducing,  // hello sent
        open,         // welcomed
        resting,      // lost; waits before it connects again
    };

    std::uint64_t send(const protocol::Message& message, Effects& effects);
    Duration next_pause();

    LinkOptions options_;
    Limits limits_;
    std::mt19937_64 random_;
    Phase phase_ = Phase::closed;
    std::uint64_t session_ = 0;
    std::uint64_t session_previous_ = 0;
    std::uint64_t epoch_seen_ = 0;
    std::uint64_t correlation_ = 0;  // the latest used
    std::uint64_t hello_correlation_ = 0;
    std::map<std::uint64_t, Question> questions_;  // by correlation, so by the time of asking
    Duration heartbeat_;
    Duration liveness_;
    Duration pause_;
    bool is_loss_told_ = false;  // since the last session
    Instant introduced_at_{};
    Instant heard_at_{};
    Instant asked_at_{};
    Instant answered_since_{};
    Instant rested_at_{};
};

}  // namespace xebec::worker

#pragma once
// Decides for a worker: which attempts run and which must stop, what the broker hears and when, how
// much is asked for, and how to leave. Pure: no socket, clock or thread.
//
// Time granted by the broker counts from an instant at which the broker cannot have granted it yet:
// an extension and a confirmation from when they were asked for, an assignment from when the newest
// question was asked that the broker had answered before. So this worker's idea of a lease never
// outlives the broker's, however long a message was under way; an attempt whose lease has run out
// here is not begun until the broker has extended it, and stopped if it runs.

#include "protocol/header.h"
#include "protocol/messages.h"
#include "protocol/time.h"
#include "worker/attempts.h"
#include "worker/credit.h"
#include "worker/effects.h"
#include "worker/link.h"
#include "worker/machine.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xebec::worker {

// ---- events ----

struct WorkerStarted {};

// A message from the broker; borrowed for the length of the call.
struct MessageReceived {
    const Header& header;
    const protocol::Message& message;
};

struct HandlerStarted {
    AttemptKey attempt = 0;
    Instant at{};
};

// `was_stopped` says that the stop had been requested before the handler returned.
struct HandlerFinished {
    AttemptKey attempt = 0;
    HandlerOutcome outcome;
    Duration run{0};
    bool was_stopped = false;
};

struct HandlerTakenBack {
    AttemptKey attempt = 0;
};

// What this worker's machine uses; the broker hears of each once, whatever else is said.
struct MachineSeen {
    MachineUse use;
};

struct DrainRequested {
    std::string reason;
};
struct StopRequested {
    std::string reason;
};

// The last event of every step: what is due is done, what gathered is sent.
struct TimePassed {};

using Event =
    std::variant<WorkerStarted, MessageReceived, HandlerStarted, HandlerFinished, HandlerTakenBack,
                 MachineSeen, DrainRequested, StopRequested, TimePassed>;

struct CoreOptions {
    std::string name;
    std::string host;
    std::uint32_t process = 0;
    std::vector<std::string> kinds;
    std::vector<std::string> queues;  // empty: all
    std::uint32_t slots = 1;
    milliseconds grace{30'000};        // for what runs, when asked to leave
    milliseconds stop_max{2'000};      // for handlers asked to stop while leaving
    milliseconds farewell_max{3'000};  // for the last acknowledgements
    LinkOptions link;
};

class Core {
public:
    Core(CoreOptions options, std::uint64_t seed);

    // Applies one event at `now` and appends what has to follow from it, in order.
    void apply(const Event& event, Now now, Effects& effects);

    // The next instant at which TimePassed has something to do.
    std::optional<Instant> next_deadline() const;

    // Walks the whole state.
    void check_invariants() const;

    bool is_connected() const { return link_.is_open(); }
    bool is_finished() const { return is_finished_; }
    const Limits& limits() const { return link_.limits(); }  // the broker's
    std::size_t held() const { return attempts_.size(); }
    std::uint32_t credit() const { return credit_.wanted(); }

private:
    // How a worker leaves, step by step.
    struct Departure {
        Instant grace_ends{};
        Instant stop_ends{};
        Instant release_due{};                 // of what still arrives
        std::optional<Instant> farewell_ends;  // set when nothing runs any more
        bool is_cancelled = false;             // what ran after the grace
    };

    void on(const WorkerStarted& event, Now now, Effects& effects);
    void on(const MessageReceived& event, Now now, Effects& effects);
    void on(const HandlerStarted& event, Now now, Effects& effects);
    void on(const HandlerFinished& event, Now now, Effects& effects);
    void on(const HandlerTakenBack& event, Now now, Effects& effects);
    void on(const MachineSeen& event, Now now, Effects& effects);
    void on(const DrainRequested& event, Now now, Effects& effects);
    void on(const StopRequested& event, Now now, Effects& effects);
    void on(const TimePassed& event, Now now, Effects& effects);

    // Messages of the session there is.
    void receive(const protocol::Assign& message, Now now, Effects& effects);
    void receive(const protocol::Revoke& message, Now now, Effects& effects);
    void receive(const protocol::Recall& message, Now now, Effects& effects);
    void receive(const protocol::Bye& message, Now now, Effects& effects);
    void receive(const protocol::Drain& message, Now now, Effects& effects);

    // Answers to a question of this session.
    void accept(const Question& hello, const protocol::Welcome& welcome, Now now, Effects& effects);
    void accept(const Question& question, const protocol::ExtendAnswer& answer, Now now,
                Effects& effects);
    template <class M>
    void accept_answer(const Question& question, const M& message, Now now, Effects& effects);
    void acknowledge(const Question& question, std::size_t statuses, Now now);
    void receive_error(const Header& header, const protocol::ErrorAnswer& error, Now now,
                       Effects& effects);
    void receive_refused_hello(const protocol::ErrorAnswer& error, Now now, Effects& effects);
    void ask_again(const Question& question);

    void introduce(Now now, Effects& effects);
    void keep_early(const Header& header, const protocol::Message& message);
    void take_early(Now now, Effects& effects);
    void keep_link(Now now, Effects& effects);

    void assign(const protocol::AssignItem& item, Now now);
    void hand_over(Now now, Effects& effects);
    void watch_leases(Now now, Effects& effects);
    void extend(const std::vector<AttemptKey>& due, Now now, Effects& effects);
    void end_by_clock(AttemptKey key, Attempt& attempt, Effects& effects);
    Instant next_watch(const Attempt& attempt, Now now) const;
    void stop(AttemptKey key, Attempt& attempt, StopReason reason, Effects& effects);
    void lose_lease(AttemptKey key, Attempt& attempt, StopReason reason, Effects& effects);
    void forget_waiting(AttemptKey key);
    void finish(AttemptKey key, Attempt& attempt, Outcome outcome);
    void leave_executor(Attempt& attempt);

    void flush(Now now, Effects& effects);
    void tell_credit(Now now, Effects& effects);
    void ping(Now now, Effects& effects);

    void start_leaving(std::string reason, milliseconds grace, Now now, Effects& effects);
    void keep_leaving(Now now, Effects& effects);
    void give_back_waiting();
    void cancel_rest(Effects& effects);
    void give_up_rest();
    bool has_outcomes() const;
    void finish_worker(std::optional<Error> error, Effects& effects);

    bool is_stuck_watch() const;

    CoreOptions options_;
    std::uint64_t instance_;  // which run of this worker this is
    Link link_;
    AttemptTable attempts_;
    CreditRule credit_;
    std::uint32_t credit_told_ = 0;

    std::deque<AttemptKey> waiting_;      // in order of assignment
    std::vector<AttemptKey> unsent_;      // finished, to be sent with the next flush
    std::optional<Instant> resend_due_;   // refused for now: sent again then
    std::uint32_t in_executor_ = 0;       // handed or running
    std::uint32_t running_ = 0;           // begun and not returned
    Instant last_start_{};                // of any handler
    Instant watch_due_ = Instant::max();  // the next thing to be done for any lease

    std::optional<MachineUse> machine_;  // the latest
    bool is_machine_told_ = true;        // in this session

    std::vector<protocol::Packet> early_;  // came before the welcome of their session
    std::optional<Departure> departure_;
    bool is_finished_ = false;
};

}  // namespace xebec::worker

#pragma once
// Turns tasks into submit messages within the broker's limits, a window of them at a time, and
// tells what became of each task. On the connection's thread only.

#include "client/connection.h"
#include "client/waits.h"

#include <xebec/client.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace xebec::client {

// Nobody answered in time, and nobody knows whether the task was accepted.
Error unanswered();

// One call of the user's, which all its tasks share.
struct SubmitCall {
    BatchEvents events;
    std::optional<Instant> deadline;   // absent: the usual timeout, from when each is first asked
    bool is_abandoned = false;         // nobody wants to know any more
    std::vector<Waits::WaitId> waits;  // of its accepted tasks; kept only with a deadline
};

class Submitter {
public:
    struct Options {
        milliseconds timeout{10'000};
        Instant ends_at = Instant::max();  // of all calls
        std::size_t window = 16;
        std::size_t batch = 256;
    };

    Submitter(Connection& connection, Waits& waits, Options options);

    void add(std::vector<NewTask> tasks, const std::shared_ptr<SubmitCall>& call);
    void on_session();

private:
    struct Entry {
        NewTask task;  // without its payload, but with its content type
        Blob payload;
        std::size_t index = 0;  // in its call
        std::shared_ptr<SubmitCall> call;
        Instant added_at;
        std::optional<Instant> deadline;    // once asked
        bool may_be_accepted = false;       // it was sent, and not answered
        std::optional<Waits::WaitId> wait;  // while asked, if somebody wants the outcome
    };
    using Entries = std::vector<Entry>;

    void pump();
    void open();
    void hold(Now now);
    Entries take_message();
    void send(Entries entries);
    void on_answer(Entries& entries, const Connection::Answer& packet);
    void on_failure(Entries& entries, const Error& error);
    bool on_status(Entry& entry, const protocol::SubmitStatusItem& status);
    void accept(Entry& entry, const protocol::SubmitStatusItem& status);
    void expect_outcome(Entry& entry);
    void expect_nothing(Entry& entry);
    void refuse(Entry& entry, const Error& error);
    void put_back(Entries& entries);
    void refuse_queued(const Error& error);
    Instant answer_by(const Entry& entry, Instant asked_at) const;
    Instant deadline_of(const Entry& entry) const;

    Connection& connection_;
    Waits& waits_;
    Options options_;
    std::mt19937_64 random_;
    std::deque<Entry> queue_;
    std::size_t in_flight_ = 0;   // messages
    bool knows_limits_ = false;   // a broker has welcomed us
    bool is_opening_ = false;     // a ping asks for the first session
    bool is_held_ = false;        // the broker is full: nothing is sent for a while
    std::uint32_t refusals_ = 0;  // since the broker last accepted something
};

}  // namespace xebec::client

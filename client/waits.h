#pragma once
// Who waits for the outcome of which task. Asks the broker again in every new session, because a
// session's wishes end with it. On the connection's thread only.

#include "client/connection.h"

#include <xebec/client.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace xebec::client {

class Waits {
public:
    using Then = std::function<void(Result<Outcome>)>;
    using WaitId = std::uint64_t;

    explicit Waits(Connection& connection) : connection_(connection) {}

    // Asks the broker to tell. `deadline` is for its answer, not for the outcome. `then` is called
    // once, unless the wait is removed.
    WaitId ask(const TaskKey& task, Instant deadline, Then then);

    // The same for a task whose submission asks: an outcome that comes before it is confirmed to
    // have been accepted is kept until then.
    WaitId expect(const TaskId& task, Then then);
    void confirm(WaitId wait);

    void remove(WaitId wait);

    void on_outcomes(const protocol::Packet& packet);
    void on_session();

private:
    struct Waiter {
        TaskId task;
        bool is_known = false;         // the task's id is: it stands in `by_task_`
        bool is_confirmed = false;     // the broker has said that it will tell this session
        std::optional<Outcome> early;  // came before it was confirmed
        Then then;
    };

    void on_wait_answer(WaitId wait, const Connection::Answer& packet);
    void place(WaitId wait, const TaskId& task);
    void take_out(const TaskId& task, WaitId wait);
    void finish(WaitId wait, Result<Outcome> outcome);
    void finish_all(const TaskId& task, const Result<Outcome>& outcome);
    void on_answer(const std::vector<TaskId>& asked, const Connection::Answer& answer);
    void ask_again(std::vector<TaskId> tasks);
    void listen();

    Connection& connection_;
    WaitId last_ = 0;
    std::unordered_map<WaitId, Waiter> waiters_;
    std::unordered_map<TaskId, std::vector<WaitId>> by_task_;
    std::vector<RequestId> asked_again_;  // in the present session

    // While some tasks are known by their number only: outcomes that may be theirs.
    std::size_t nameless_ = 0;
    std::unordered_map<TaskId, Outcome> early_;
};

}  // namespace xebec::client

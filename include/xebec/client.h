#pragma once
// Submits tasks and follows them. A client talks to one broker over one connection, from a thread
// of its own; every function here may be called from any thread.
//
// No answer within `answer_timeout` means reconnect and ask again with the same ids, with growing
// pauses, until the deadline of the call. That is safe: a task is accepted once however often it is
// submitted. An error with code timed_out says that the request may have taken effect.

#include <xebec/error.h>
#include <xebec/result.h>
#include <xebec/task.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xebec {

// A task by its number or its id. Number 0 is the newest task of the broker.
using TaskKey = std::variant<std::uint64_t, TaskId>;

struct ClientOptions {
    std::string broker = "tcp://127.0.0.1:5555";
    std::chrono::milliseconds answer_timeout{2'500};  // then reconnect and ask again
    std::chrono::milliseconds timeout{10'000};        // of an answer; a long list has several
    // No call lasts beyond it, counted from when the client is made; 0: no limit.
    std::chrono::milliseconds lifetime{0};
    std::size_t window = 16;  // messages in flight, the rest waits here
    std::size_t batch = 256;  // tasks in one message at most
};

struct TaskFilter {
    std::vector<TaskState> states;  // empty: all
    std::string queue;              // empty: all, and so on
    std::string kind;
    std::string worker;
    std::string error;                      // is in the class or the text of its error
    std::string id_prefix;                  // the first hexadecimal digits of its id
    std::optional<WallTime> accepted_from;  // absent: open, as is the next
    std::optional<WallTime> accepted_to;    // before this
};

struct TaskPage {
    std::vector<TaskInfo> tasks;  // newest first
    std::uint64_t cursor = 0;     // for the next page; 0: this was the last
};

struct TaskDetails {
    TaskInfo info;
    Payload payload;
    Payload result;
};

struct BulkResult {
    std::uint64_t matched = 0;
    std::uint64_t changed = 0;
};

// What to do when things happen to a batch. Called on the client's thread: return soon, and call
// nothing of the client that waits.
struct BatchEvents {
    std::function<void(std::size_t index, Result<Submitted>)> on_submitted;
    std::function<void(std::size_t index, Result<Outcome>)> on_outcome;  // absent: not waited for
};

class Client {
public:
    explicit Client(ClientOptions options = {});
    ~Client();  // abandons what is under way
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Returns when the broker has accepted the task, safely stored as its --durability says.
    Result<Submitted> submit(NewTask task);

    // One answer per task, in order. Each succeeds or fails alone.
    std::vector<Result<Submitted>> submit(std::vector<NewTask> tasks);

    // Submits and waits for the outcome. Zero waits without end once the broker has answered.
    Result<Outcome> run(NewTask task, std::chrono::milliseconds timeout = {});

    // Returns at once; the events tell the rest, each index exactly once per event. An empty
    // `timeout` lets the submits take as long as ClientOptions::timeout and outcomes for ever.
    void submit_batch(std::vector<NewTask> tasks, BatchEvents events);

    Result<Outcome> wait(const TaskKey& task, std::chrono::milliseconds timeout = {});

    Result<TaskInfo> query(const TaskKey& task);
    Result<TaskDetails> details(const TaskKey& task);
    Result<TaskPage> list(const TaskFilter& filter, std::size_t limit = 50,
                          std::uint64_t cursor = 0);
    Result<std::uint64_t> count(const TaskFilter& filter);

    Result<void> cancel(const TaskKey& task);
    Result<void> retry(const TaskKey& task);  // of a dead task: raises its attempt limit
    Result<BulkResult> cancel_all(const TaskFilter& filter);
    Result<BulkResult> retry_all(const TaskFilter& filter);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace xebec

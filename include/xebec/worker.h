#pragma once
// Runs tasks. A worker announces the kinds it has handlers for, gets tasks from its broker, runs up
// to `slots` of them at a time on threads of its own, and keeps each result until the broker has
// acknowledged it. Heartbeats and lease extensions come from another thread, so a handler may take
// as long as its run limit allows.

#include <xebec/error.h>
#include <xebec/result.h>
#include <xebec/task.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xebec {

// What a handler knows of the attempt it runs. Valid until the handler returns.
class TaskContext {
public:
    virtual ~TaskContext() = default;

    virtual const TaskId& id() const = 0;
    virtual std::uint64_t number() const = 0;
    virtual std::uint32_t attempt() const = 0;  // 1 for the first that was started
    // Grows strictly with every lease of this task: hand it to systems that can refuse a stale run.
    virtual std::uint64_t fence() const = 0;
    virtual std::string_view kind() const = 0;
    virtual std::string_view queue() const = 0;
    virtual std::string_view payload() const = 0;
    virtual ContentType content_type() const = 0;
    virtual std::optional<WallTime> deadline() const = 0;

    // Requested when the task is cancelled, its run limit or deadline passes, its lease ends, or
    // the worker must leave. What the handler returns after that is ignored.
    virtual std::stop_token stop_token() const = 0;
};

// A failed attempt. With `useless`, no retry is made.
struct Failure {
    std::string error_class = "failed";
    std::string text;
    bool useless = false;
};

// What a handler returns. An exception is a Failure of class `exception` with its text.
using HandlerResult = std::variant<Payload, Failure>;
using Handler = std::function<HandlerResult(TaskContext&)>;

struct WorkerOptions {
    std::string broker = "tcp://127.0.0.1:5556";
    std::string name;                 // empty: host name and process id
    std::vector<std::string> queues;  // empty: all
    std::uint32_t slots = 1;          // tasks at the same time
    std::chrono::milliseconds heartbeat{1'000};
    std::chrono::milliseconds grace{30'000};  // for what runs, when asked to leave
    // Run every 10 s to learn what GPUs there are, for operators to see: nvidia-smi. Empty: not.
    std::string gpu_program;
};

class Worker {
public:
    explicit Worker(WorkerOptions options = {});
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Before `run` only. Up to `slots` calls at the same time, on different threads.
    void handle(std::string kind, Handler handler);

    // Works until `drain` or `stop`, and reconnects whenever the broker is away. An error says why
    // it could not start or what the broker refused for good.
    Result<void> run();

    // Any thread. Take no more, finish what runs within the grace, give back the rest, return.
    void drain();
    // Any thread. Cancel what runs, give back the rest, return soon.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace xebec

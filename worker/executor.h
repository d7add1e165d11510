#pragma once
// The threads that run handlers: one for each slot, for as long as the executor lives.

#include "runtime/wakeup.h"
#include "worker/attempt.h"
#include "worker/core.h"

#include <xebec/worker.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace xebec::worker {

// What a thread tells the loop: what it has finished, then what it begins.
struct Report {
    std::optional<HandlerFinished> finished;
    std::optional<HandlerStarted> started;
};

using Handlers = std::map<std::string, Handler, std::less<>>;

class Executor {
public:
    // Borrows both for as long as it lives.
    Executor(std::uint32_t slots, const Handlers& handlers, runtime::Mailbox<Report>& reports);

    // Asks what runs to stop and waits until every handler has returned.
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    // The loop's thread calls these. Attempts begin in the order of `start`.
    void start(AttemptKey key, Assignment assignment);
    // Whether it had not begun; then it will not.
    bool take_back(AttemptKey key);
    // The same; a handler that runs is asked to stop.
    bool cancel(AttemptKey key);

private:
    struct Waiting {
        AttemptKey key = 0;
        Assignment assignment;
    };
    // What a thread runs now; key 0: nothing.
    struct Slot {
        AttemptKey key = 0;
        std::stop_source stop;
    };

    void work(Slot& slot);
    std::optional<Waiting> next(Slot& slot, Report& report);
    HandlerFinished run(const Waiting& waiting, const std::stop_source& stop) const;

    const Handlers& handlers_;
    runtime::Mailbox<Report>& reports_;
    std::mutex mutex_;  // the line and the slots are shared with the threads
    std::condition_variable has_work_;
    std::deque<Waiting> line_;
    std::vector<Slot> slots_;
    bool is_closing_ = false;
    std::vector<std::jthread> threads_;
};

}  // namespace xebec::worker

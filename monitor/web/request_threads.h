#pragma once
// Threads for requests, made when all others are busy, up to a limit. Streams keep theirs for as
// long as they last, so there may be many, and mostly there are few: one that has had nothing to do
// for a while ends.

#include "protocol/time.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace xebec::monitor::web {

class RequestThreads {
public:
    explicit RequestThreads(std::size_t most, milliseconds idle_max = std::chrono::seconds{10})
        : most_(most), idle_max_(idle_max) {}
    ~RequestThreads() { shutdown(); }
    RequestThreads(const RequestThreads&) = delete;
    RequestThreads& operator=(const RequestThreads&) = delete;

    // Has a thread run it at once. False: all are busy, or it ends.
    bool try_run(std::function<void()> request);

    // Returns when all requests have ended; no more are run.
    void shutdown();

    std::size_t count() const;

private:
    using Threads = std::list<std::thread>;

    bool add_thread();
    void run(Threads::iterator self);

    const std::size_t most_;
    const milliseconds idle_max_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> requests_;  // each has a thread that is about to take it
    Threads threads_;
    Threads ended_;  // to be joined: until then their stacks stay
    std::size_t idle_ = 0;
    bool ends_ = false;
};

}  // namespace xebec::monitor::web

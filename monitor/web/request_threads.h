#pragma once
// Threads for requests, made when all others are busy, up to a limit. Streams keep theirs for as
// long as they last, so there may be many, and mostly there are few.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <httplib.h>
#include <mutex>
#include <thread>
#include <vector>

namespace xebec::monitor::web {

class RequestThreads final : public httplib::TaskQueue {
public:
    explicit RequestThreads(std::size_t most) : most_(most) {}

    void enqueue(std::function<void()> request) override;

    // Returns when all requests have ended.
    void shutdown() override;

private:
    void run();

    const std::size_t most_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> requests_;
    std::vector<std::thread> threads_;
    std::size_t idle_ = 0;
    bool ends_ = false;
};

}  // namespace xebec::monitor::web

#include "monitor/web/request_threads.h"

#include <utility>

namespace xebec::monitor::web {

void RequestThreads::enqueue(std::function<void()> request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    if (idle_ < requests_.size() && threads_.size() < most_) {
        threads_.emplace_back([this] { run(); });
    }
    changed_.notify_one();
}

void RequestThreads::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        changed_.wait(lock, [this] { return ends_ || !requests_.empty(); });
        --idle_;
        if (requests_.empty()) {
            return;
        }
        const std::function<void()> request = std::move(requests_.front());
        requests_.pop_front();
        lock.unlock();
        request();
        lock.lock();
    }
}

void RequestThreads::shutdown() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

}  // namespace xebec::monitor::web

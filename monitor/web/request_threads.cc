#include "monitor/web/request_threads.h"

#include <system_error>
#include <utility>

namespace xebec::monitor::web {

namespace {

void join_all(std::list<std::thread>& threads) {
    for (std::thread& thread : threads) {
        thread.join();
    }
    threads.clear();
}

}  // namespace

bool RequestThreads::try_run(std::function<void()> request) {
    const std::lock_guard lock(mutex_);
    if (ends_ || (idle_ <= requests_.size() && !add_thread())) {
        return false;
    }
    requests_.push_back(std::move(request));
    changed_.notify_one();
    return true;
}

bool RequestThreads::add_thread() {
    if (threads_.size() >= most_) {
        return false;
    }
    const auto self = threads_.emplace(threads_.end());
    try {
        *self = std::thread([this, self] { run(self); });
    } catch (const std::system_error&) {  // the system has no more of them
        threads_.erase(self);
        return false;
    }
    return true;
}

void RequestThreads::run(Threads::iterator self) {
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        changed_.wait_for(lock, idle_max_, [this] { return ends_ || !requests_.empty(); });
        --idle_;
        if (requests_.empty()) {
            break;
        }
        const std::function<void()> request = std::move(requests_.front());
        requests_.pop_front();
        lock.unlock();
        request();
        lock.lock();
    }
    if (!ends_) {
        Threads before = std::exchange(ended_, {});
        ended_.splice(ended_.end(), threads_, self);
        lock.unlock();
        join_all(before);
    }
}

void RequestThreads::shutdown() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    join_all(threads_);
    join_all(ended_);
}

std::size_t RequestThreads::count() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
}

}  // namespace xebec::monitor::web

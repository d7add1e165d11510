#pragma once
// Lets other threads wake a loop, and hand it things.

#include <mutex>
#include <utility>
#include <vector>

namespace xebec::runtime {

// A descriptor that becomes readable when any thread calls `signal`.
class Wakeup {
public:
    Wakeup();
    ~Wakeup();
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    void signal() const;  // any thread, and from signal handlers
    void clear() const;   // the loop's thread
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

// Things put in by any thread and taken out, all at once and in order, by the loop's.
template <class T>
class Mailbox {
public:
    void put(T thing) {
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            was_empty = things_.empty();
            things_.push_back(std::move(thing));
        }
        if (was_empty) {
            wakeup_.signal();
        }
    }

    std::vector<T> take() {
        wakeup_.clear();
        const std::lock_guard lock(mutex_);
        return std::exchange(things_, {});
    }

    int descriptor() const { return wakeup_.descriptor(); }

private:
    std::mutex mutex_;
    std::vector<T> things_;
    Wakeup wakeup_;
};

}  // namespace xebec::runtime

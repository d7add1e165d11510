#pragma once
// The threads on which a journal's disk side works: one that writes, one that reads back.

#include "broker/journal/journal.h"
#include "runtime/wakeup.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace xebec::broker::journal {

class Threads {
public:
    // `journal` has to outlive this, and is driven by nobody else. The descriptor of `wakeup`
    // becomes readable when something is durable or read, or the journal's state has changed.
    explicit Threads(Journal& journal);
    // Ends after the piece of work that is under way: what was not written is lost. Close the
    // journal and wait until it is closed to keep it.
    ~Threads();
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    const runtime::Wakeup& wakeup() const { return wakeup_; }

private:
    // Something to do for one thread.
    class Bell {
    public:
        void ring();
        void stop();
        // Until rung or `deadline`; false: stopped.
        bool wait(std::optional<Instant> deadline);
        bool is_stopped();

    private:
        std::mutex mutex_;
        std::condition_variable condition_;
        bool is_rung_ = false;
        bool is_stopped_ = false;
    };

    void write();
    void read();

    Journal& journal_;
    runtime::Wakeup wakeup_;
    Bell write_bell_;
    Bell read_bell_;
    std::jthread writer_;
    std::jthread reader_;
};

}  // namespace xebec::broker::journal

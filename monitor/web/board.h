#pragma once
// What the web server shows of the broker as a whole: made once a second by the watcher, read by
// the threads that answer requests. Any thread may call any function.

#include "client/json.h"
#include "monitor/figures.h"
#include "monitor/web/findings.h"
#include "monitor/web/history.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {

// One look at the broker. Never changed once it is shown.
struct Picture {
    WallTime time{};
    std::optional<WallTime> seen_at;  // queues and workers; nothing: never yet
    BrokerState broker = BrokerState::absent;
    std::uint64_t epoch = 0;
    milliseconds uptime{0};
    WallTime started_at{};  // by the broker's own clock
    protocol::Totals totals;
    protocol::Sizes sizes;
    std::uint64_t step_max_us = 0;
    std::optional<protocol::BrokerResources> resources;
    std::map<LaneName, Lane> lanes;
    std::vector<QueueFacts> queue_facts;
    std::vector<client::Json> queues;   // as GET /queues answers
    std::vector<client::Json> workers;  // as GET /workers answers
    std::vector<LostWorker> lost;       // in the last hour, newest first
    std::string live;                   // the JSON of the event `live`
};

class Board {
public:
    Board() : picture_(std::make_shared<Picture>()) {}

    // ---- the watcher ----

    void show(std::shared_ptr<const Picture> picture);

    template <class Change>
    void change_history(const Change& change) {
        const std::lock_guard lock(mutex_);
        change(history_);
    }

    // Whether somebody looked at the workers one by one lately: their attempts cost something.
    bool is_workers_wanted(Instant now) const;
    // Whether somebody has just changed something, and wants to see it; forgets it.
    bool take_hurry() { return hurry_.exchange(false); }

    // ---- those who answer ----

    std::shared_ptr<const Picture> picture() const;

    // A picture that is newer than `seen`; `seen` itself if none comes in time or all must end.
    std::shared_ptr<const Picture> wait_for_newer(const std::shared_ptr<const Picture>& seen,
                                                  milliseconds patience) const;

    template <class Look>
    auto look_at_history(const Look& look) const {
        const std::lock_guard lock(mutex_);
        return look(history_);
    }

    void want_workers(Instant now);
    void hurry() { hurry_ = true; }

    // Ends all waiting, for good.
    void close();
    bool is_closed() const;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::shared_ptr<const Picture> picture_;
    History history_;
    bool closed_ = false;
    std::optional<Instant> workers_wanted_at_;
    std::atomic<bool> hurry_ = false;
};

}  // namespace xebec::monitor::web

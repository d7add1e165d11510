#pragma once
// What changes from one look at the broker to the next: how fast tasks come into each queue and
// leave it, and how many died lately. Pure.

#include "protocol/time.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {

struct Flow {
    double in_per_s = 0;   // accepted
    double out_per_s = 0;  // that reached an end
};

// Of one queue, now: tasks accepted since the broker started, and those that have not ended.
struct QueueCounts {
    std::string name;
    std::uint64_t created = 0;
    std::uint64_t unfinished = 0;
};

class QueueFlows {
public:
    // Queues that are not among them are forgotten.
    void update(Instant now, std::uint64_t epoch, const std::vector<QueueCounts>& queues);

    Flow of(std::string_view queue) const;

private:
    struct Known {
        QueueCounts counts;
        Flow flow;
    };

    std::uint64_t epoch_ = 0;
    Instant updated_at_{};
    std::map<std::string, Known, std::less<>> queues_;
};

// Tasks that died in the last ten minutes, as far as that is known: since this process began to
// watch, or since the broker started, if that was later than ten minutes before.
class Deaths {
public:
    static constexpr std::chrono::minutes remembered{10};

    // `dead_total` counts since the broker started, `uptime` before.
    void update(Instant now, milliseconds uptime, std::uint64_t dead_total);
    std::uint64_t lately() const;
    // The time of which they are known, at most ten minutes.
    milliseconds known_for() const;

private:
    struct Total {
        Instant at;
        std::uint64_t dead = 0;
    };

    std::uint64_t broker_total_ = 0;
    std::deque<Total> totals_;  // of all brokers, one after the other; at most one for each second
};

}  // namespace xebec::monitor::web

#pragma once
// What the broker's figures were over the last hour, second by second, and what happened then.
// Pure.

#include "monitor/figures.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {

// The figures that are kept, in the order of `column_names`.
enum class Column : std::uint8_t {
    submitted,  // per second, as are the next two
    finished,
    failed,
    waiting,
    running,
    workers,
    slots,
    slots_busy,
    wait_p50_us,
    wait_p95_us,
    wait_p99_us,
    run_p50_us,
    run_p95_us,
    run_p99_us,
    broker_resident,  // octets
    broker_cpu_permille,
    journal_octets,
};
constexpr std::size_t column_count = 17;
std::string_view to_string(Column column);

// NaN: not known.
using Point = std::array<double, column_count>;

Point point_of(const Interval& interval, const std::optional<protocol::BrokerResources>& resources);

enum class MarkKind : std::uint8_t {
    broker_restarted,
    broker_silent,
    broker_back,
    worker_lost,
    worker_joined,
};
std::string_view to_string(MarkKind kind);

struct Mark {
    WallTime time{};
    MarkKind kind = MarkKind::broker_restarted;
    std::string name;  // of a worker

    friend bool operator==(const Mark&, const Mark&) = default;
};

// A series with one point for each `step`, oldest first; the last is the step under way at `end`.
struct Series {
    std::chrono::seconds step{1};
    WallTime start{};
    WallTime end{};
    std::vector<Point> points;
};

class History {
public:
    static constexpr std::chrono::seconds length{3'600};
    static constexpr std::size_t marks_max = 1'000;
    static constexpr std::size_t queues_max = 1'000;

    // `time` is the end of the second that `point` is about. Of two for one second, the later
    // stays; what is from a time after it is from before the clock was put back, and goes.
    void add(WallTime time, const Point& point);
    void add(Mark mark);
    void add_ready(WallTime time, std::string_view queue, std::uint64_t ready);

    // Each point is the mean of what is known of its step; percentiles are the largest.
    Series series(std::chrono::seconds step, WallTime now) const;

    // Of one queue, the tasks that were ready: one value for each ten seconds of ten minutes.
    std::vector<std::optional<std::uint64_t>> ready(std::string_view queue, WallTime now) const;

    std::optional<Point> latest(WallTime now) const;  // if it is less than three seconds old
    const std::deque<Mark>& marks() const { return marks_; }

private:
    using Second = std::chrono::sys_seconds;
    struct Sample {
        Second second{};
        Point point{};
    };
    struct Ready {
        Second second{};
        std::uint64_t count = 0;
    };

    std::deque<Sample> samples_;
    std::deque<Mark> marks_;
    std::map<std::string, std::deque<Ready>, std::less<>> ready_;
};

}  // namespace xebec::monitor::web

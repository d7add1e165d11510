#include "monitor/web/history.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace xebec::monitor::web {

using std::chrono::floor;
using std::chrono::seconds;

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr seconds ready_step{10};
constexpr seconds ready_length{600};

constexpr std::size_t index(Column column) {
    return static_cast<std::size_t>(column);
}

bool is_percentile(std::size_t column) {
    return column >= index(Column::wait_p50_us) && column <= index(Column::run_p99_us);
}

double quantile(const Histogram& histogram, double share) {
    return histogram.count() == 0 ? unknown
                                  : static_cast<double>(histogram.quantile(share).count());
}

// Means of what is known, column by column; percentiles: the largest.
class Fold {
public:
    void add(const Point& point) {
        for (std::size_t i = 0; i < column_count; ++i) {
            if (std::isnan(point[i])) {
                continue;
            }
            if (is_percentile(i)) {
                sums_[i] = counts_[i] == 0 ? point[i] : std::max(sums_[i], point[i]);
            } else {
                sums_[i] += point[i];
            }
            ++counts_[i];
        }
    }

    Point result() const {
        Point point;
        for (std::size_t i = 0; i < column_count; ++i) {
            point[i] = counts_[i] == 0    ? unknown
                       : is_percentile(i) ? sums_[i]
                                          : sums_[i] / static_cast<double>(counts_[i]);
        }
        return point;
    }

private:
    Point sums_{};
    std::array<std::uint32_t, column_count> counts_{};
};

}  // namespace

std::string_view to_string(Column column) {
    constexpr std::array<std::string_view, column_count> names{
        "submitted",     "finished",    "failed",          "waiting",
        "running",       "workers",     "slots",           "slots_busy",
        "wait_p50_us",   "wait_p95_us", "wait_p99_us",     "run_p50_us",
        "run_p95_us",    "run_p99_us",  "broker_resident", "broker_cpu_permille",
        "journal_octets"};
    return names[index(column)];
}

std::string_view to_string(MarkKind kind) {
    switch (kind) {
        case MarkKind::broker_restarted:
            return "broker_restarted";
        case MarkKind::broker_silent:
            return "broker_silent";
        case MarkKind::broker_back:
            return "broker_back";
        case MarkKind::worker_lost:
            return "worker_lost";
        case MarkKind::worker_joined:
            return "worker_joined";
    }
    return "unknown";
}

Point point_of(const Interval& interval,
               const std::optional<protocol::BrokerResources>& resources) {
    const double length_s = std::max(0.001, static_cast<double>(interval.length.count()) / 1000);
    const auto rate = [length_s](std::uint64_t count) {
        return static_cast<double>(count) / length_s;
    };
    const auto known = [&resources](auto part) {
        return resources ? static_cast<double>((*resources).*part) : unknown;
    };
    return {rate(interval.submitted),
            rate(interval.finished),
            rate(interval.failed),
            static_cast<double>(interval.waiting),
            static_cast<double>(interval.running),
            static_cast<double>(interval.workers),
            static_cast<double>(interval.slots),
            static_cast<double>(interval.slots_busy),
            quantile(interval.wait, 0.5),
            quantile(interval.wait, 0.95),
            quantile(interval.wait, 0.99),
            quantile(interval.run, 0.5),
            quantile(interval.run, 0.95),
            quantile(interval.run, 0.99),
            known(&protocol::BrokerResources::resident_octets),
            known(&protocol::BrokerResources::cpu_permille),
            known(&protocol::BrokerResources::journal_octets)};
}

void History::add(WallTime time, const Point& point) {
    const Second second = floor<seconds>(time);
    while (!samples_.empty() && samples_.back().second >= second) {
        samples_.pop_back();  // of the same second, or the clock was put back
    }
    samples_.push_back({second, point});
    while (samples_.front().second <= second - length) {
        samples_.pop_front();
    }
}

void History::add(Mark mark) {
    marks_.push_back(std::move(mark));
    if (marks_.size() > marks_max) {
        marks_.pop_front();
    }
}

void History::add_ready(WallTime time, std::string_view queue, std::uint64_t count) {
    auto found = ready_.find(queue);
    if (found == ready_.end()) {
        if (ready_.size() >= queues_max) {
            return;
        }
        found = ready_.emplace(queue, std::deque<Ready>{}).first;
    }
    std::deque<Ready>& counts = found->second;
    const Second second = floor<seconds>(time);
    const Second step{second.time_since_epoch() / ready_step * ready_step};
    while (!counts.empty() && counts.back().second >= step) {
        counts.pop_back();
    }
    counts.push_back({step, count});
    while (counts.front().second <= step - ready_length) {
        counts.pop_front();
    }
}

Series History::series(seconds step, WallTime now) const {
    Series series{.step = step, .end = now};
    const Second last{floor<seconds>(now).time_since_epoch() / step * step};
    const auto count = static_cast<std::size_t>(length / step);
    const Second first = last - step * (count - 1);
    series.start = first;
    std::vector<Fold> folds(count);
    for (const Sample& sample : samples_) {
        if (sample.second >= first && sample.second < last + step) {
            folds[static_cast<std::size_t>((sample.second - first) / step)].add(sample.point);
        }
    }
    series.points.reserve(count);
    for (const Fold& fold : folds) {
        series.points.push_back(fold.result());
    }
    return series;
}

std::vector<std::optional<std::uint64_t>> History::ready(std::string_view queue,
                                                         WallTime now) const {
    std::vector<std::optional<std::uint64_t>> values(
        static_cast<std::size_t>(ready_length / ready_step));
    const auto found = ready_.find(queue);
    if (found == ready_.end()) {
        return values;
    }
    const Second last{floor<seconds>(now).time_since_epoch() / ready_step * ready_step};
    const Second first = last - ready_length + ready_step;
    for (const Ready& ready : found->second) {
        if (ready.second >= first && ready.second <= last) {
            values[static_cast<std::size_t>((ready.second - first) / ready_step)] = ready.count;
        }
    }
    return values;
}

std::optional<Point> History::latest(WallTime now) const {
    if (samples_.empty() || samples_.back().second + seconds{3} < floor<seconds>(now)) {
        return std::nullopt;
    }
    return samples_.back().point;
}

}  // namespace xebec::monitor::web

#pragma once
// The broker's figures as this reader knows them, and what happened from one look to the next.

#include "protocol/histogram.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace xebec::monitor {

struct LaneName {
    std::string queue;
    std::string kind;

    friend auto operator<=>(const LaneName&, const LaneName&) = default;
};

// One queue and kind, counted since the broker started.
struct Lane {
    std::uint64_t ready = 0;   // now
    std::uint64_t leased = 0;  // now
    std::uint64_t created = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    Histogram wait;
    Histogram run;
    std::uint64_t told_ms = 0;  // the broker's uptime when it said so
};

// Counts since the interval before, and what is there at its end.
struct Interval {
    std::uint64_t epoch = 0;
    WallTime time{};
    milliseconds length{0};
    std::uint64_t submitted = 0;
    std::uint64_t finished = 0;  // tasks that reached an end: succeeded, dead, cancelled, expired
    std::uint64_t failed = 0;    // attempts
    std::uint64_t waiting = 0;   // ready, scheduled or blocked
    std::uint64_t running = 0;   // leased
    std::uint32_t workers = 0;
    std::uint32_t slots = 0;
    std::uint32_t slots_busy = 0;
    Histogram wait;
    Histogram run;

    friend bool operator==(const Interval&, const Interval&) = default;
};

class CurrentFigures {
public:
    // No broker has more. Those beyond are left out of the lanes and of the histograms.
    static constexpr std::size_t lanes_max = 16'384;

    // `part`, from `stat.`, has only the lanes that changed; `all`, from a snapshot, has every lane
    // and gives the baseline of the first interval. Either may come late: of a lane and of the
    // totals the later state counts.
    void fold_part(const protocol::Figures& part);
    void fold_all(const protocol::Figures& all);

    // What happened since the interval taken before. Nothing without a baseline, and nothing if no
    // time has passed for the broker.
    std::optional<Interval> take_interval();

    void forget() { *this = {}; }

    milliseconds uptime() const { return milliseconds{uptime_ms_}; }
    // By the broker's own clock, so that it does not move with what a message takes to arrive.
    WallTime started_at() const { return WallTime{milliseconds{time_}} - uptime(); }
    const protocol::Totals& totals() const { return totals_; }
    const protocol::Sizes& sizes() const { return sizes_; }
    const std::optional<protocol::BrokerResources>& resources() const { return resources_; }
    std::uint64_t step_max_us() const { return step_max_us_; }
    const std::map<LaneName, Lane>& lanes() const { return lanes_; }

private:
    void fold(const protocol::Figures& figures);
    void fold(const protocol::LaneView& view, std::uint64_t told_ms);
    void start_interval();

    std::uint64_t epoch_ = 0;
    std::uint64_t time_ = 0;
    std::uint64_t uptime_ms_ = 0;
    protocol::Totals totals_;
    protocol::Sizes sizes_;
    std::optional<protocol::BrokerResources> resources_;
    std::uint64_t step_max_us_ = 0;
    std::map<LaneName, Lane> lanes_;

    // Of the interval under way.
    bool has_baseline_ = false;
    std::uint64_t start_uptime_ms_ = 0;
    protocol::Totals start_totals_;
    Histogram wait_;
    Histogram run_;
};

}  // namespace xebec::monitor

#include "monitor/figures.h"

#include <utility>

namespace xebec::monitor {

namespace {

std::uint64_t tasks_in(const protocol::Sizes& sizes, TaskState state) {
    const auto index = static_cast<std::size_t>(state);
    return index < sizes.tasks.size() ? sizes.tasks[index] : 0;
}

std::uint64_t finished(const protocol::Totals& totals) {
    return totals.succeeded + totals.dead + totals.cancelled + totals.expired;
}

std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
    return now > before ? now - before : 0;
}

// Replaces `known` by what the broker says of it now, and adds the difference to `interval`.
void advance(Histogram& known, const std::vector<std::uint64_t>& sparse, Histogram& interval) {
    Histogram told;
    if (!told.add_sparse(sparse)) {
        return;  // not a histogram: the known one stays
    }
    interval.add_sparse(told.since(known).to_sparse());
    known = std::move(told);
}

}  // namespace

void CurrentFigures::fold_part(const protocol::Figures& part) {
    fold(part);
}

void CurrentFigures::fold_all(const protocol::Figures& all) {
    fold(all);
    if (!has_baseline_) {
        has_baseline_ = true;
        start_interval();
    }
}

void CurrentFigures::fold(const protocol::Figures& figures) {
    if (figures.uptime_ms >= uptime_ms_) {
        epoch_ = figures.epoch;
        time_ = figures.time;
        uptime_ms_ = figures.uptime_ms;
        totals_ = figures.totals;
        sizes_ = figures.sizes;
        resources_ = figures.resources;
        step_max_us_ = figures.step_max_us;
    }
    for (const protocol::LaneView& view : figures.lanes) {
        fold(view, figures.uptime_ms);
    }
}

void CurrentFigures::fold(const protocol::LaneView& view, std::uint64_t told_ms) {
    LaneName name{.queue = std::string(view.queue), .kind = std::string(view.kind)};
    auto found = lanes_.find(name);
    if (found == lanes_.end()) {
        if (lanes_.size() >= lanes_max) {
            return;
        }
        found = lanes_.emplace(std::move(name), Lane{}).first;
    }
    Lane& lane = found->second;
    if (told_ms < lane.told_ms) {
        return;
    }
    lane.ready = view.ready;
    lane.leased = view.leased;
    lane.created = view.created;
    lane.succeeded = view.succeeded;
    lane.failed = view.failed;
    lane.told_ms = told_ms;
    advance(lane.wait, view.wait_us, wait_);
    advance(lane.run, view.run_us, run_);
}

std::optional<Interval> CurrentFigures::take_interval() {
    if (!has_baseline_ || uptime_ms_ <= start_uptime_ms_) {
        return std::nullopt;
    }
    Interval interval{
        .epoch = epoch_,
        .time = WallTime{milliseconds{time_}},
        .length = milliseconds{uptime_ms_ - start_uptime_ms_},
        .submitted = grown(start_totals_.submitted, totals_.submitted),
        .finished = grown(finished(start_totals_), finished(totals_)),
        .failed = grown(start_totals_.failed, totals_.failed),
        .waiting = tasks_in(sizes_, TaskState::ready) + tasks_in(sizes_, TaskState::scheduled) +
                   tasks_in(sizes_, TaskState::blocked),
        .running = tasks_in(sizes_, TaskState::leased),
        .workers = sizes_.workers,
        .slots = sizes_.slots,
        .slots_busy = sizes_.slots_busy,
        .wait = std::move(wait_),
        .run = std::move(run_),
    };
    start_interval();
    return interval;
}

void CurrentFigures::start_interval() {
    start_uptime_ms_ = uptime_ms_;
    start_totals_ = totals_;
    wait_ = {};
    run_ = {};
}

}  // namespace xebec::monitor

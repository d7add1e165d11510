#include "monitor/web/flows.h"

#include <algorithm>
#include <chrono>

namespace xebec::monitor::web {

void QueueFlows::update(Instant now, std::uint64_t epoch, const std::vector<QueueCounts>& queues) {
    const double passed_s = std::chrono::duration<double>(now - updated_at_).count();
    const bool is_comparable = epoch == epoch_ && passed_s > 0;
    std::map<std::string, Known, std::less<>> known;
    for (const QueueCounts& counts : queues) {
        const auto before = queues_.find(counts.name);
        Flow flow;
        if (is_comparable && before != queues_.end()) {
            const QueueCounts& old = before->second.counts;
            const double in =
                static_cast<double>(counts.created) - static_cast<double>(old.created);
            const double more =
                static_cast<double>(counts.unfinished) - static_cast<double>(old.unfinished);
            flow = {.in_per_s = std::max(0.0, in) / passed_s,
                    .out_per_s = std::max(0.0, in - more) / passed_s};
        }
        known.emplace(counts.name, Known{counts, flow});
    }
    epoch_ = epoch;
    updated_at_ = now;
    queues_ = std::move(known);
}

Flow QueueFlows::of(std::string_view queue) const {
    const auto found = queues_.find(queue);
    return found == queues_.end() ? Flow{} : found->second.flow;
}

void Deaths::update(Instant now, milliseconds uptime, std::uint64_t dead_total) {
    if (totals_.empty()) {
        if (uptime < remembered) {
            totals_.push_back({now - uptime, 0});
        }
        totals_.push_back({now, dead_total});
    } else {
        // A broker that was restarted counts from 0. Its epoch may be heard before or after that.
        const std::uint64_t more =
            dead_total < broker_total_ ? dead_total : dead_total - broker_total_;
        const std::uint64_t all = totals_.back().dead + more;
        // The first stays as it is: it is what the others are compared with.
        if (totals_.size() < 2 || now - totals_.back().at >= std::chrono::seconds{1}) {
            totals_.push_back({now, all});
        } else {
            totals_.back().dead = all;
        }
    }
    broker_total_ = dead_total;
    while (totals_.size() > 1 && totals_.front().at + remembered < now) {
        totals_.pop_front();
    }
}

milliseconds Deaths::known_for() const {
    // Of the first of them, one second at most has just been forgotten.
    constexpr milliseconds whole = remembered - std::chrono::seconds{2};
    const auto known =
        totals_.empty()
            ? milliseconds{0}
            : std::chrono::duration_cast<milliseconds>(totals_.back().at - totals_.front().at);
    return known >= whole ? remembered : known;
}

std::uint64_t Deaths::lately() const {
    return totals_.empty() ? 0 : totals_.back().dead - totals_.front().dead;
}

}  // namespace xebec::monitor::web

#include "monitor/web/workforce.h"

#include <algorithm>

namespace xebec::monitor::web {

std::vector<Mark> Workforce::update(WallTime now, std::uint64_t epoch,
                                    const std::vector<Member>& members, std::uint64_t lost_total) {
    std::map<std::uint64_t, Member> present;
    for (const Member& member : members) {
        present.emplace(member.session, member);
    }
    std::vector<Mark> marks;
    if (epoch == epoch_) {
        std::vector<const Member*> gone;
        for (const auto& [session, member] : members_) {
            if (!present.contains(session)) {
                gone.push_back(&member);
            }
        }
        // Those that were told to leave, or had nothing to do, are the likeliest to have left.
        std::stable_sort(gone.begin(), gone.end(), [](const Member* a, const Member* b) {
            return std::pair(a->is_draining, a->held == 0) <
                   std::pair(b->is_draining, b->held == 0);
        });
        const std::uint64_t lost_count = lost_total - std::min(lost_total, lost_total_);
        for (std::size_t i = 0; i < gone.size() && i < lost_count; ++i) {
            const Member& member = *gone[i];
            marks.push_back({now, MarkKind::worker_lost, member.name});
            lost_.push_front({.name = member.name,
                              .host = member.host,
                              .process = member.process,
                              .slots = member.slots,
                              .held = member.held,
                              .lost_at = now});
        }
        for (const auto& [session, member] : present) {
            if (!members_.contains(session)) {
                marks.push_back({now, MarkKind::worker_joined, member.name});
            }
        }
    }
    epoch_ = epoch;
    lost_total_ = lost_total;
    members_ = std::move(present);
    forget_old(now);
    return marks;
}

void Workforce::forget_old(WallTime now) {
    while (!lost_.empty() && (lost_.size() > lost_max || lost_.back().lost_at + remembered < now)) {
        lost_.pop_back();
    }
}

}  // namespace xebec::monitor::web

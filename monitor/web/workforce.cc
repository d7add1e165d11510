#include "monitor/web/workforce.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xebec::monitor::web {

namespace {

// The broker's count of lost workers comes once a second.
constexpr std::chrono::seconds count_late_max{3};

}  // namespace

std::vector<Mark> Workforce::update(WallTime now, std::uint64_t epoch,
                                    const std::vector<Member>& members, std::uint64_t lost_total) {
    std::map<std::uint64_t, Member> present;
    for (const Member& member : members) {
        present.emplace(member.session, member);
    }
    std::vector<Mark> marks;
    if (epoch == epoch_) {
        find_gone(now, present);
        take_lost(lost_total - std::min(lost_total, lost_total_), marks);
        for (const auto& [session, member] : present) {
            if (!members_.contains(session)) {
                marks.push_back({now, MarkKind::worker_joined, member.name});
            }
        }
    }
    if (epoch != epoch_) {
        gone_.clear();
    }
    epoch_ = epoch;
    lost_total_ = lost_total;
    members_ = std::move(present);
    forget_old(now);
    return marks;
}

void Workforce::find_gone(WallTime now, const std::map<std::uint64_t, Member>& present) {
    for (const auto& [session, member] : members_) {
        if (!present.contains(session)) {
            gone_.push_back({member, now});
        }
    }
    // Those that were told to leave, or had nothing to do, are the likeliest to have left.
    std::stable_sort(gone_.begin(), gone_.end(), [](const Gone& a, const Gone& b) {
        return std::pair(a.member.is_draining, a.member.held == 0) <
               std::pair(b.member.is_draining, b.member.held == 0);
    });
}

void Workforce::take_lost(std::uint64_t count, std::vector<Mark>& marks) {
    const auto end =
        gone_.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, gone_.size()));
    for (auto gone = gone_.begin(); gone != end; ++gone) {
        const Member& member = gone->member;
        marks.push_back({gone->at, MarkKind::worker_lost, member.name});
        lost_.push_front({.name = member.name,
                          .host = member.host,
                          .process = member.process,
                          .slots = member.slots,
                          .held = member.held,
                          .lost_at = gone->at});
    }
    gone_.erase(gone_.begin(), end);
}

void Workforce::forget_old(WallTime now) {
    std::erase_if(gone_, [now](const Gone& gone) {
        return gone.at + count_late_max < now || gone.at > now;  // the clock was put back
    });
    while (!lost_.empty() && (lost_.size() > lost_max || lost_.back().lost_at + remembered < now)) {
        lost_.pop_back();
    }
}

}  // namespace xebec::monitor::web

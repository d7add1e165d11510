#pragma once
// Who came and who was lost, seen by comparing one list of workers with the next. Pure.

#include "monitor/web/findings.h"
#include "monitor/web/history.h"
#include "protocol/time.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace xebec::monitor::web {

struct Member {
    std::uint64_t session = 0;
    std::string name;
    std::string host;
    std::uint32_t process = 0;
    std::uint32_t slots = 0;
    std::uint32_t held = 0;
    bool is_draining = false;
};

class Workforce {
public:
    static constexpr std::chrono::hours remembered{1};
    static constexpr std::size_t lost_max = 1'000;

    // `lost_total` is the broker's count of lost workers: of those that are gone, that many were
    // lost and the others left by themselves. It may be older than the list, so those that are gone
    // may still turn out lost for a few seconds. The first list after a start, or in another
    // `epoch` of the broker, is where comparing begins.
    std::vector<Mark> update(WallTime now, std::uint64_t epoch, const std::vector<Member>& members,
                             std::uint64_t lost_total);

    // Newest first.
    const std::deque<LostWorker>& lost() const { return lost_; }

private:
    struct Gone {
        Member member;
        WallTime at{};
    };

    void find_gone(WallTime now, const std::map<std::uint64_t, Member>& present);
    void take_lost(std::uint64_t count, std::vector<Mark>& marks);
    void forget_old(WallTime now);

    std::uint64_t epoch_ = 0;
    std::uint64_t lost_total_ = 0;
    std::map<std::uint64_t, Member> members_;  // by session
    std::vector<Gone> gone_;                   // lately, and not known to be lost
    std::deque<LostWorker> lost_;
};

}  // namespace xebec::monitor::web

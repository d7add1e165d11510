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

    // `lost_total` is the broker's count of lost workers: of those that are gone since the list
    // before, that many were lost and the others left by themselves. The first list after a start,
    // or in another `epoch` of the broker, is where comparing begins.
    std::vector<Mark> update(WallTime now, std::uint64_t epoch, const std::vector<Member>& members,
                             std::uint64_t lost_total);

    // Newest first.
    const std::deque<LostWorker>& lost() const { return lost_; }

private:
    void forget_old(WallTime now);

    std::uint64_t epoch_ = 0;
    std::uint64_t lost_total_ = 0;
    std::map<std::uint64_t, Member> members_;  // by session
    std::deque<LostWorker> lost_;
};

}  // namespace xebec::monitor::web

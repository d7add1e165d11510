#include "broker/core/sessions.h"

#include "protocol/check.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <algorithm>

namespace xebec::broker {

namespace {

constexpr std::size_t gpu_name_octets_max = 64;

}  // namespace

Machine::Machine(const protocol::Resources& resources) : resources_(resources) {
    resources_.gpus.resize(std::min(resources_.gpus.size(), worker_gpus_max));
    gpu_names_.reserve(resources_.gpus.size());
    for (protocol::GpuView& gpu : resources_.gpus) {
        gpu.name = gpu_names_.emplace_back(to_utf8(gpu.name, gpu_name_octets_max));
    }
}

void RecentAttempts::add(const Attempt& attempt) {
    if (ring_.size() < recent_attempts_max) {
        ring_.push_back(attempt);
        return;
    }
    ring_[next_] = attempt;
    next_ = (next_ + 1) % recent_attempts_max;
}

std::vector<RecentAttempts::Attempt> RecentAttempts::newest_first() const {
    std::vector<Attempt> attempts = ring_;
    std::rotate(attempts.begin(), attempts.begin() + static_cast<std::ptrdiff_t>(next_),
                attempts.end());
    std::reverse(attempts.begin(), attempts.end());
    return attempts;
}

SessionIndex Sessions::open(std::uint64_t id, const Peer& peer) {
    const SessionIndex index = sessions_.acquire();
    check(id != 0 && by_id_.emplace(id, index).second, "a session's number is new");
    check(by_peer_.emplace(peer, index).second, "a connection has one session");
    sessions_[index].id = id;
    sessions_[index].peer = peer;
    return index;
}

void Sessions::close(SessionIndex session) {
    check(by_id_.erase(sessions_[session].id) == 1, "a session to be closed is open");
    unbind(session);
    if (find_instance(sessions_[session].instance) == session) {
        by_instance_.erase(sessions_[session].instance);
    }
    sessions_.release(session);
}

SessionIndex Sessions::find_instance(std::uint64_t instance) const {
    const auto found = by_instance_.find(instance);
    return found == by_instance_.end() ? no_session : found->second;
}

void Sessions::set_instance(SessionIndex session, std::uint64_t instance) {
    sessions_[session].instance = instance;
    if (instance != 0) {
        by_instance_[instance] = session;
    }
}

void Sessions::unbind(SessionIndex session) {
    const auto found = by_peer_.find(sessions_[session].peer);
    if (found != by_peer_.end() && found->second == session) {
        by_peer_.erase(found);
    }
}

SessionIndex Sessions::find(const Peer& peer) const {
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? no_session : found->second;
}

SessionIndex Sessions::find(std::uint64_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? no_session : found->second;
}

}  // namespace xebec::broker

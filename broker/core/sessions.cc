#include "broker/core/sessions.h"

#include "protocol/check.h"

namespace xebec::broker {

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

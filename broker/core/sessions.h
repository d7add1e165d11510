#pragma once
// One conversation of a peer with this run of the broker, and what the broker owes it.

#include "broker/core/indices.h"
#include "broker/core/lanes.h"
#include "broker/core/peers.h"
#include "broker/core/slab.h"
#include "broker/core/tombstones.h"
#include "protocol/blob.h"
#include "protocol/messages.h"
#include "protocol/plain.h"
#include "protocol/time.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xebec::broker {

// An outcome on its way to a session that waits. Owns its texts.
struct PendingOutcome {
    protocol::OutcomeItem item;  // its error is set when it is sent
    Blob error_class;
    Blob error_text;
};

// An outcome that a session is told when it has read what was sent to it: it does not hold the
// result meanwhile.
struct OwedOutcome {
    TaskId id;
    Tombstone ending;  // if nothing else is remembered by then
};

// How many tasks a worker may still be given.
enum class Room : std::uint8_t {
    none,     // its credit is used up, or it is leaving
    waiting,  // more than it can run now
    free,     // a slot is free
};
constexpr std::size_t room_count = 3;

// What a worker of the Paranoid Pirate Protocol is known by. It has one slot.
struct PlainWorker {
    protocol::PlainDialect dialect = protocol::PlainDialect::octet;
    std::string token;         // the address it has to give back; empty: it was given nothing
    TaskId task;               // what the token stands for
    std::uint64_t fence = 0;   // of its lease
    std::uint32_t probes = 0;  // heartbeats sent while it works
};

// What a worker's ping said of its machine. Owns its texts.
class Machine {
public:
    explicit Machine(const protocol::Resources& resources);

    const protocol::Resources& resources() const { return resources_; }

private:
    std::vector<std::string> gpu_names_;
    protocol::Resources resources_;  // borrows from them
};

// The latest attempts of a worker that have ended, while somebody looks.
class RecentAttempts {
public:
    struct Attempt {
        std::uint64_t number = 0;
        KindIndex kind{};
        WallTime started_at{};
        std::uint64_t run_us = 0;
        TaskState state = TaskState::scheduled;  // of the task, after it
    };

    void add(const Attempt& attempt);
    std::vector<Attempt> newest_first() const;
    std::size_t size() const { return ring_.size(); }

private:
    std::vector<Attempt> ring_;
    std::size_t next_ = 0;  // where the next one goes
};

// The part of a session that only workers have.
struct WorkerPart {
    std::vector<std::string> kinds;
    std::vector<std::string> queues;   // empty: all
    std::optional<PlainWorker> plain;  // else it speaks the native protocol
    OfferIndex offer = no_index<OfferIndex>;
    std::uint32_t slots = 0;
    std::uint32_t credit = 0;
    bool is_draining = false;
    std::uint32_t given_back = 0;  // leases released since it is draining
    std::uint32_t died_back = 0;   // of tasks whose attempts that used up
    bool is_gone = false;          // its connection is; it may come back on another

    TaskLine held;  // its leases, in order of assignment
    std::uint32_t held_count = 0;
    absl::flat_hash_set<std::pair<TaskId, std::uint64_t>> revoked;  // not yet given back

    Instant last_progress{};  // when it last finished something, or began with nothing
    // Asked for tasks back: not again before this, unless it answers. It says nothing about those
    // that it has started meanwhile.
    Instant recall_rests_until{};

    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::unique_ptr<Machine> machine;        // nothing: it has not said
    std::unique_ptr<RecentAttempts> recent;  // nothing: none

    // Its place among the workers of its offer with the same room, least recently used first.
    Room room = Room::none;
    std::uint64_t used_order = 0;

    // What this step sends.
    std::vector<protocol::AssignItem> assigning;
    std::vector<protocol::LeaseRef> revoking;

    std::uint32_t occupied() const {
        return held_count + static_cast<std::uint32_t>(revoked.size());
    }
};

// How much of what was sent to a peer it may not have read yet: a pong says that it has read
// everything in front of the ping. ZeroMQ says nothing of that kind.
struct Unread {
    std::uint64_t octets = 0;  // sent to a client, or bodies to a worker, since the last proof
    std::uint64_t octets_behind = 0;  // of them, behind the ping that asks for the next one
    std::uint64_t proof = 0;          // that ping's correlation; 0: none is under way
};

enum class SessionTimer : std::uint8_t { liveness, leases, recall };
constexpr std::size_t session_timer_count = 3;

struct Session {
    Session() { timers.fill(Instant::max()); }

    std::uint64_t id = 0;  // 0: the entry is free
    Peer peer;
    protocol::Role role = protocol::Role::client;
    Blob name;
    std::string host;
    std::uint32_t process = 0;
    std::uint64_t instance = 0;  // 0: it has not said
    Instant last_heard{};
    bool is_pinged = false;  // since it was last heard
    WallTime since{};
    std::array<Instant, session_timer_count> timers;  // when each is armed for; max: it is not
    WorkerPart worker;
    std::vector<PendingOutcome> outcomes;
    std::uint64_t outcomes_sent = 0;  // messages
    std::deque<OwedOutcome> owed;     // oldest first
    std::uint64_t waits = 0;          // tasks whose outcome it is owed
    Unread unread;
    bool is_touched = false;  // it has something to be sent at the end of the step

    bool is_worker() const { return role == protocol::Role::worker; }
};

class Sessions {
public:
    static constexpr std::size_t count_max = 65'536;

    // A connection has one session at most: close the other first.
    SessionIndex open(std::uint64_t id, const Peer& peer);
    void close(SessionIndex session);
    // Its connection is another session's from now on; it remains to be closed.
    void unbind(SessionIndex session);

    SessionIndex find(std::uint64_t id) const;
    SessionIndex find(const Peer& peer) const;
    // Of a worker's run, by the number it made for itself.
    SessionIndex find_instance(std::uint64_t instance) const;
    void set_instance(SessionIndex session, std::uint64_t instance);
    Session& operator[](SessionIndex session) { return sessions_[session]; }
    const Session& operator[](SessionIndex session) const { return sessions_[session]; }

    std::uint32_t size() const { return sessions_.size(); }
    std::uint32_t used() const { return sessions_.used(); }  // free entries among them have id 0

private:
    Slab<Session, SessionIndex> sessions_;
    absl::flat_hash_map<std::uint64_t, SessionIndex> by_id_;
    absl::flat_hash_map<Peer, SessionIndex> by_peer_;
    absl::flat_hash_map<std::uint64_t, SessionIndex> by_instance_;
};

}  // namespace xebec::broker

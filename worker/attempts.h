#pragma once
// The attempts a worker holds, in the order of their assignment, and a memory of those that ended.

#include "worker/attempt.h"

#include <array>
#include <cstddef>
#include <map>
#include <unordered_map>

namespace xebec::worker {

class AttemptTable {
public:
    using Attempts = std::map<AttemptKey, Attempt>;

    // The lease must not be held yet.
    AttemptKey add(Attempt attempt);
    void remove(AttemptKey key);

    Attempt* find(AttemptKey key);
    std::optional<AttemptKey> find(const protocol::LeaseRef& lease) const;

    // Whether this lease was given to us lately and is no longer held. Late repeats of an
    // assignment are told by it; what it has forgotten runs again and is refused by its fence.
    bool has_ended(const protocol::LeaseRef& lease) const;
    void note_ended(const protocol::LeaseRef& lease);

    // Oldest first.
    Attempts& all() { return attempts_; }
    const Attempts& all() const { return attempts_; }
    bool empty() const { return attempts_.empty(); }
    std::size_t size() const { return attempts_.size(); }

private:
    struct LeaseHash {
        std::size_t operator()(const protocol::LeaseRef& lease) const noexcept;
    };
    // A power of two; a lease has one place, where a later one replaces it.
    static constexpr std::size_t ended_places = 1024;

    static std::size_t place_of(const protocol::LeaseRef& lease);

    AttemptKey next_key_ = 1;
    Attempts attempts_;
    std::unordered_map<protocol::LeaseRef, AttemptKey, LeaseHash> key_of_;
    std::array<protocol::LeaseRef, ended_places> ended_{};
};

}  // namespace xebec::worker

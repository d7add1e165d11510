#include "worker/attempts.h"

#include "protocol/check.h"

#include <functional>
#include <utility>

namespace xebec::worker {

std::size_t AttemptTable::LeaseHash::operator()(const protocol::LeaseRef& lease) const noexcept {
    return std::hash<TaskId>{}(lease.id) ^ (lease.fence * 0x9E37'79B9'7F4A'7C15U);
}

std::size_t AttemptTable::place_of(const protocol::LeaseRef& lease) {
    const std::size_t hash = LeaseHash{}(lease);
    return (hash ^ (hash >> 32)) % ended_places;
}

AttemptKey AttemptTable::add(Attempt attempt) {
    const AttemptKey key = next_key_++;
    const bool is_new = key_of_.emplace(attempt.lease(), key).second;
    check(is_new, "a lease is held once");
    attempts_.emplace_hint(attempts_.end(), key, std::move(attempt));
    return key;
}

void AttemptTable::remove(AttemptKey key) {
    const auto found = attempts_.find(key);
    check(found != attempts_.end(), "only a held attempt is removed");
    note_ended(found->second.lease());
    key_of_.erase(found->second.lease());
    attempts_.erase(found);
}

Attempt* AttemptTable::find(AttemptKey key) {
    const auto found = attempts_.find(key);
    return found == attempts_.end() ? nullptr : &found->second;
}

std::optional<AttemptKey> AttemptTable::find(const protocol::LeaseRef& lease) const {
    const auto found = key_of_.find(lease);
    if (found == key_of_.end()) {
        return std::nullopt;
    }
    return found->second;
}

bool AttemptTable::has_ended(const protocol::LeaseRef& lease) const {
    return ended_[place_of(lease)] == lease;
}

void AttemptTable::note_ended(const protocol::LeaseRef& lease) {
    ended_[place_of(lease)] = lease;
}

}  // namespace xebec::worker

#pragma once
// What is due when, on one clock. The wall clock may jump either way, so this is an ordered set and
// not a wheel that only turns forward.

#include <absl/container/btree_set.h>

#include <optional>
#include <utility>

namespace xebec::broker {

template <class TimePoint, class Key>
class Timers {
public:
    void arm(TimePoint at, Key key) { due_.emplace(at, key); }
    void cancel(TimePoint at, Key key) { due_.erase({at, key}); }

    // Keeps its memory, unlike cancelling the only one and arming it anew.
    void rearm(TimePoint from, TimePoint to, Key key) {
        if (from != to) {
            arm(to, key);
            cancel(from, key);
        }
    }

    std::optional<TimePoint> next() const {
        return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
    }

    std::optional<std::pair<TimePoint, Key>> first() const {
        return due_.empty() ? std::nullopt : std::optional(*due_.begin());
    }

    // Takes out the earliest that is due.
    std::optional<Key> take_due(TimePoint now) {
        if (due_.empty() || due_.begin()->first > now) {
            return std::nullopt;
        }
        const Key key = due_.begin()->second;
        due_.erase(due_.begin());
        return key;
    }

    std::size_t size() const { return due_.size(); }
    bool is_armed(TimePoint at, Key key) const { return due_.contains({at, key}); }

private:
    absl::btree_set<std::pair<TimePoint, Key>> due_;
};

}  // namespace xebec::broker

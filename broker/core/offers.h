#pragma once
// Who could run what. Workers that serve the same kinds from the same queues share an offer: the
// lanes they serve, and which of them have room. Who gets the next task is decided here.

#include "broker/core/indices.h"
#include "broker/core/queues.h"
#include "broker/core/sessions.h"
#include "broker/core/slab.h"

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xebec::broker {

class Offers {
public:
    Offers(QueueTable& queues, Sessions& sessions) : queues_(queues), sessions_(sessions) {}

    // A worker's session came or goes.
    void join(SessionIndex session);
    void leave(SessionIndex session);

    // A lane has been made.
    void add_lane(LaneIndex lane);
    // A lane became ready, empty, paused or resumed.
    void update_lane(LaneIndex lane);

    // The session holds more or fewer tasks, or its credit changed. `used` moves it to the end of
    // the line.
    void update_room(SessionIndex session, bool used = false);

    // The next worker to be given a task and the lane to take it from: free slots before waiting
    // room, then the least recently used worker, then the best task it could run.
    struct Match {
        SessionIndex session = no_session;
        LaneIndex lane{};
    };
    std::optional<Match> next_match(const TaskTable& tasks) const;

    // A worker other than `holder` with a free slot and nothing to do that could run the lane's
    // tasks.
    bool has_idle_worker(LaneIndex lane) const;

    std::uint32_t idle_workers() const { return idle_workers_; }  // with a free slot

    void check_invariants() const;

private:
    // Workers of one offer with the same room, by when they were last used.
    using Line = absl::btree_map<std::uint64_t, SessionIndex>;

    struct Offer {
        std::string key;
        std::vector<std::string> kinds;   // sorted
        std::vector<std::string> queues;  // sorted; empty: all
        absl::btree_set<LaneIndex> active;
        std::array<Line, room_count> lines;
        std::array<std::uint64_t, room_count> matchable_as{};  // its keys there; 0: it is not
        std::uint32_t sessions = 0;
    };

    bool serves(const Offer& offer, LaneIndex lane) const;
    void take_off_line(WorkerPart& worker);
    void put_on_line(SessionIndex session);
    LaneIndex best_lane(const Offer& offer, const TaskTable& tasks) const;

    QueueTable& queues_;
    Sessions& sessions_;
    Slab<Offer, OfferIndex> offers_;
    absl::btree_map<std::string, OfferIndex> by_key_;
    // Offers that have both an active lane and a worker with that room, by when the first of those
    // workers was last used.
    std::array<absl::btree_map<std::uint64_t, OfferIndex>, room_count> matchable_;
    void update_matchable(OfferIndex offer);

    std::uint64_t used_order_last_ = 0;
    std::uint32_t idle_workers_ = 0;
};

}  // namespace xebec::broker

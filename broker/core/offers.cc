#include "broker/core/offers.h"

#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

namespace {

std::string key_of(const WorkerPart& worker) {
    std::string key;
    for (const std::string& kind : worker.kinds) {
        key += kind;
        key += '\n';
    }
    for (const std::string& queue : worker.queues) {
        key += '@';
        key += queue;
        key += '\n';
    }
    return key;
}

Room room_of(const WorkerPart& worker) {
    if (worker.is_draining || worker.is_gone || worker.occupied() >= worker.credit) {
        return Room::none;
    }
    return worker.occupied() < worker.slots ? Room::free : Room::waiting;
}

}  // namespace

void Offers::join(SessionIndex session) {
    WorkerPart& worker = sessions_[session].worker;
    std::sort(worker.kinds.begin(), worker.kinds.end());
    std::sort(worker.queues.begin(), worker.queues.end());
    std::string key = key_of(worker);
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) {
        worker.offer = known->second;
    } else {
        worker.offer = offers_.acquire();
        Offer& offer = offers_[worker.offer];
        offer.kinds = worker.kinds;
        offer.queues = worker.queues;
        offer.key = key;
        by_key_.emplace(std::move(key), worker.offer);
        for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
            const auto lane = static_cast<LaneIndex>(i);
            if (serves(offer, lane)) {
                queues_[lane].offers.push_back(worker.offer);
                if (queues_[lane].is_offered) {
                    offer.active.insert(lane);
                }
            }
        }
    }
    ++offers_[worker.offer].sessions;
    worker.used_order = ++used_order_last_;
    worker.room = Room::none;
    put_on_line(session);
    update_room(session);
}

void Offers::leave(SessionIndex session) {
    WorkerPart& worker = sessions_[session].worker;
    take_off_line(worker);
    const OfferIndex index = worker.offer;
    Offer& offer = offers_[index];
    worker.offer = no_index<OfferIndex>;
    if (--offer.sessions > 0) {
        update_matchable(index);
        return;
    }
    for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
        std::erase(queues_[static_cast<LaneIndex>(i)].offers, index);
    }
    by_key_.erase(offer.key);
    update_matchable(index);
    offers_.release(index);
}

bool Offers::serves(const Offer& offer, LaneIndex index) const {
    const Lane& lane = queues_[index];
    return std::binary_search(offer.kinds.begin(), offer.kinds.end(), queues_.name(lane.kind())) &&
           (offer.queues.empty() || std::binary_search(offer.queues.begin(), offer.queues.end(),
                                                       queues_[lane.queue()].name));
}

void Offers::add_lane(LaneIndex lane) {
    for (const auto& [key, index] : by_key_) {
        if (!serves(offers_[index], lane)) {
            continue;
        }
        queues_[lane].offers.push_back(index);
        if (queues_[lane].is_offered) {
            offers_[index].active.insert(lane);
            update_matchable(index);
        }
    }
}

void Offers::update_lane(LaneIndex index) {
    Lane& lane = queues_[index];
    const bool wants_offer = lane.has_work() && !queues_[lane.queue()].is_paused;
    if (wants_offer == lane.is_offered) {
        return;
    }
    lane.is_offered = wants_offer;
    for (const OfferIndex offer : lane.offers) {
        if (wants_offer) {
            offers_[offer].active.insert(index);
        } else {
            offers_[offer].active.erase(index);
        }
        update_matchable(offer);
    }
}

void Offers::take_off_line(WorkerPart& worker) {
    Offer& offer = offers_[worker.offer];
    offer.lines[static_cast<std::size_t>(worker.room)].erase(worker.used_order);
    idle_workers_ -= worker.room == Room::free ? 1 : 0;
}

void Offers::put_on_line(SessionIndex session) {
    WorkerPart& worker = sessions_[session].worker;
    Offer& offer = offers_[worker.offer];
    offer.lines[static_cast<std::size_t>(worker.room)].emplace(worker.used_order, session);
    idle_workers_ += worker.room == Room::free ? 1 : 0;
}

void Offers::update_room(SessionIndex session, bool used) {
    WorkerPart& worker = sessions_[session].worker;
    const Room room = room_of(worker);
    const bool moves_back = used && worker.used_order != used_order_last_;
    if (room == worker.room && !moves_back) {
        return;
    }
    take_off_line(worker);
    worker.room = room;
    if (moves_back) {
        worker.used_order = ++used_order_last_;
    }
    put_on_line(session);
    update_matchable(worker.offer);
}

void Offers::update_matchable(OfferIndex index) {
    Offer& offer = offers_[index];
    for (const Room room : {Room::free, Room::waiting}) {
        const auto at = static_cast<std::size_t>(room);
        const bool has_both = !offer.active.empty() && !offer.lines[at].empty();
        const std::uint64_t key = has_both ? offer.lines[at].begin()->first : 0;
        if (key == offer.matchable_as[at]) {
            continue;
        }
        matchable_[at].erase(offer.matchable_as[at]);
        if (has_both) {
            matchable_[at].emplace(key, index);
        }
        offer.matchable_as[at] = key;
    }
}

LaneIndex Offers::best_lane(const Offer& offer, const TaskTable& tasks) const {
    LaneIndex best = *offer.active.begin();
    if (offer.active.size() == 1) {
        return best;
    }
    Rank best_rank;
    for (const LaneIndex lane : offer.active) {
        const auto head = queues_[lane].head(tasks);
        check(head.has_value(), "an active lane has a task");
        if (lane == *offer.active.begin() || head->rank.goes_before(best_rank)) {
            best = lane;
            best_rank = head->rank;
        }
    }
    return best;
}

std::optional<Offers::Match> Offers::next_match(const TaskTable& tasks) const {
    for (const Room room : {Room::free, Room::waiting}) {
        const auto at = static_cast<std::size_t>(room);
        if (!matchable_[at].empty()) {
            const Offer& offer = offers_[matchable_[at].begin()->second];
            return Match{offer.lines[at].begin()->second, best_lane(offer, tasks)};
        }
    }
    return std::nullopt;
}

bool Offers::has_idle_worker(LaneIndex lane) const {
    const auto& offers = queues_[lane].offers;
    return std::any_of(offers.begin(), offers.end(), [this](OfferIndex index) {
        const Offer& offer = offers_[index];
        return offer.active.empty() && !offer.lines[static_cast<std::size_t>(Room::free)].empty();
    });
}

void Offers::check_invariants() const {
    for (const auto& [key, index] : by_key_) {
        const Offer& offer = offers_[index];
        std::size_t on_lines = 0;
        for (std::size_t room = 0; room < room_count; ++room) {
            for (const auto& [order, session] : offer.lines[room]) {
                const WorkerPart& worker = sessions_[session].worker;
                check(room_of(worker) == static_cast<Room>(room) && worker.used_order == order,
                      "a worker stands in the line of its room (L1)");
            }
            on_lines += offer.lines[room].size();
        }
        check(on_lines == offer.sessions, "every worker of an offer stands in one line (L1)");
        for (const Room room : {Room::free, Room::waiting}) {
            const auto at = static_cast<std::size_t>(room);
            const bool has_both = !offer.active.empty() && !offer.lines[at].empty();
            const auto found = matchable_[at].find(offer.matchable_as[at]);
            const bool is_listed = found != matchable_[at].end() && found->second == index;
            check(is_listed == has_both &&
                      (!has_both || offer.lines[at].begin()->first == offer.matchable_as[at]),
                  "an offer with tasks and room is found by its first worker (L1)");
        }
        for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
            const auto lane = static_cast<LaneIndex>(i);
            const bool open = queues_[lane].has_work() && !queues_[queues_[lane].queue()].is_paused;
            check(offer.active.contains(lane) == (open && serves(offer, lane)),
                  "an offer knows the lanes with tasks for it (L1)");
        }
    }
}

}  // namespace xebec::broker

#include "broker/core/queues.h"

#include "protocol/check.h"

namespace xebec::broker {

namespace {

std::uint64_t pair_key(QueueIndex queue, KindIndex kind) {
    return (static_cast<std::uint64_t>(queue) << 32) | static_cast<std::uint64_t>(kind);
}

}  // namespace

std::uint64_t Queue::unfinished() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        count += is_final(static_cast<TaskState>(i)) ? 0 : tasks[i];
    }
    return count;
}

QueueTable::QueueTable() = default;

std::optional<QueueIndex> QueueTable::find(std::string_view name) const {
    if (queue_last_ && (*this)[*queue_last_].name == name) {
        return queue_last_;
    }
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
        return std::nullopt;
    }
    queue_last_ = found->second;
    return queue_last_;
}

std::optional<KindIndex> QueueTable::find_kind(std::string_view name) const {
    const auto found = kinds_by_name_.find(name);
    return found == kinds_by_name_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<QueueIndex> QueueTable::make(std::string_view name) {
    if (const auto known = find(name)) {
        return known;
    }
    if (queues_.size() >= names_max) {
        return std::nullopt;
    }
    const auto index = static_cast<QueueIndex>(queues_.size());
    queues_.push_back(std::make_unique<Queue>(Queue{.name = std::string(name)}));
    by_name_.emplace(queues_.back()->name, index);
    return index;
}

std::optional<KindIndex> QueueTable::make_kind(std::string_view name) {
    if (const auto known = find_kind(name)) {
        return known;
    }
    if (kinds_.size() >= names_max) {
        return std::nullopt;
    }
    const auto index = static_cast<KindIndex>(kinds_.size());
    kinds_.push_back(std::make_unique<const std::string>(name));
    kinds_by_name_.emplace(*kinds_.back(), index);
    return index;
}

std::optional<LaneIndex> QueueTable::find_lane(QueueIndex queue, KindIndex kind) const {
    const auto found = lanes_by_pair_.find(pair_key(queue, kind));
    return found == lanes_by_pair_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<LaneIndex> QueueTable::find_lane(std::string_view queue,
                                               std::string_view kind) const {
    if (lane_last_) {
        const Lane& last = (*this)[*lane_last_];
        if ((*this)[last.queue()].name == queue && name(last.kind()) == kind) {
            return lane_last_;
        }
    }
    const auto queue_known = find(queue);
    const auto kind_known = find_kind(kind);
    if (!queue_known || !kind_known) {
        return std::nullopt;
    }
    const auto found = find_lane(*queue_known, *kind_known);
    lane_last_ = found ? found : lane_last_;
    return found;
}

LaneIndex QueueTable::make_lane(QueueIndex queue, KindIndex kind) {
    const auto index = static_cast<LaneIndex>(lanes_.size());
    check(lanes_by_pair_.emplace(pair_key(queue, kind), index).second,
          "a queue and a kind have one lane");
    lanes_.push_back(std::make_unique<Lane>(queue, kind));
    (*this)[queue].lanes.push_back(index);
    return index;
}

bool QueueTable::has_room_for(std::string_view queue, std::string_view kind) const {
    return find_lane(queue, kind) ||
           ((find(queue) || queues_.size() < names_max) &&
            (find_kind(kind) || kinds_.size() < names_max) && lanes_.size() < lanes_max);
}

}  // namespace xebec::broker

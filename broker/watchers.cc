#include "broker/watchers.h"

#include "protocol/codec.h"
#include "protocol/limits.h"

#include <algorithm>

namespace xebec::broker {

namespace {

constexpr std::size_t topic_octets_max =
    protocol::task_topic_prefix.size() + queue_name_octets_max + 1;

// Whether something sent under topics with this prefix can match the subscription.
bool matches(std::string_view subscribed, std::string_view prefix) {
    return prefix.starts_with(subscribed) || subscribed.starts_with(prefix);
}

}  // namespace

void Watchers::take(std::string_view frame) {
    if (frame.empty()) {
        return;
    }
    const std::string topic(frame.substr(1));
    if (frame[0] == 0) {
        topics_.erase(std::string(topic));
        return;
    }
    // Others match nothing that is ever sent, and only take up room.
    const bool is_of_use =
        topic.size() <= topic_octets_max &&
        (matches(topic, protocol::task_topic_prefix) || matches(topic, protocol::stat_topic));
    if (frame[0] == 1 && is_of_use && topics_.size() < topics_max) {
        topics_.insert(topic);
    }
}

bool Watchers::wants(std::string_view prefix) const {
    return std::any_of(topics_.begin(), topics_.end(),
                       [prefix](const std::string& topic) { return matches(topic, prefix); });
}

}  // namespace xebec::broker

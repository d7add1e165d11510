#include "broker/watchers.h"

#include <algorithm>

namespace xebec::broker {

void Watchers::take(std::string_view frame) {
    if (frame.empty()) {
        return;
    }
    const std::string topic(frame.substr(1));
    if (frame[0] == 1 && topics_.size() < topics_max) {
        topics_.insert(topic);
    } else if (frame[0] == 0) {
        topics_.erase(topic);
    }
}

bool Watchers::wants(std::string_view prefix) const {
    return std::any_of(topics_.begin(), topics_.end(), [prefix](const std::string& topic) {
        return prefix.starts_with(topic) || std::string_view(topic).starts_with(prefix);
    });
}

}  // namespace xebec::broker

#pragma once
// Which topics of the PUB socket anybody listens to, as XPUB tells it.

#include <absl/container/btree_set.h>

#include <string>
#include <string_view>

namespace xebec::broker {

class Watchers {
public:
    // A frame that XPUB received: 1 and a topic to subscribe, 0 and a topic to end that. Others are
    // ignored. XPUB passes on the first subscription to a topic and the end of the last.
    void take(std::string_view frame);

    bool wants(std::string_view topic_prefix) const;

private:
    static constexpr std::size_t topics_max = 10'000;

    absl::btree_set<std::string> topics_;
};

}  // namespace xebec::broker

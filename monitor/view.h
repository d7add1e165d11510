#pragma once
// Whatever shows what the core decided to show.

#include "monitor/core.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <cstdint>
#include <string_view>

namespace xebec::monitor {

// One update of a queue.
struct ShowUpdate {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    WallTime time{};
    std::string_view queue;
    protocol::Update update;
};

class View {
public:
    virtual ~View() = default;

    virtual void show(const ShowUpdate& shown) = 0;
    virtual void show(const ShowInterval& shown) = 0;
    virtual void show(const Notice& notice) = 0;

    // Ends a batch of the above. False: nothing more is to be shown.
    virtual bool finish_batch() = 0;
};

}  // namespace xebec::monitor

#pragma once
// Reads what the broker publishes.

#include "monitor/core.h"

#include <span>
#include <string_view>

namespace xebec::monitor {

// One message of the PUB socket as an event that borrows from its frames: UpdatesReceived or
// StatReceived; UnreadableReceived, with the reason, if it is neither.
Event read_published(std::span<const std::string_view> frames);

}  // namespace xebec::monitor

#pragma once
// The part of the HTTP API that is about tasks. docs/openapi.json describes it.

#include "monitor/web/board.h"
#include "monitor/web/broker.h"

#include <cstddef>
#include <httplib.h>

namespace xebec::monitor::web {

// How many requests may wait for a result at a time; each takes a thread.
constexpr std::size_t result_waits_max = 64;

// Adds its routes. Both must live as long as the server; closing the board ends all waiting.
void add_task_routes(httplib::Server& server, Broker& broker, const Board& board);

}  // namespace xebec::monitor::web

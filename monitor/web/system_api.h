#pragma once
// The part of the HTTP API that is about queues, workers and the broker as a whole.

#include "monitor/web/board.h"
#include "monitor/web/broker.h"

#include <httplib.h>

namespace xebec::monitor::web {

// Adds its routes. Both must live as long as the server.
void add_system_routes(httplib::Server& server, Broker& broker, Board& board);

}  // namespace xebec::monitor::web

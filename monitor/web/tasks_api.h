#pragma once
// The part of the HTTP API that is about tasks. docs/openapi.json describes it.

#include "monitor/web/broker.h"

#include <httplib.h>

namespace xebec::monitor::web {

// Adds its routes. `broker` must live as long as the server.
void add_task_routes(httplib::Server& server, Broker& broker);

}  // namespace xebec::monitor::web

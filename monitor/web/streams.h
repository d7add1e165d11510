#pragma once
// Server-sent events (HTML standard, section 9.2): what pages show live, and the updates of tasks.

#include "monitor/web/board.h"

#include <cstddef>
#include <httplib.h>
#include <string>

namespace xebec::monitor::web {

// How many streams there may be at a time; each takes a thread for as long as it lasts.
constexpr std::size_t live_streams_max = 200;
constexpr std::size_t update_streams_max = 16;

struct StreamOptions {
    std::string updates;  // endpoints
    std::string broker;
};

// Adds its routes. `board` must live as long as the server; closing it ends all streams.
void add_stream_routes(httplib::Server& server, const StreamOptions& options, Board& board);

}  // namespace xebec::monitor::web

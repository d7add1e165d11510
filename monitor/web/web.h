#pragma once
// xebec-monitor web: the dashboard and the HTTP API.

#include "runtime/signals.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xebec::monitor::web {

struct WebOptions {
    std::string listen = "127.0.0.1:5580";
    std::vector<std::string> allowed_hosts;  // more names that browsers may use for this server
    std::string token_file;
    bool read_only = false;
};

struct BrokerEndpoints {
    std::string updates;
    std::string broker;
};

// Serves until a signal comes. Gives the exit status; says what is wrong on standard error.
int run(const WebOptions& options, const BrokerEndpoints& endpoints,
        const runtime::Signals& signals);

}  // namespace xebec::monitor::web

#pragma once
// The command line of xebec-monitor.

#include "monitor/core.h"
#include "monitor/web/web.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace xebec::monitor {

enum class Colours { when_on_terminal, always, never };

struct Options {
    std::string updates = "tcp://127.0.0.1:5557";
    std::string broker = "tcp://127.0.0.1:5555";
    Selection selection;
    bool stats = false;
    bool json = false;
    Colours colours = Colours::when_on_terminal;
    std::chrono::milliseconds timeout{0};  // 0: waits for ever
    std::optional<std::uint64_t> count;    // absent: without end
    std::optional<web::WebOptions> web;    // serve pages instead of printing
};

// Fills `options`. A value is the status with which to exit at once; help and errors have been
// printed.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace xebec::monitor

#pragma once
// What xebec-worker is told by its flags, its environment and its file.

#include "runtime/log.h"
#include "worker/command.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace xebec::worker {

struct Options {
    std::string broker = "tcp://127.0.0.1:5556";
    std::uint32_t count = 1;  // worker processes
    std::uint32_t slots = 1;  // of each
    std::vector<std::string> queues;
    std::vector<RunOption> commands;
    std::string name;  // process n is called <name>-n
    std::chrono::milliseconds grace{30'000};
    std::chrono::milliseconds heartbeat{1'000};
    bool has_builtins = true;
    bool is_network_allowed = false;
    runtime::LogOptions log;
};

// The options, or the status with which to exit at once; what was wrong has been printed.
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace xebec::worker

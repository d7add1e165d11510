#pragma once
// The broker's flags and configuration file as one struct.

#include "broker/core/core.h"
#include "runtime/log.h"

#include <cstdint>
#include <optional>
#include <string>

namespace xebec::broker {

// When an answer may leave: after its flush, after its write, or at once.
enum class Durability : std::uint8_t { sync, relaxed, none };

struct Options {
    std::string clients = "tcp://127.0.0.1:5555";
    std::string workers = "tcp://127.0.0.1:5556";
    std::string updates = "tcp://127.0.0.1:5557";
    std::string data = "./xebec-data";
    Durability durability = Durability::sync;
    milliseconds flush_every{100};  // of Durability::relaxed
    bool repair = false;            // say what a repair would cut, and end
    bool repair_now = false;        // cut it
    bool insecure_network = false;
    bool plain = true;  // serve plain peers
    runtime::LogOptions log;
    CoreOptions core;
};

// A value is the status with which to exit at once; what there is to say has been printed.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace xebec::broker

#pragma once
// The conventions every program's flags follow: flag beats environment beats configuration file;
// flags stand before or after a subcommand; unknown keys are errors; exit codes mean one thing.

#include "runtime/exit_status.h"
#include "runtime/sockets.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace xebec::runtime {

// Names the program, adds --config and --version, gives every option of `app` and its subcommands
// the environment variable XEBEC_<PROGRAM>_<FLAG>, a subcommand's
// XEBEC_<PROGRAM>_<SUBCOMMAND>_<FLAG>, and lets the program's own stand anywhere. Call it when all
// options are there; `program` is "broker", "worker", "client" or "monitor".
void add_conventions(CLI::App& app, const std::string& program);

// Parses. A value is the status with which to exit at once; help and errors have been printed.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

// An option that takes a duration such as 250ms, 30s, 10m, 24h or 7d.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& description);

// A check for options that take an endpoint.
CLI::Validator is_endpoint(EndpointUse use);

}  // namespace xebec::runtime

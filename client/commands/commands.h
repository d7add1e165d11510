#pragma once
// The subcommands of xebec-client. Each adds its flags to the command line and, when it is the one
// that was given, sets what is to be run; that returns the exit code.

#include "client/options.h"

#include <CLI/CLI.hpp>

#include <functional>

namespace xebec::client {

using Command = std::function<int()>;

void add_submit(CLI::App& app, const Options& options, Command& command);
void add_status(CLI::App& app, const Options& options, Command& command);
void add_result(CLI::App& app, const Options& options, Command& command);
void add_list(CLI::App& app, const Options& options, Command& command);
void add_cancel(CLI::App& app, const Options& options, Command& command);
void add_retry(CLI::App& app, const Options& options, Command& command);
void add_queues(CLI::App& app, const Options& options, Command& command);
void add_queue_set(CLI::App& app, const Options& options, Command& command);
void add_pause(CLI::App& app, const Options& options, Command& command);
void add_resume(CLI::App& app, const Options& options, Command& command);
void add_workers(CLI::App& app, const Options& options, Command& command);
void add_drain(CLI::App& app, const Options& options, Command& command);
void add_stats(CLI::App& app, const Options& options, Command& command);
void add_backup(CLI::App& app, const Options& options, Command& command);

}  // namespace xebec::client

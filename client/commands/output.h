#pragma once
// How several commands print what became of a task.

#include "client/json.h"
#include "client/options.h"

#include <xebec/client.h>

#include <chrono>

namespace xebec::client {

// Waits for the task and prints its result, as JSON if asked for. Gives the exit code.
int wait_and_print(Client& client, const Options& options, const TaskKey& task,
                   std::chrono::milliseconds timeout);

// Prints the result of a task that has ended; says why there is none. Gives the exit code.
int print_ended(const Options& options, const TaskInfo& task, const Payload& result);

}  // namespace xebec::client

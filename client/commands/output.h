#pragma once
// How several commands print what became of a task.

#include "client/json.h"
#include "client/options.h"

#include <xebec/client.h>

namespace xebec::client {

// A task that the broker is known to have.
struct Awaited {
    std::uint64_t number = 0;
    TaskId id;
    Json known;  // what is printed if its end is not learnt
};

// Prints the result of a task that was waited for, as JSON if asked for, or says why there is none.
// Gives the exit code.
int print_awaited(Client& client, const Options& options, const Awaited& task,
                  const Result<Outcome>& outcome);

// Prints the result of a task that has ended; says why there is none. Gives the exit code.
int print_ended(const Options& options, const TaskInfo& task, const Payload& result);

}  // namespace xebec::client

#pragma once
// Runs a program for each task: the payload on its standard input, its standard output the result.

#include "protocol/limits.h"
#include "worker/task_board.h"

#include <xebec/worker.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace xebec::worker {

struct CommandLimits {
    std::uint64_t result_octets_max = Limits{}.result_octets_max;
    std::chrono::milliseconds stop_max{2'000};  // between SIGTERM and SIGKILL
    // How long what the program left behind in its pipes is read after its end.
    std::chrono::milliseconds drain_max{500};
};

// No shell is involved. The program leads a process group of its own; the group ends with the
// attempt, whatever the program has started in it. `board` may be absent and is borrowed.
Handler command_handler(std::vector<std::string> arguments, TaskBoard* board,
                        CommandLimits limits = {});

}  // namespace xebec::worker

#pragma once
// One worker process: what a supervisor's child does until it leaves.

#include "worker/options.h"
#include "worker/task_board.h"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace xebec::worker {

// The exit status of a worker process that could not start or was refused by the broker for good:
// another one would fare no better.
constexpr int exit_refused = 78;

std::string process_name(const Options& options, std::uint32_t index);

// Process number `index`, from 1, of `supervisor`. Returns its exit status.
int run_worker_process(const Options& options, std::uint32_t index, TaskBoard& board,
                       pid_t supervisor);

}  // namespace xebec::worker

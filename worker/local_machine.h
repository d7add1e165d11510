#pragma once
// The machine that this process runs on.

#include "worker/machine.h"

#include <memory>
#include <string>

namespace xebec::worker {

// `gpu_program` is what tells of GPUs, such as nvidia-smi; empty: nothing does. The disk is that of
// the working folder.
std::unique_ptr<Machine> local_machine(const std::string& gpu_program);

}  // namespace xebec::worker

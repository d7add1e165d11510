#include "worker/machine.h"

namespace xebec::worker {

protocol::Resources MachineUse::view() const {
    protocol::Resources resources{.cpu_permille = cpu_permille,
                                  .memory_used = memory_used,
                                  .memory_total = memory_total,
                                  .disk_used = disk_used,
                                  .disk_total = disk_total,
                                  .process_resident = process_resident};
    for (const Gpu& gpu : gpus) {
        resources.gpus.push_back({.name = gpu.name,
                                  .busy_permille = gpu.busy_permille,
                                  .memory_used = gpu.memory_used,
                                  .memory_total = gpu.memory_total});
    }
    return resources;
}

}  // namespace xebec::worker

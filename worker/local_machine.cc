#include "worker/local_machine.h"

#include "runtime/usage.h"
#include "worker/gpus.h"

#include <libproc2/meminfo.h>
#include <libproc2/stat.h>

#include <algorithm>
#include <array>
#include <optional>

namespace xebec::worker {

namespace {

// One reading of /proc/stat; the first counts from when it was made.
class Processors {
public:
    Processors() {
        if (procps_stat_new(&info_) < 0) {
            info_ = nullptr;
        }
    }
    ~Processors() {
        if (info_ != nullptr) {
            procps_stat_unref(&info_);
        }
    }
    Processors(const Processors&) = delete;
    Processors& operator=(const Processors&) = delete;

    std::uint32_t busy_permille() {
        std::array<stat_item, 2> items{STAT_TIC_SUM_DELTA_BUSY, STAT_TIC_SUM_DELTA_TOTAL};
        const stat_stack* stack =
            info_ == nullptr ? nullptr : procps_stat_select(info_, items.data(), items.size());
        if (stack == nullptr) {
            return 0;
        }
        const auto busy = stack->head[0].result.sl_int;
        const auto total = stack->head[1].result.sl_int;
        return total <= 0 ? 0
                          : static_cast<std::uint32_t>(1'000 * std::clamp(busy, 0L, total) / total);
    }

private:
    stat_info* info_ = nullptr;
};

class Memory {
public:
    Memory() {
        if (procps_meminfo_new(&info_) < 0) {
            info_ = nullptr;
        }
    }
    ~Memory() {
        if (info_ != nullptr) {
            procps_meminfo_unref(&info_);
        }
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    void read(MachineUse& use) {
        constexpr std::uint64_t unit = 1'024;
        std::array<meminfo_item, 2> items{MEMINFO_MEM_USED, MEMINFO_MEM_TOTAL};
        const meminfo_stack* stack =
            info_ == nullptr ? nullptr : procps_meminfo_select(info_, items.data(), items.size());
        if (stack != nullptr) {
            use.memory_used = stack->head[0].result.ul_int * unit;
            use.memory_total = stack->head[1].result.ul_int * unit;
        }
    }

private:
    meminfo_info* info_ = nullptr;
};

class LocalMachine : public Machine {
public:
    explicit LocalMachine(const std::string& gpu_program) {
        if (!gpu_program.empty()) {
            gpus_.emplace(gpu_program);
        }
    }

    MachineUse look(Now now) override {
        const runtime::DiskSpace disk = runtime::disk_space(".");
        MachineUse use{.cpu_permille = processors_.busy_permille(),
                       .disk_used = disk.used,
                       .disk_total = disk.total,
                       .process_resident = runtime::process_use().resident_octets};
        memory_.read(use);
        if (gpus_) {
            use.gpus = gpus_->look(now);
        }
        return use;
    }

private:
    Processors processors_;
    Memory memory_;
    std::optional<Gpus> gpus_;
};

}  // namespace

std::unique_ptr<Machine> local_machine(const std::string& gpu_program) {
    return std::make_unique<LocalMachine>(gpu_program);
}

}  // namespace xebec::worker

#pragma once
// What a worker's machine has and how much of it is in use, for operators to see.

#include "protocol/messages.h"
#include "protocol/time.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xebec::worker {

struct Gpu {
    std::string name;
    std::uint32_t busy_permille = 0;
    std::uint64_t memory_used = 0;
    std::uint64_t memory_total = 0;

    friend bool operator==(const Gpu&, const Gpu&) = default;
};

// Octets; a total of 0: not known.
struct MachineUse {
    std::uint32_t cpu_permille = 0;  // of all cores together
    std::uint64_t memory_used = 0;
    std::uint64_t memory_total = 0;
    std::uint64_t disk_used = 0;
    std::uint64_t disk_total = 0;
    std::uint64_t process_resident = 0;
    std::vector<Gpu> gpus;

    // As it travels; borrows its texts.
    protocol::Resources view() const;

    friend bool operator==(const MachineUse&, const MachineUse&) = default;
};

class Machine {
public:
    virtual ~Machine() = default;

    // How things are, and how busy it was since the last look. Never waits.
    virtual MachineUse look(Now now) = 0;
};

}  // namespace xebec::worker

#pragma once
// What this process uses, and what a disk has. Each look takes some microseconds.

#include "protocol/time.h"

#include <cstdint>
#include <filesystem>

namespace xebec::runtime {

struct ProcessUse {
    std::uint64_t resident_octets = 0;  // 0: not known
    Duration processor{};               // of all threads, since the start
};

ProcessUse process_use();

struct DiskSpace {
    std::uint64_t free = 0;  // for whoever asks
    std::uint64_t used = 0;
    std::uint64_t total = 0;  // 0: not known
};

// Of the file system that the folder is on.
DiskSpace disk_space(const std::filesystem::path& folder);

// How busy a process was between two looks: 1,000 is as much as one core can do.
class ProcessorLoad {
public:
    std::uint32_t permille(Duration processor, Instant now);

private:
    Duration processor_last_{};
    Instant last_{};  // the epoch: there was no look yet
};

}  // namespace xebec::runtime

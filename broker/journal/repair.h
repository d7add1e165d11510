#pragma once
// What is left of a damaged journal: everything before the first damage. The rest is kept aside,
// not destroyed.

#include "runtime/file_system.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace xebec::broker::journal {

enum class RepairMode { dry_run, cut };

struct RepairReport {
    bool is_damaged = false;  // else there is nothing to repair
    std::string fault;
    std::filesystem::path file;  // where the journal is cut
    std::uint64_t offset = 0;

    // What is cut, as far as it can still be told.
    std::uint64_t octets = 0;
    std::uint64_t frames = 0;
    std::uint64_t records = 0;
    std::vector<std::filesystem::path> segments;  // cut whole
    std::vector<std::filesystem::path> kept_in;   // with RepairMode::cut
};

// No broker may be using the folder. May be killed anywhere and repeated. Throws JournalError where
// cutting does not help.
RepairReport repair(runtime::FileSystem& files, const std::filesystem::path& folder,
                    std::uint32_t partition, RepairMode mode);

}  // namespace xebec::broker::journal

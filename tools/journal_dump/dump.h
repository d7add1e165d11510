#pragma once
// Reads a journal without changing it and tells what stands there.

#include "runtime/file_system.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>

namespace xebec::journal_dump {

struct Options {
    std::filesystem::path folder;
    std::uint32_t partition = 0;
    std::optional<std::uint64_t> task;  // only this one's records
    bool is_json = false;               // one object a line
    bool must_verify = false;           // payloads too
};

// Gives whether everything is whole, as far as was looked. Throws JournalError or FileError.
bool dump(runtime::FileSystem& files, const Options& options, std::ostream& out);

}  // namespace xebec::journal_dump

#pragma once
// The few things done with files: small ones read and replaced durably, and a lock.

#include "runtime/descriptors.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::runtime {

// Nothing if there is no such file. Throws std::runtime_error if it cannot be read.
std::optional<std::string> read_file(const std::filesystem::path& path);

// Replaces the file so that after a power cut it has either the old or the new content: written
// beside it, flushed, renamed, and the folder flushed. Throws std::runtime_error.
void replace_file(const std::filesystem::path& path, std::string_view content);

// Holds a lock on a file for as long as it lives; made if absent.
class FileLock {
public:
    // Throws std::runtime_error if another process holds it.
    explicit FileLock(const std::filesystem::path& path);

private:
    Descriptor file_;
};

}  // namespace xebec::runtime

#pragma once
// The disk below a broker: a folder of its own there, how long a flush takes, and what the system
// keeps of files in memory.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace xebec::bench {

// A folder that nobody else uses, removed at the end with all that is in it.
class TemporaryFolder {
public:
    // Throws std::runtime_error. `parent` empty: the current folder.
    explicit TemporaryFolder(const std::string& parent);
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// The median of many times 4 KiB written over what a file has there already, and flushed.
double measure_flush_p50_us(const std::filesystem::path& folder);

// Of all files in the folder, while somebody may be changing it.
std::uint64_t octets_of_files(const std::filesystem::path& folder);

// To the device on which the folder lies, by everybody, since the machine started; nothing if the
// system counts none for it.
std::optional<std::uint64_t> device_written_octets(const std::filesystem::path& folder);

// Whoever reads the folder's files next has to read them from the disk. Throws std::runtime_error.
void drop_cached(const std::filesystem::path& folder);

}  // namespace xebec::bench

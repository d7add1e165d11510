#pragma once
// The folder that a backup is written to: a data folder, once it is finished. Until then a file in
// it keeps a broker from starting there, and it goes again unless it is finished.

#include "runtime/posix_files.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace xebec::client {

class BackupFolder {
public:
    // Nothing if a backup may be written to `path`: it is an empty folder, or there is none. Else a
    // sentence.
    static std::string problem(const std::filesystem::path& path);

    // Makes what is missing. Everything here throws runtime::FileError.
    explicit BackupFolder(std::filesystem::path path);
    ~BackupFolder();
    BackupFolder(const BackupFolder&) = delete;
    BackupFolder& operator=(const BackupFolder&) = delete;

    // Segments are written one after the other, each from its beginning.
    void begin_segment(std::uint32_t segment);
    void append(std::string_view octets);
    void end_segment();  // it is on the disk, and as large as its header says

    // What a broker will start with: its boot epoch will be higher.
    void finish(std::uint64_t epoch);

private:
    runtime::PosixFiles files_;
    std::filesystem::path path_;
    std::filesystem::path journal_;
    bool is_ours_;  // it did not exist
    bool is_finished_ = false;
    std::unique_ptr<runtime::File> segment_;
    std::uint64_t segment_octets_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace xebec::client

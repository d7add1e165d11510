#pragma once
// The operating system's files.

#include "runtime/file_system.h"

#include <sys/types.h>

namespace xebec::runtime {

// What a test replaces to see interrupted and short calls.
struct FileCalls {
    ssize_t (*read_at)(int, void*, size_t, off_t);
    ssize_t (*write_at)(int, const void*, size_t, off_t);
    int (*flush)(int);
};
FileCalls real_file_calls();

class PosixFiles : public FileSystem {
public:
    explicit PosixFiles(FileCalls calls = real_file_calls()) : calls_(calls) {}

    std::unique_ptr<File> open(const Path& path, FileAccess access) override;
    std::vector<std::string> list(const Path& folder) override;
    bool exists(const Path& path) override;
    void make_folder(const Path& path) override;
    void rename(const Path& from, const Path& to) override;
    void remove(const Path& path) override;
    void link(const Path& from, const Path& to) override;
    void flush_folder(const Path& folder) override;
    std::uint64_t free_octets(const Path& folder) override;

private:
    FileCalls calls_;
};

}  // namespace xebec::runtime

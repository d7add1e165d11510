#pragma once
// The one door to files whose durability matters. Behind it stands the operating system, or a
// simulated disk.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::runtime {

// An operation that failed: errno's number, and a sentence for people.
class FileError : public std::runtime_error {
public:
    FileError(const std::string& action, const std::filesystem::path& path, int code);

    int code() const { return code_; }
    bool is_disk_full() const;
    bool is_passing() const;  // descriptors or memory are used up: later it may succeed

private:
    int code_;
};

// An open file. One thread at a time may change it; reads may run beside them. Everything throws
// FileError.
class File {
public:
    virtual ~File() = default;

    // Fewer octets than asked for only at the end of the file.
    virtual std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) = 0;
    virtual void write_at(std::uint64_t offset, std::string_view octets) = 0;
    // What was written is on the disk when this returns. After a failure nobody knows what is, and
    // calling it again does not tell.
    virtual void flush() = 0;
    virtual std::uint64_t size() = 0;
    virtual void truncate(std::uint64_t size) = 0;
    // Takes room on the disk for `size` octets, so that writing them cannot fail for want of it.
    virtual void allocate(std::uint64_t size) = 0;
};

enum class FileAccess { read, change, create };  // `create`: there must be none yet

class FileSystem {
public:
    using Path = std::filesystem::path;

    virtual ~FileSystem() = default;

    virtual std::unique_ptr<File> open(const Path& path, FileAccess access) = 0;
    virtual std::vector<std::string> list(const Path& folder) = 0;  // names, sorted
    virtual bool exists(const Path& path) = 0;
    // Its parents too; nothing happens if there is one. New files and folders are for their owner
    // alone.
    virtual void make_folder(const Path& path) = 0;
    virtual void rename(const Path& from, const Path& to) = 0;
    virtual void remove(const Path& path) = 0;
    virtual void link(const Path& from, const Path& to) = 0;
    // Files made, renamed and removed in it are so on the disk when this returns.
    virtual void flush_folder(const Path& folder) = 0;
    virtual std::uint64_t free_octets(const Path& folder) = 0;
};

}  // namespace xebec::runtime

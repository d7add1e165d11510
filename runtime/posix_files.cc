#include "runtime/posix_files.h"

#include "runtime/descriptors.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace xebec::runtime {

namespace {

// Tasks are nobody else's business.
constexpr mode_t private_file = 0600;
constexpr mode_t private_folder = 0700;

class PosixFile : public File {
public:
    PosixFile(std::filesystem::path path, Descriptor descriptor, FileCalls calls)
        : path_(std::move(path)), descriptor_(std::move(descriptor)), calls_(calls) {}

    std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) override {
        std::size_t done = 0;
        while (done < size) {
            const ssize_t got = calls_.read_at(descriptor_.number(), into + done, size - done,
                                               static_cast<off_t>(offset + done));
            if (got == 0) {
                break;
            }
            if (got < 0 && errno != EINTR) {
                throw FileError("read", path_, errno);
            }
            done += got > 0 ? static_cast<std::size_t>(got) : 0;
        }
        return done;
    }

    void write_at(std::uint64_t offset, std::string_view octets) override {
        while (!octets.empty()) {
            const ssize_t written = calls_.write_at(descriptor_.number(), octets.data(),
                                                    octets.size(), static_cast<off_t>(offset));
            if (written < 0 && errno != EINTR) {
                throw FileError("write", path_, errno);
            }
            if (written == 0) {
                throw FileError("write", path_, EIO);
            }
            const std::size_t step = written > 0 ? static_cast<std::size_t>(written) : 0;
            octets.remove_prefix(step);
            offset += step;
        }
    }

    void flush() override {
        if (calls_.flush(descriptor_.number()) != 0) {
            throw FileError("flush", path_, errno);
        }
    }

    std::uint64_t size() override {
        struct stat status {};
        if (fstat(descriptor_.number(), &status) != 0) {
            throw FileError("look at", path_, errno);
        }
        return static_cast<std::uint64_t>(status.st_size);
    }

    void truncate(std::uint64_t size) override {
        if (ftruncate(descriptor_.number(), static_cast<off_t>(size)) != 0) {
            throw FileError("truncate", path_, errno);
        }
    }

    void allocate(std::uint64_t size) override {
        const int failure =
            posix_fallocate(descriptor_.number(), 0, static_cast<off_t>(size));  // errno is not set
        if (failure != 0) {
            throw FileError("take room for", path_, failure);
        }
    }

private:
    std::filesystem::path path_;
    Descriptor descriptor_;
    FileCalls calls_;
};

int flags_of(FileAccess access) {
    switch (access) {
        case FileAccess::read:
            return O_RDONLY;
        case FileAccess::change:
            return O_RDWR;
        case FileAccess::create:
            return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
}

}  // namespace

FileError::FileError(const std::string& action, const std::filesystem::path& path, int code)
    : std::runtime_error("cannot " + action + " " + path.string() + ": " + std::strerror(code)),
      code_(code) {}

bool FileError::is_disk_full() const {
    return code_ == ENOSPC || code_ == EDQUOT;
}

bool FileError::is_passing() const {
    return code_ == EMFILE || code_ == ENFILE || code_ == ENOMEM;
}

FileCalls real_file_calls() {
    return {.read_at = pread, .write_at = pwrite, .flush = fdatasync};
}

std::unique_ptr<File> PosixFiles::open(const Path& path, FileAccess access) {
    Descriptor descriptor(::open(path.c_str(), flags_of(access) | O_CLOEXEC, private_file));
    if (!descriptor.is_open()) {
        throw FileError("open", path, errno);
    }
    return std::make_unique<PosixFile>(path, std::move(descriptor), calls_);
}

std::vector<std::string> PosixFiles::list(const Path& folder) {
    std::error_code failure;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        names.push_back(entry->path().filename().string());
    }
    if (failure) {
        throw FileError("list", folder, failure.value());
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool PosixFiles::exists(const Path& path) {
    std::error_code failure;
    return std::filesystem::exists(path, failure);
}

void PosixFiles::make_folder(const Path& path) {
    if (mkdir(path.c_str(), private_folder) == 0) {
        return;
    }
    const int code = errno;
    std::error_code ignored;
    if (code == ENOENT && path.has_parent_path() && !exists(path.parent_path())) {
        make_folder(path.parent_path());
        make_folder(path);
    } else if (code != EEXIST || !std::filesystem::is_directory(path, ignored)) {
        throw FileError("make the folder", path, code);
    }
}

void PosixFiles::rename(const Path& from, const Path& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) {
        throw FileError("rename", from, errno);
    }
}

void PosixFiles::remove(const Path& path) {
    if (unlink(path.c_str()) != 0) {
        throw FileError("remove", path, errno);
    }
}

void PosixFiles::link(const Path& from, const Path& to) {
    if (::link(from.c_str(), to.c_str()) != 0) {
        throw FileError("link", from, errno);
    }
}

void PosixFiles::flush_folder(const Path& folder) {
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.is_open() || fsync(descriptor.number()) != 0) {
        throw FileError("flush the folder", folder, errno);
    }
}

std::uint64_t PosixFiles::free_octets(const Path& folder) {
    struct statvfs status {};
    if (statvfs(folder.c_str(), &status) != 0) {
        throw FileError("look at", folder, errno);
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace xebec::runtime

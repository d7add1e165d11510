#include "runtime/files.h"

#include "runtime/posix_files.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace xebec::runtime {

namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path) {
    const bool is_forbidden = errno == EACCES || errno == EPERM;
    throw std::runtime_error("cannot " + action + " " + path.string() + ": " +
                             std::strerror(errno) +
                             (is_forbidden ? "; start as the user who owns the folder" : ""));
}

}  // namespace

std::optional<std::string> read_file(const std::filesystem::path& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        fail("open", path);
    }
    std::string content;
    char buffer[4096];
    while (true) {
        const ssize_t got = read(file.number(), buffer, sizeof buffer);
        if (got == 0) {
            return content;
        }
        if (got < 0 && errno != EINTR) {
            fail("read", path);
        }
        content.append(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
    }
}

void replace_file(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::path beside = path;
    beside += ".new";
    PosixFiles files;
    if (files.exists(beside)) {
        files.remove(beside);  // of a process that was killed meanwhile
    }
    const auto file = files.open(beside, FileAccess::create);
    file->write_at(0, content);
    file->flush();
    files.rename(beside, path);
    files.flush_folder(path.has_parent_path() ? path.parent_path() : ".");
}

FileLock::FileLock(const std::filesystem::path& path)
    : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (!file_.is_open()) {
        fail("open", path);
    }
    if (flock(file_.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            throw std::runtime_error("another broker is using " + path.parent_path().string() +
                                     "; give each broker a --data folder of its own");
        }
        fail("lock", path);
    }
}

}  // namespace xebec::runtime

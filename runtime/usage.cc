#include "runtime/usage.h"

#include "runtime/descriptors.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <charconv>
#include <chrono>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace xebec::runtime {

namespace {

// "total resident shared …", in pages.
std::uint64_t resident_octets() {
    const Descriptor file(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    char buffer[128];
    const ssize_t size = file.number() < 0 ? -1 : read(file.number(), buffer, sizeof buffer);
    if (size <= 0) {
        return 0;
    }
    const std::string_view text(buffer, static_cast<std::size_t>(size));
    const std::size_t at = text.find(' ');
    std::uint64_t pages = 0;
    if (at != std::string_view::npos) {
        std::from_chars(text.data() + at + 1, text.data() + text.size(), pages);
    }
    return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Duration to_duration(const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

}  // namespace

ProcessUse process_use() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return {.resident_octets = resident_octets(),
            .processor = to_duration(usage.ru_utime) + to_duration(usage.ru_stime)};
}

DiskSpace disk_space(const std::filesystem::path& folder) {
    struct statvfs status {};
    if (statvfs(folder.c_str(), &status) != 0) {
        return {};
    }
    const std::uint64_t unit = status.f_frsize;
    return {.free = status.f_bavail * unit,
            .used = (status.f_blocks - status.f_bfree) * unit,
            .total = status.f_blocks * unit};
}

std::uint32_t ProcessorLoad::permille(Duration processor, Instant now) {
    const Duration passed = now - last_;
    const Duration worked = processor - processor_last_;
    const bool is_first = last_ == Instant{};
    processor_last_ = processor;
    last_ = now;
    return is_first || passed <= Duration{} || worked < Duration{}
               ? 0
               : static_cast<std::uint32_t>(1'000 * worked / passed);
}

}  // namespace xebec::runtime

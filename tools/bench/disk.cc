#include "tools/bench/disk.h"

#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/posix_files.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace xebec::bench {

namespace {

std::string make_folder(const std::string& parent) {
    std::string name = (parent.empty() ? std::filesystem::current_path().string() : parent) +
                       "/xebec-bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("cannot make a folder like " + name);
    }
    return name;
}

}  // namespace

TemporaryFolder::TemporaryFolder(const std::string& parent)
    : path_(std::filesystem::absolute(make_folder(parent))) {}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

double measure_flush_p50_us(const std::filesystem::path& folder) {
    constexpr std::uint64_t file_octets = 16 << 20;
    constexpr std::uint64_t piece_octets = 4096;
    constexpr std::size_t flushes = 2'000;
    runtime::PosixFiles files;
    const auto file = files.open(folder / "flushes", runtime::FileAccess::create);
    file->allocate(file_octets);
    file->write_at(0, std::string(file_octets, '\0'));
    file->flush();

    const std::string piece(piece_octets, 'x');
    std::vector<double> took_us;
    for (std::size_t i = 0; i < flushes; ++i) {
        const Instant began = runtime::now().steady;
        file->write_at(i * piece_octets % file_octets, piece);
        file->flush();
        took_us.push_back(
            std::chrono::duration<double, std::micro>(runtime::now().steady - began).count());
    }
    files.remove(folder / "flushes");
    std::sort(took_us.begin(), took_us.end());
    return took_us[took_us.size() / 2];
}

std::uint64_t octets_of_files(const std::filesystem::path& folder) {
    std::uint64_t octets = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(folder, gone)) {
        const std::uintmax_t size = entry.file_size(gone);
        octets += gone ? 0 : size;
    }
    return octets;
}

std::optional<std::uint64_t> device_written_octets(const std::filesystem::path& folder) {
    constexpr std::uint64_t sector_octets = 512;  // as the system counts, whatever the device has
    struct stat status {};
    if (stat(folder.c_str(), &status) != 0) {
        return std::nullopt;
    }
    std::ifstream fields("/sys/dev/block/" + std::to_string(major(status.st_dev)) + ':' +
                         std::to_string(minor(status.st_dev)) + "/stat");
    std::uint64_t field = 0;
    for (int i = 0; i < 7; ++i) {  // reads and writes: requests, merged, sectors, milliseconds
        fields >> field;
    }
    return fields ? std::optional(field * sector_octets) : std::nullopt;
}

void drop_cached(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const runtime::Descriptor file(open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        // What is not on the disk yet cannot be dropped.
        if (file.number() < 0 || fsync(file.number()) != 0 ||
            posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED) != 0) {
            throw std::runtime_error("cannot drop what is cached of " + entry.path().string());
        }
    }
}

}  // namespace xebec::bench

#include "broker/boot_epoch.h"

#include "runtime/files.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <string>

namespace xebec::broker {

namespace {

std::uint32_t parse(const std::filesystem::path& path, const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end == text.data() || *end != '\n' || value == UINT32_MAX) {
        throw std::runtime_error(path.string() +
                                 " is damaged: it should hold one number below 2^32 - 1 and a "
                                 "newline; write the Unix time in seconds there to go on");
    }
    return value;
}

}  // namespace

BootEpoch::BootEpoch(std::filesystem::path folder, WallTime now) : path_(std::move(folder)) {
    path_ /= "epoch";
    const auto stored = runtime::read_file(path_);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    const auto clock =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 1, UINT32_MAX - 1));
    raise(stored ? std::max(parse(path_, *stored) + 1, clock) : clock);
}

void BootEpoch::raise(std::uint32_t value) {
    runtime::replace_file(path_, std::to_string(value) + "\n");
    value_ = value;
}

}  // namespace xebec::broker

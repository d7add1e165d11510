#include "runtime/descriptors.h"

#include "runtime/clock.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <unistd.h>
#include <utility>

namespace xebec::runtime {

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = std::exchange(other.number_, -1);
    }
    return *this;
}

void Descriptor::close() {
    if (number_ >= 0) {
        ::close(std::exchange(number_, -1));
    }
}

std::size_t DescriptorWait::add_readable(int descriptor) {
    items_.push_back({descriptor, POLLIN, 0});
    return items_.size() - 1;
}

std::size_t DescriptorWait::add_writable(int descriptor) {
    items_.push_back({descriptor, POLLOUT, 0});
    return items_.size() - 1;
}

void DescriptorWait::wait_until(std::optional<Instant> deadline) {
    constexpr std::int64_t wait_max_ms = 3'600'000;
    std::int64_t timeout = -1;
    if (deadline) {
        const Duration left = *deadline - now().steady;
        timeout =
            std::clamp<std::int64_t>(std::chrono::ceil<milliseconds>(left).count(), 0, wait_max_ms);
    }
    if (poll(items_.data(), items_.size(), static_cast<int>(timeout)) < 0) {
        for (pollfd& item : items_) {
            item.revents = 0;
        }
    }
}

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace xebec::runtime

#include "runtime/wakeup.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <unistd.h>

namespace xebec::runtime {

Wakeup::Wakeup() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
    }
}

Wakeup::~Wakeup() {
    close(descriptor_);
}

void Wakeup::signal() const {
    const std::uint64_t one = 1;
    // A full counter means that the loop has been woken already.
    [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
}

void Wakeup::clear() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(descriptor_, &count, sizeof count);
}

}  // namespace xebec::runtime

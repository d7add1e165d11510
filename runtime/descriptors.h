#pragma once
// File descriptors: owned, and waited for.

#include "protocol/time.h"

#include <cstdint>
#include <optional>
#include <poll.h>
#include <vector>

namespace xebec::runtime {

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;

    int number() const { return number_; }  // -1: closed
    bool is_open() const { return number_ >= 0; }
    void close();

private:
    int number_ = -1;
};

// Every peer is a descriptor, and the usual limit of 1,024 is soon reached: raises it as far as
// this process may, and gives what it is then.
std::uint64_t raise_descriptor_limit();

// One wait for several descriptors; made anew for each. Number -1 stands for one that is closed and
// never ready.
class DescriptorWait {
public:
    // Both return an index for `is_ready`.
    std::size_t add_readable(int descriptor);
    std::size_t add_writable(int descriptor);

    // Until one is ready, a signal interrupts, or `deadline` (none: for ever) has come.
    void wait_until(std::optional<Instant> deadline);
    bool is_ready(std::size_t index) const { return items_[index].revents != 0; }

private:
    std::vector<pollfd> items_;
};

}  // namespace xebec::runtime

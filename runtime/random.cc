#include "runtime/random.h"

#include "protocol/check.h"
#include "protocol/ids.h"
#include "runtime/clock.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace xebec {

namespace runtime {

void fill_random(std::span<std::uint8_t> octets) {
    while (!octets.empty()) {
        const ssize_t got = getrandom(octets.data(), octets.size(), 0);
        check(got >= 0 || errno == EINTR, "the system has random octets");
        octets = octets.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
}

std::uint64_t random_seed() {
    std::array<std::uint8_t, 8> octets{};
    fill_random(octets);
    std::uint64_t seed = 0;
    std::memcpy(&seed, octets.data(), sizeof seed);
    return seed;
}

}  // namespace runtime

TaskId new_task_id() {
    std::array<std::uint8_t, 10> random{};
    runtime::fill_random(random);
    return make_task_id(runtime::now().wall, random);
}

}  // namespace xebec

#pragma once
// Randomness from the operating system.

#include <cstdint>
#include <span>

namespace xebec::runtime {

void fill_random(std::span<std::uint8_t> octets);
std::uint64_t random_seed();

}  // namespace xebec::runtime

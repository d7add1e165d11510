#pragma once
// How far a journal has come.

#include <cstdint>

namespace xebec::broker {

// The number of records up to it. It only grows.
using Position = std::uint64_t;

}  // namespace xebec::broker

#pragma once
// Task ids and fences.

#include <xebec/task.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <endian.h>
#include <optional>

namespace xebec {

// A UUIDv7 (RFC 9562 section 5.7) of this instant and these random octets.
TaskId make_task_id(WallTime at, const std::array<std::uint8_t, 10>& random);

// When a UUIDv7 says it was made; nothing for other ids.
inline std::optional<WallTime> made_at(const TaskId& id) {
    if ((id.octets[6] >> 4) != 7 || (id.octets[8] >> 6) != 2) {
        return std::nullopt;
    }
    std::uint64_t first = 0;
    std::memcpy(&first, id.octets.data(), sizeof first);
    const std::uint64_t ms = be64toh(first) >> 16;
    return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(ms)}};
}

// The right to finish one attempt: the boot epoch above, the attempt below. For every task it grows
// strictly, for ever.
struct Fence {
    std::uint32_t epoch = 0;
    std::uint32_t attempt = 0;

    constexpr std::uint64_t value() const {
        return (static_cast<std::uint64_t>(epoch) << 32) | attempt;
    }
    static constexpr Fence of(std::uint64_t value) {
        return {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)};
    }
    friend auto operator<=>(const Fence&, const Fence&) = default;
};

}  // namespace xebec

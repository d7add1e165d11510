#pragma once
// How a fuzzer's octets become frames: each frame is preceded by its length, two octets,
// big-endian. A length beyond the end means the rest. At most sixteen frames, so that inputs stay
// small.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace xebec::fuzz {

inline std::vector<std::string_view> frames_of(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t frames_max = 16;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<std::string_view> frames;
    while (rest.size() >= 2 && frames.size() < frames_max) {
        const std::size_t length =
            static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0])) * 256 +
            static_cast<std::uint8_t>(rest[1]);
        rest.remove_prefix(2);
        frames.push_back(rest.substr(0, length));
        rest.remove_prefix(std::min(length, rest.size()));
    }
    return frames;
}

}  // namespace xebec::fuzz

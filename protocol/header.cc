#include "protocol/header.h"

#include <algorithm>
#include <type_traits>

namespace xebec {

namespace {

template <class T>
void put(char* at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        at[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    }
}

template <class T>
T get(const char* at) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>((value << 8) | static_cast<std::uint8_t>(at[i]));
    }
    return value;
}

}  // namespace

std::array<char, header_octets> encode(const Header& header) {
    std::array<char, header_octets> octets{};
    std::transform(header_magic.begin(), header_magic.end(), octets.begin(),
                   [](std::uint8_t octet) { return static_cast<char>(octet); });
    octets[4] = static_cast<char>(header.major);
    octets[5] = static_cast<char>(header.minor);
    octets[6] = static_cast<char>(header.type);
    octets[7] = static_cast<char>(header.flags);
    put(octets.data() + 8, header.correlation);
    put(octets.data() + 16, header.session);
    put(octets.data() + 24, header.payloads);
    return octets;
}

bool has_magic(std::string_view octets) {
    return octets.size() >= header_magic.size() &&
           std::equal(header_magic.begin(), header_magic.end(), octets.begin(),
                      [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
}

std::optional<Header> decode_header(std::string_view octets) {
    if (octets.size() < header_octets || !has_magic(octets)) {
        return std::nullopt;
    }
    return Header{
        .major = static_cast<std::uint8_t>(octets[4]),
        .minor = static_cast<std::uint8_t>(octets[5]),
        .type = static_cast<std::uint8_t>(octets[6]),
        .flags = static_cast<std::uint8_t>(octets[7]),
        .correlation = get<std::uint64_t>(octets.data() + 8),
        .session = get<std::uint64_t>(octets.data() + 16),
        .payloads = get<std::uint32_t>(octets.data() + 24),
    };
}

}  // namespace xebec

#pragma once
// The 32 octets in front of every native message. Their layout never changes; docs/protocol.md
// section 4 is normative.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xebec {

constexpr std::size_t header_octets = 32;
constexpr std::array<std::uint8_t, 4> header_magic{0xF5, 0x58, 0x42, 0x31};
constexpr std::uint8_t protocol_major = 1;
constexpr std::uint8_t protocol_minor = 0;

// A receiver that does not know everything such a message says must refuse it.
constexpr std::uint8_t flag_critical = 0x80;

struct Header {
    std::uint8_t major = protocol_major;
    std::uint8_t minor = protocol_minor;
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint64_t correlation = 0;  // chosen by the requester and echoed; 0: unsolicited
    std::uint64_t session = 0;      // from the welcome; 0 before
    std::uint32_t payloads = 0;     // frames behind the body

    friend bool operator==(const Header&, const Header&) = default;
};

std::array<char, header_octets> encode(const Header& header);

// Nothing if `octets` is shorter than a header or does not begin with the magic.
std::optional<Header> decode_header(std::string_view octets);
bool has_magic(std::string_view octets);

}  // namespace xebec

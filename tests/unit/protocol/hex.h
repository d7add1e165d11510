#pragma once
// Octets as tests write them: hexadecimal digits, with spaces wherever they help the reader.

#include <string>
#include <string_view>

namespace xebec::testing {

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

inline std::string from_hex(std::string_view text) {
    std::string octets;
    int high = -1;
    for (const char c : text) {
        const int digit = hex_digit(c);
        if (digit >= 0 && high < 0) {
            high = digit;
        } else if (digit >= 0) {
            octets += static_cast<char>(high * 16 + digit);
            high = -1;
        }
    }
    return octets;
}

inline std::string to_hex(std::string_view octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        text += text.empty() ? "" : " ";
        text += digits[octet >> 4];
        text += digits[octet & 15];
    }
    return text;
}

inline std::string operator""_hex(const char* text, std::size_t size) {
    return from_hex({text, size});
}

}  // namespace xebec::testing

#include "protocol/names.h"

#include "protocol/limits.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace xebec {

namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::uint8_t octet(char c) {
    return static_cast<std::uint8_t>(c);
}

// The length of the well-formed character at the start of `text`, 0 if there is none.
std::size_t character_octets(std::string_view text) {
    const std::uint8_t lead = octet(text[0]);
    if (lead < 0x80) {
        return 1;
    }
    std::size_t size = 0;
    std::uint8_t second_min = 0x80;
    std::uint8_t second_max = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        second_min = lead == 0xE0 ? 0xA0 : 0x80;  // shortest form only
        second_max = lead == 0xED ? 0x9F : 0xBF;  // no surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        second_min = lead == 0xF0 ? 0x90 : 0x80;
        second_max = lead == 0xF4 ? 0x8F : 0xBF;  // up to U+10FFFF
    }
    if (size == 0 || text.size() < size || octet(text[1]) < second_min ||
        octet(text[1]) > second_max) {
        return 0;
    }
    for (std::size_t i = 2; i < size; ++i) {
        if (octet(text[i]) < 0x80 || octet(text[i]) > 0xBF) {
            return 0;
        }
    }
    return size;
}

void append_hexadecimal(std::string& out, std::uint8_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\x";
    out += digits[value >> 4];
    out += digits[value & 15];
}

}  // namespace

bool is_queue_name(std::string_view text) {
    return !text.empty() && text.size() <= queue_name_octets_max &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

bool is_kind(std::string_view text) {
    return !text.empty() && text.size() <= kind_octets_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == ':';
           });
}

bool is_worker_name(std::string_view text) {
    return !text.empty() && text.size() <= worker_name_octets_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
}

bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

namespace {

// As nearly all texts are.
bool is_ascii(std::string_view text) {
    constexpr std::uint64_t not_ascii = 0x8080'8080'8080'8080;
    std::uint64_t all = 0;
    for (; text.size() >= sizeof all; text.remove_prefix(sizeof all)) {
        std::uint64_t some = 0;
        std::memcpy(&some, text.data(), sizeof some);
        all |= some;
    }
    for (const char octet : text) {
        all |= static_cast<std::uint8_t>(octet);
    }
    return (all & not_ascii) == 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
    if (is_ascii(text)) {
        return true;
    }
    while (!text.empty()) {
        const std::size_t size = character_octets(text);
        if (size == 0) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

std::string to_utf8(std::string_view text, std::size_t octets_max) {
    constexpr std::string_view replacement = "\xEF\xBF\xBD";
    std::string out;
    while (!text.empty()) {
        const std::size_t size = character_octets(text);
        const std::string_view character = size == 0 ? replacement : text.substr(0, size);
        if (out.size() + character.size() > octets_max) {
            break;
        }
        out += character;
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

namespace {

// Characters that turn the direction of the text around them: what follows would look like
// something else (Unicode Standard Annex 9, section 2).
bool turns_direction(std::string_view character) {
    for (const std::string_view one :
         {"\u200e", "\u200f", "\u061c", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066",
          "\u2067", "\u2068", "\u2069"}) {
        if (character == one) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string escape_controls(std::string_view text) {
    if (is_printable_ascii(text)) {
        return std::string(text);
    }
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = character_octets(text);
        const std::uint8_t lead = octet(text[0]);
        const bool is_c1 = size == 2 && lead == 0xC2 && octet(text[1]) < 0xA0;
        if (lead == '\n') {
            out += "\\n";
        } else if (lead == '\t') {
            out += "\\t";
        } else if (size == 0 || lead < 0x20 || lead == 0x7F) {
            append_hexadecimal(out, lead);
        } else if (is_c1 || turns_direction(text.substr(0, size))) {
            for (const char c : text.substr(0, size)) {
                append_hexadecimal(out, octet(c));
            }
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

}  // namespace xebec

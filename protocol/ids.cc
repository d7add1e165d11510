#include "protocol/ids.h"

#include <algorithm>
#include <string>

namespace xebec {

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

}  // namespace

TaskId make_task_id(WallTime at, const std::array<std::uint8_t, 10>& random) {
    TaskId id;
    const auto ms =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, at.time_since_epoch().count()));
    for (std::size_t i = 0; i < 6; ++i) {
        id.octets[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
    }
    std::copy(random.begin(), random.end(), id.octets.begin() + 6);
    id.octets[6] = static_cast<std::uint8_t>((id.octets[6] & 0x0F) | 0x70);  // version 7
    id.octets[8] = static_cast<std::uint8_t>((id.octets[8] & 0x3F) | 0x80);  // variant 10
    return id;
}

std::string to_string(const TaskId& id) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < id.octets.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        text += digits[id.octets[i] >> 4];
        text += digits[id.octets[i] & 15];
    }
    return text;
}

std::optional<TaskId> parse_task_id(std::string_view text) {
    const bool hyphens = text.size() == 36;
    if (!hyphens && text.size() != 32) {
        return std::nullopt;
    }
    TaskId id;
    std::size_t nibble = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (text[i] != '-') {
                return std::nullopt;
            }
            continue;
        }
        const int value = digit(text[i]);
        if (value < 0) {
            return std::nullopt;
        }
        id.octets[nibble / 2] = static_cast<std::uint8_t>((id.octets[nibble / 2] << 4) | value);
        ++nibble;
    }
    return id;
}

}  // namespace xebec

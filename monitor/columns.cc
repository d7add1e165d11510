#include "monitor/columns.h"

#include <algorithm>

namespace xebec::monitor {

namespace {

std::string spaces(std::string_view text, std::size_t width) {
    const std::size_t used = width_of(text);
    return std::string(used < width ? width - used : 0, ' ');
}

}  // namespace

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not in the middle of a character
    }));
}

std::string align_left(std::string_view text, std::size_t width) {
    return std::string(text) + spaces(text, width);
}

std::string align_right(std::string_view text, std::size_t width) {
    return spaces(text, width) + std::string(text);
}

std::string paint(std::string_view text, std::string_view parameters) {
    if (parameters.empty()) {
        return std::string(text);
    }
    std::string painted = "\x1b[";
    painted += parameters;
    painted += 'm';
    painted += text;
    painted += "\x1b[0m";
    return painted;
}

}  // namespace xebec::monitor

#pragma once
// Texts in columns, and colours.

#include <cstddef>
#include <string>
#include <string_view>

namespace xebec::monitor {

std::size_t width_of(std::string_view text);  // in characters of UTF-8

std::string align_left(std::string_view text, std::size_t width);
std::string align_right(std::string_view text, std::size_t width);

// The parameters of the terminal's "select graphic rendition".
namespace colour {
constexpr std::string_view none;
constexpr std::string_view bold_red = "1;31";
constexpr std::string_view red = "31";
constexpr std::string_view green = "32";
constexpr std::string_view yellow = "33";
constexpr std::string_view blue = "34";
constexpr std::string_view magenta = "35";
constexpr std::string_view cyan = "36";
constexpr std::string_view dim = "2";
constexpr std::string_view bold = "1";
}  // namespace colour

std::string paint(std::string_view text, std::string_view parameters);

// How the lines of one stream look.
struct Style {
    bool json = false;
    bool colours = false;
    bool terminal = false;  // a person reads along: headings help
};

}  // namespace xebec::monitor

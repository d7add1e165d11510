#include "protocol/time_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace xebec {

namespace {

struct Unit {
    std::string_view name;
    double milliseconds;
};
constexpr std::array<Unit, 5> units{
    {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
constexpr double duration_max_ms = 100.0 * 365 * 86400e3;

template <class... Values>
std::string print(const char* format, Values... values) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), format, values...);
    return {text.data(), static_cast<std::size_t>(size)};
}

// `count` in units of `unit`, rounded to three digits, without zeros at the end of a fraction:
// printf's %.3g, but cheap: a monitor writes hundreds of thousands a second.
std::string three_digits(long long count, long long unit) {
    const long long fraction_unit = count >= 100 * unit ? 1 : count >= 10 * unit ? 10 : 100;
    const long long step = unit / fraction_unit;
    const long long steps = (count + step / 2) / step;
    std::string text = std::to_string(steps / fraction_unit);
    if (const long long fraction = steps % fraction_unit; fraction != 0) {
        text += '.';
        if (fraction_unit == 100) {
            text += static_cast<char>('0' + fraction / 10);
        }
        if (fraction % 10 != 0) {
            text += static_cast<char>('0' + fraction % 10);
        }
    }
    return text;
}

// Exactly `digits` decimal digits at `offset`.
std::optional<int> number_at(std::string_view text, std::size_t offset, std::size_t digits) {
    int value = 0;
    for (std::size_t i = offset; i < offset + digits; ++i) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9') {
            return std::nullopt;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    double number = 0;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (failure != std::errc{} || !(number >= 0)) {
        return std::nullopt;
    }
    const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const Unit& unit : units) {
        if (unit.name == name) {
            const double ms = number * unit.milliseconds;
            if (ms > duration_max_ms) {
                return std::nullopt;
            }
            return std::chrono::milliseconds{std::llround(ms)};
        }
    }
    return std::nullopt;
}

std::string format_duration(std::chrono::microseconds duration) {
    const long long us = duration.count();
    const long long seconds = us / 1'000'000;
    if (us < 1'000) {
        return std::to_string(us) + "us";
    }
    if (us < 999'500) {  // from there on three digits round up to a whole second
        return three_digits(us, 1'000) + "ms";
    }
    if (seconds < 60) {
        return three_digits(us, 1'000'000) + "s";
    }
    if (seconds < 3600) {
        return print("%lldm%02llds", seconds / 60, seconds % 60);
    }
    if (seconds < 86400) {
        return print("%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
    }
    return print("%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
}

std::string format_utc(WallTime at) {
    using namespace std::chrono;
    constexpr WallTime first{sys_days{year{0} / 1 / 1}};
    constexpr WallTime last{sys_days{year{10000} / 1 / 1} - milliseconds{1}};
    at = std::clamp(at, first, last);
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    return print("%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                 static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                 static_cast<int>(time.seconds().count()),
                 static_cast<int>(time.subseconds().count()));
}

std::optional<WallTime> parse_utc(std::string_view text) {
    using namespace std::chrono;
    const auto year_number = number_at(text, 0, 4);
    const auto month_number = number_at(text, 5, 2);
    const auto day_number = number_at(text, 8, 2);
    const auto hour = number_at(text, 11, 2);
    const auto minute = number_at(text, 14, 2);
    const auto second = number_at(text, 17, 2);
    if (!year_number || !month_number || !day_number || !hour || !minute || !second ||
        text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        *hour > 23 || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                              day{static_cast<unsigned>(*day_number)}};
    std::size_t offset = 19;
    int ms = 0;
    if (text.size() > offset && text[offset] == '.') {
        int scale = 100;
        for (++offset; offset < text.size() && text[offset] >= '0' && text[offset] <= '9';
             ++offset) {
            ms += (text[offset] - '0') * scale;
            scale /= 10;
        }
        if (offset == 20) {
            return std::nullopt;  // a point, but no digit behind it
        }
    }
    if (!date.ok() || text.substr(offset) != "Z") {
        return std::nullopt;
    }
    return WallTime{sys_days{date}.time_since_epoch() + hours{*hour} + minutes{*minute} +
                    seconds{*second} + milliseconds{ms}};
}

}  // namespace xebec

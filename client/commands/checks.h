#pragma once
// What a flag's value must be, beyond its type: found before anybody is asked, so it is a usage
// error.

#include "protocol/names.h"
#include "protocol/time_text.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>

namespace xebec::client {

inline CLI::Validator must(bool (*is_right)(std::string_view), const std::string& sentence) {
    return {[is_right, sentence](const std::string& value) {
                return is_right(value) ? std::string() : sentence;
            },
            ""};
}

inline CLI::Validator must_be_queue() {
    return must(is_queue_name, "a queue's name is 1 to 48 letters, digits, '_' and '-'");
}

inline CLI::Validator must_be_kind() {
    return must(is_kind, "a kind is 1 to 48 letters, digits, '_', '-', '.' and ':'");
}

inline CLI::Validator must_be_worker() {
    return must(is_worker_name, "a worker's name is 1 to 128 visible ASCII characters");
}

constexpr std::chrono::hours span_max{24 * 365 * 10};  // as the protocol says

// What is not a duration at all is for the option itself to say.
inline CLI::Validator must_be_short() {
    return must(
        [](std::string_view text) { return parse_duration(text).value_or(span_max) <= span_max; },
        "a duration is at most ten years");
}

inline CLI::Validator must_be_positive(const std::string& what) {
    return must(
        [](std::string_view text) { return parse_duration(text).value_or(span_max).count() > 0; },
        what + " is longer than 0s");
}

// Finds what is clearly none; whether there is such a host shows when it is asked.
inline bool is_endpoint(std::string_view text) {
    if (text.starts_with("ipc://")) {
        return text.size() > 6;
    }
    const std::size_t colon = text.rfind(':');
    if (!text.starts_with("tcp://") || colon <= 6) {
        return false;
    }
    const std::string_view port = text.substr(colon + 1);
    unsigned number = 0;
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
    return failure == std::errc{} && end == port.data() + port.size() && number > 0 &&
           number <= 65'535;
}

}  // namespace xebec::client

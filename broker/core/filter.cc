#include "broker/core/filter.h"

#include "protocol/limits.h"

#include <cstring>

namespace xebec::broker {

namespace {

// In time that grows with the text alone, whatever both are.
bool contains(std::string_view text, std::string_view part) {
    return !text.empty() && memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool IdPrefix::parse(std::string_view text) {
    for (const char c : text) {
        if (c == '-') {
            continue;
        }
        const int digit = digit_of(c);
        if (digit < 0 || digits_ == 2 * begin_.octets.size()) {
            return false;
        }
        const int shifted = digits_ % 2 == 0 ? digit << 4 : digit;
        begin_.octets[digits_ / 2] =
            static_cast<std::uint8_t>(begin_.octets[digits_ / 2] | shifted);
        ++digits_;
    }
    return true;
}

bool IdPrefix::matches(const TaskId& id) const {
    const std::size_t whole = digits_ / 2;
    return std::memcmp(id.octets.data(), begin_.octets.data(), whole) == 0 &&
           (digits_ % 2 == 0 || (id.octets[whole] & 0xF0) == begin_.octets[whole]);
}

std::string_view Filter::assign(const protocol::TaskFilter& filter) {
    if (filter.error.size() > filter_text_octets_max) {
        return "a part of an error is at most 256 octets";
    }
    if (!id.parse(filter.id_prefix)) {
        return "an id begins with at most 32 hexadecimal digits";
    }
    states = filter.states;
    queue = filter.queue;
    kind = filter.kind;
    worker = filter.worker;
    error = filter.error;
    accepted_from = filter.accepted_from;
    accepted_to = filter.accepted_to;
    return {};
}

bool Filter::has_error(std::string_view error_class, std::string_view error_text) const {
    return contains(error_class, error) || contains(error_text, error);
}

}  // namespace xebec::broker

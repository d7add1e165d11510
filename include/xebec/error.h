#pragma once
// What can go wrong, sorted by what a caller can do about it.

#include <string>
#include <string_view>

namespace xebec {

enum class ErrorCode {
    malformed,    // the request itself is wrong: correct it
    refused,      // understood and declined; nothing happened
    timed_out,    // no answer in time: repeat it with the same ids, for it may have taken effect
    unavailable,  // cannot be done now; trying again later can help
    corrupt,      // stored or received data is damaged
};

constexpr std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::malformed:
            return "malformed";
        case ErrorCode::refused:
            return "refused";
        case ErrorCode::timed_out:
            return "timed_out";
        case ErrorCode::unavailable:
            return "unavailable";
        case ErrorCode::corrupt:
            return "corrupt";
    }
    return "unknown";
}

struct Error {
    ErrorCode code = ErrorCode::refused;
    std::string detail;  // for people
    std::string name;    // the protocol's stable name, such as `conflict`; empty for local errors
    bool is_unsent = false;  // of timed_out: the request never left, so nothing can have happened

    friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace xebec

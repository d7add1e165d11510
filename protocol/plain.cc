#include "protocol/plain.h"

#include "protocol/header.h"
#include "protocol/limits.h"

#include <algorithm>

namespace xebec::protocol {

namespace {

constexpr std::string_view ready_octet = "\x01";
constexpr std::string_view ready_text = "READY";
constexpr std::string_view heartbeat_octet = "\x02";
constexpr std::string_view heartbeat_text = "HEARTBEAT";

}  // namespace

std::optional<PlainRequest> parse_plain_request(std::span<const std::string_view> frames) {
    const auto delimiter =
        std::find_if(frames.begin(), frames.end(), [](std::string_view f) { return f.empty(); });
    const auto address_count = static_cast<std::size_t>(delimiter - frames.begin());
    const bool is_addressable = address_count <= address_frames_max &&
                                std::all_of(frames.begin(), delimiter, [](std::string_view f) {
                                    return f.size() <= address_octets_max;
                                });
    if (!is_addressable || frames.size() != address_count + 2 ||
        decode_header(frames.back()).has_value()) {
        return std::nullopt;
    }
    return PlainRequest{.address_count = address_count, .body = address_count + 1};
}

std::optional<PlainSignal> parse_plain_signal(std::span<const std::string_view> frames) {
    if (frames.size() != 2) {
        return std::nullopt;
    }
    const std::string_view word = frames[1];
    if (word == ready_octet || word == heartbeat_octet) {
        return PlainSignal{.dialect = PlainDialect::octet, .is_ready = word == ready_octet};
    }
    if (word == ready_text || word == heartbeat_text) {
        return PlainSignal{.dialect = PlainDialect::text, .is_ready = word == ready_text};
    }
    return std::nullopt;
}

std::optional<PlainReply> parse_plain_reply(std::span<const std::string_view> frames) {
    if (frames.size() < 3 || frames[1].empty() || !frames[2].empty()) {
        return std::nullopt;
    }
    return PlainReply{.token = frames[1],
                      .body = frames.size() == 4 ? std::optional<std::size_t>(3) : std::nullopt};
}

std::string_view plain_heartbeat(PlainDialect dialect) {
    return dialect == PlainDialect::octet ? heartbeat_octet : heartbeat_text;
}

}  // namespace xebec::protocol

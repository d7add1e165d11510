#pragma once
// The frames of peers that know nothing of this protocol: Lazy Pirate clients, and workers of the
// Paranoid Pirate Protocol (ZeroMQ RFC 6) in both dialects that its programs speak.

#include <xebec/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace xebec::protocol {

// The kind and the queue of all that plain clients ask for, and all that plain workers serve.
constexpr std::string_view plain_kind = "plain";
constexpr std::string_view plain_queue = "plain";

// How a worker writes its control messages: as one octet, as RFC 6 has it, or as a word, as the
// programs in C++ do.
enum class PlainDialect : std::uint8_t { octet, text };

struct PlainSignal {
    PlainDialect dialect = PlainDialect::octet;
    bool is_ready = false;  // READY; else HEARTBEAT
};

// [address …] [empty] [body]: `address_count` frames in front of the first empty one.
struct PlainRequest {
    std::size_t address_count = 0;
    std::size_t body = 0;  // index of its frame
};

// [routing id] [token] [empty] [body].
struct PlainReply {
    std::string_view token;
    std::optional<std::size_t> body;  // nothing: it has not exactly one frame
};

// On the clients' port. Nothing if there is no delimiter, no single body behind it, or if the body
// begins like a native header.
std::optional<PlainRequest> parse_plain_request(std::span<const std::string_view> frames);

// On the workers' port; the first frame is the routing id.
std::optional<PlainSignal> parse_plain_signal(std::span<const std::string_view> frames);
std::optional<PlainReply> parse_plain_reply(std::span<const std::string_view> frames);

std::string_view plain_heartbeat(PlainDialect dialect);

}  // namespace xebec::protocol

#pragma once
// A native message as frames: [address …] [empty] [header] [body] [payload …].

#include "protocol/header.h"

#include <xebec/result.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace xebec::protocol {

struct Envelope {
    std::size_t address_count = 0;  // frames in front of the delimiter
    Header header;
    std::size_t body = 0;           // index of the body's frame
    std::size_t payload_first = 0;  // index of the first payload frame
    std::size_t payload_count = 0;
};

// Finds the parts of a native message in its frames. On a ROUTER the first frame is the routing id;
// on a DEALER there are no address frames. Errors are named bad_frame.
Result<Envelope> parse_envelope(std::span<const std::string_view> frames);

}  // namespace xebec::protocol

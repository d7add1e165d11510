// Frames to the parts of a message: what is found lies inside the frames, in order.

#include "protocol/check.h"
#include "protocol/envelope.h"
#include "protocol/limits.h"
#include "tests/fuzz/input.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xebec;
    const auto frames = fuzz::frames_of(data, size);

    const auto envelope = protocol::parse_envelope(frames);
    if (!envelope) {
        check(envelope.error().name == "bad_frame", "what is no envelope is a bad frame");
        return 0;
    }
    check(envelope->address_count <= address_frames_max, "addresses are limited");
    check(frames[envelope->address_count].empty(), "a delimiter follows the addresses");
    for (std::size_t i = 0; i < envelope->address_count; ++i) {
        check(!frames[i].empty() && frames[i].size() <= address_octets_max,
              "an address is neither empty nor long");
    }
    check(decode_header(frames[envelope->body - 1]) == envelope->header,
          "the header precedes the body");
    check(envelope->payload_first == envelope->body + 1, "payloads follow the body");
    check(envelope->payload_first + envelope->payload_count == frames.size(),
          "payloads are all that is left");
    return 0;
}

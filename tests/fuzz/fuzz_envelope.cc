// Frames to the parts of a message, native or plain: what is found lies inside the frames, in
// order, and what is plain is not native.

#include "protocol/check.h"
#include "protocol/envelope.h"
#include "protocol/limits.h"
#include "protocol/plain.h"
#include "tests/fuzz/input.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace {

using namespace xebec;
using Frames = std::vector<std::string_view>;

void read_plain_request(const Frames& frames) {
    const auto request = protocol::parse_plain_request(frames);
    if (!request) {
        return;
    }
    check(!protocol::parse_envelope(frames), "what is native is not plain");
    check(request->address_count <= address_frames_max, "addresses are limited");
    for (std::size_t i = 0; i < request->address_count; ++i) {
        check(!frames[i].empty() && frames[i].size() <= address_octets_max,
              "an address is neither empty nor long");
    }
    check(frames[request->address_count].empty(), "a delimiter follows the addresses");
    check(request->body == request->address_count + 1 && request->body + 1 == frames.size(),
          "the body is all that is left");
    check(!decode_header(frames[request->body]), "a body is not a native header");
}

void read_plain_work(const Frames& frames) {
    const auto signal = protocol::parse_plain_signal(frames);
    const auto reply = protocol::parse_plain_reply(frames);
    check(!signal || !reply, "a signal is no reply");
    if (signal && !signal->is_ready) {
        check(frames[1] == protocol::plain_heartbeat(signal->dialect),
              "a heartbeat comes back as it went");
    }
    if (!reply) {
        return;
    }
    check(!reply->token.empty() && reply->token.data() == frames[1].data(),
          "a token is the frame behind the routing id");
    check(frames[2].empty(), "a delimiter follows the token");
    check(reply->body.has_value() == (frames.size() == 4), "a reply has one frame of body");
    check(!reply->body || *reply->body == 3, "the body follows the delimiter");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto frames = fuzz::frames_of(data, size);
    read_plain_request(frames);
    read_plain_work(frames);

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

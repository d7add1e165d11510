// Frames to a message: what decodes is encoded, decoded again and must be the same.
// Input: header, body, payload frames.

#include "protocol/check.h"
#include "protocol/codec.h"
#include "tests/fuzz/input.h"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace xebec;
    const auto frames = fuzz::frames_of(data, size);
    const auto header = frames.empty() ? std::nullopt : decode_header(frames[0]);
    if (!header || frames.size() < 2) {
        return 0;
    }
    std::vector<Blob> payloads;
    for (const std::string_view frame : std::span(frames).subspan(2)) {
        payloads.push_back(Blob::copy_of(frame));
    }

    const Result<protocol::Message> message = protocol::decode(*header, frames[1], payloads);
    if (!message) {
        check(!message.error().name.empty() && !message.error().detail.empty(),
              "a refusal says what it is and why");
        return 0;
    }
    for (const std::size_t inline_octets_max : {std::size_t{0}, std::size_t{1024}}) {
        const protocol::Packet packet = protocol::encode(*header, *message, inline_octets_max);
        const auto again = protocol::decode(packet.header, packet.body, packet.payloads);
        check(again.has_value(), "what was encoded decodes");
        check(*again == *message, "a message comes back as it went");
        check(packet.header.payloads == packet.payloads.size(), "the header counts the payloads");
    }
    return 0;
}

#include "protocol/envelope.h"

#include "protocol/errors.h"
#include "protocol/limits.h"

#include <algorithm>

namespace xebec::protocol {

Result<Envelope> parse_envelope(std::span<const std::string_view> frames) {
    const auto delimiter =
        std::find_if(frames.begin(), frames.end(), [](std::string_view f) { return f.empty(); });
    const auto address_count = static_cast<std::size_t>(delimiter - frames.begin());
    if (delimiter == frames.end()) {
        return to_error(Refusal::bad_frame, "there is no empty delimiter frame");
    }
    if (address_count > address_frames_max ||
        std::any_of(frames.begin(), delimiter,
                    [](std::string_view f) { return f.size() > address_octets_max; })) {
        return to_error(Refusal::bad_frame, "there are too many or too long address frames");
    }
    const std::span<const std::string_view> content = frames.subspan(address_count + 1);
    const auto header = content.empty() ? std::nullopt : decode_header(content.front());
    if (!header) {
        return to_error(Refusal::bad_frame, "the frame behind the delimiter is not a header");
    }
    if (content.size() < 2) {
        return to_error(Refusal::bad_frame, "there is no body");
    }
    return Envelope{.address_count = address_count,
                    .header = *header,
                    .body = address_count + 2,
                    .payload_first = address_count + 3,
                    .payload_count = content.size() - 2};
}

}  // namespace xebec::protocol

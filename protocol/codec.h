#pragma once
// Messages to frames and back. Hostile frames cost time in proportion to their octets and no memory
// beyond their own size times a small constant.

#include "protocol/blob.h"
#include "protocol/header.h"
#include "protocol/messages.h"

#include <xebec/result.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::protocol {

// A message without its addresses: what follows the delimiter.
struct Packet {
    Header header;
    std::string body;
    std::vector<Blob> payloads;
};

// `header.type` and `header.payloads` are filled in; payloads over `inline_octets_max` become
// frames of their own.
Packet encode(Header header, const Message& message,
              std::size_t inline_octets_max = Limits{}.inline_octets_max);

// Decodes a body whose header has been read. The message borrows from `body` and shares `payloads`.
// The error is named bad_frame, bad_body or unsupported, and says what is wrong and where.
Result<Message> decode(const Header& header, std::string_view body, std::span<const Blob> payloads,
                       const Limits& limits = {});

// The frames of the PUB socket behind the topic.
struct UpdatesHeader {
    std::uint64_t epoch = 0;
    std::uint64_t sequence_first = 0;  // of the queue
    std::uint64_t count = 0;
    std::uint64_t time = 0;

    friend bool operator==(const UpdatesHeader&, const UpdatesHeader&) = default;
};
constexpr std::size_t updates_header_octets = 32;
constexpr std::string_view stat_topic = "stat.";
constexpr std::string_view task_topic_prefix = "task.";

std::string task_topic(std::string_view queue);  // task.<queue>.
std::array<char, updates_header_octets> encode(const UpdatesHeader& header);
Result<UpdatesHeader> decode_updates_header(std::string_view octets);
std::string encode_updates(std::span<const Update> updates);  // a MessagePack array

// The same, of updates that come one by one. Each is encoded at once: it borrows nothing
// afterwards.
class UpdatesEncoder {
public:
    UpdatesEncoder();
    ~UpdatesEncoder();
    UpdatesEncoder(UpdatesEncoder&&) noexcept;
    UpdatesEncoder& operator=(UpdatesEncoder&&) noexcept;

    void add(const Update& update);
    std::size_t count() const { return count_; }
    std::string take();  // it is as new afterwards

private:
    std::unique_ptr<class Encoder> encoder_;  // nothing: there are none
    std::size_t count_ = 0;
};

Result<std::vector<Update>> decode_updates(std::string_view body, const Limits& limits = {});
std::string encode_figures(const Figures& figures);  // a MessagePack map
Result<Figures> decode_figures(std::string_view body, const Limits& limits = {});

}  // namespace xebec::protocol

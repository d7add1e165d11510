#include "protocol/codec.h"

#include "protocol/decoder.h"
#include "protocol/encoder.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xebec::protocol {

namespace {

Error bad(Refusal refusal, std::string_view text) {
    return to_error(refusal, text);
}

// Decodes as the alternative of Message that has this type.
template <std::size_t Index = 0>
Result<Message> decode_as_type(const Header& header, std::string_view body,
                               std::span<const Blob> payloads) {
    if constexpr (Index == std::variant_size_v<Message>) {
        return bad(Refusal::unsupported,
                   "message type " + std::to_string(header.type) + " is unknown");
    } else {
        using Candidate = std::variant_alternative_t<Index, Message>;
        if (header.type != Candidate::type) {
            return decode_as_type<Index + 1>(header, body, payloads);
        }
        Message message{std::in_place_index<Index>};
        std::string problem = Decoder::decode(std::get<Index>(message), body, payloads);
        if (!problem.empty()) {
            return bad(Refusal::bad_body, problem);
        }
        return message;
    }
}

template <class T>
Result<T> decode_value(std::string_view body, const Limits& limits) {
    if (body.size() > limits.body_octets_max) {
        return bad(Refusal::too_large, "the body is over its limit");
    }
    T value;
    std::string problem = Decoder::decode(value, body, {});
    if (!problem.empty()) {
        return bad(Refusal::bad_body, problem);
    }
    return value;
}

template <class T>
void put_number(char* at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        at[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    }
}

}  // namespace

Packet encode(Header header, const Message& message, std::size_t inline_octets_max) {
    Encoder encoder(inline_octets_max);
    std::visit(
        [&](const auto& body) {
            header.type = std::decay_t<decltype(body)>::type;
            encoder.write(body);
        },
        message);
    std::vector<Blob>& payloads = encoder.payloads.frames();
    header.payloads = static_cast<std::uint32_t>(payloads.size());
    return {header, encoder.sink.text(), std::move(payloads)};
}

Result<Message> decode(const Header& header, std::string_view body, std::span<const Blob> payloads,
                       const Limits& limits) {
    if (header.major != protocol_major) {
        return bad(Refusal::unsupported,
                   "protocol version " + std::to_string(header.major) + " is not spoken here");
    }
    if ((header.flags & flag_critical) != 0) {
        return bad(Refusal::unsupported, "the message needs an extension unknown here");
    }
    if (header.payloads != payloads.size()) {
        return bad(Refusal::bad_frame, "the header promises another number of payload frames");
    }
    if (body.size() > limits.body_octets_max) {
        return bad(Refusal::too_large, "the body is over its limit");
    }
    return decode_as_type(header, body, payloads);
}

std::string task_topic(std::string_view queue) {
    std::string topic(task_topic_prefix);
    topic += queue;
    topic += '.';
    return topic;
}

std::array<char, updates_header_octets> encode(const UpdatesHeader& header) {
    std::array<char, updates_header_octets> octets{};
    put_number(octets.data(), header.epoch);
    put_number(octets.data() + 8, header.sequence_first);
    put_number(octets.data() + 16, header.count);
    put_number(octets.data() + 24, header.time);
    return octets;
}

Result<UpdatesHeader> decode_updates_header(std::string_view octets) {
    if (octets.size() != updates_header_octets) {
        return bad(Refusal::bad_frame, "the second frame of an update is not 32 octets long");
    }
    const auto number_at = [octets](std::size_t offset) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            value = (value << 8) | static_cast<std::uint8_t>(octets[offset + i]);
        }
        return value;
    };
    return UpdatesHeader{.epoch = number_at(0),
                         .sequence_first = number_at(8),
                         .count = number_at(16),
                         .time = number_at(24)};
}

std::string encode_updates(std::span<const Update> updates) {
    UpdatesEncoder encoder;
    for (const Update& update : updates) {
        encoder.add(update);
    }
    return encoder.take();
}

UpdatesEncoder::UpdatesEncoder() = default;
UpdatesEncoder::~UpdatesEncoder() = default;
UpdatesEncoder::UpdatesEncoder(UpdatesEncoder&&) noexcept = default;
UpdatesEncoder& UpdatesEncoder::operator=(UpdatesEncoder&&) noexcept = default;

void UpdatesEncoder::add(const Update& update) {
    if (!encoder_) {
        encoder_ = std::make_unique<Encoder>(0);
    }
    encoder_->write(update);
    ++count_;
}

std::string UpdatesEncoder::take() {
    std::string array = Encoder::array_of(static_cast<std::uint32_t>(count_));
    if (encoder_) {
        array += encoder_->sink.view();
    }
    *this = {};
    return array;
}

Result<std::vector<Update>> decode_updates(std::string_view body, const Limits& limits) {
    return decode_value<std::vector<Update>>(body, limits);
}

std::string encode_figures(const Figures& figures) {
    Encoder encoder(0);
    encoder.write(figures);
    return encoder.sink.text();
}

Result<Figures> decode_figures(std::string_view body, const Limits& limits) {
    return decode_value<Figures>(body, limits);
}

}  // namespace xebec::protocol

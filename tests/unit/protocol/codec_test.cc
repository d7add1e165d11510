// Every message comes back as it went, whatever is in it.

#include "protocol/codec.h"

#include "tests/unit/protocol/filled.h"
#include "tests/unit/protocol/hex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <type_traits>
#include <variant>

namespace xebec::protocol {
namespace {

using namespace xebec::testing;

template <class... F>
std::vector<std::uint8_t> keys_of(FieldList<F...>) {
    return {F::key...};
}

// A message type as the tests see it; one body for all of them keeps this file quick to compile.
struct Sample {
    std::uint8_t type;
    std::vector<std::uint8_t> keys;
    Message (*filled)();
    Message (*empty)();
};

template <class M>
Sample sample_of() {
    return {M::type, keys_of(typename M::Fields{}), [] { return Message(Filler::filled<M>()); },
            [] { return Message(M{}); }};
}

template <class V>
struct Samples;
template <class... M>
struct Samples<std::variant<M...>> {
    static std::vector<Sample> all() { return {sample_of<M>()...}; }
};

class EveryMessage : public ::testing::TestWithParam<Sample> {
protected:
    Packet filled() const { return encode({}, GetParam().filled()); }
};

INSTANTIATE_TEST_SUITE_P(Types, EveryMessage, ::testing::ValuesIn(Samples<Message>::all()),
                         [](const auto& sample) { return std::to_string(sample.param.type); });

TEST_P(EveryMessage, ComesBackWithAllItsFields) {
    const Message message = GetParam().filled();

    const Packet packet = encode({.correlation = 7, .session = 9}, message);
    const Result<Message> decoded = decode(packet.header, packet.body, packet.payloads);

    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_TRUE(*decoded == message);
    EXPECT_EQ(packet.header,
              (Header{.type = GetParam().type,
                      .correlation = 7,
                      .session = 9,
                      .payloads = static_cast<std::uint32_t>(packet.payloads.size())}));
}

TEST_P(EveryMessage, ComesBackWithNoneOfThem) {
    const Message message = GetParam().empty();

    const Packet packet = encode({}, message);
    const Result<Message> decoded = decode(packet.header, packet.body, packet.payloads);

    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_TRUE(*decoded == message);
    EXPECT_TRUE(packet.payloads.empty());
}

TEST_P(EveryMessage, WritesEachOfItsKeysOnce) {
    const std::vector<std::uint8_t>& keys = GetParam().keys;

    const Packet packet = filled();

    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), keys.size());
    EXPECT_TRUE(std::all_of(keys.begin(), keys.end(), [](std::uint8_t key) { return key <= 63; }));
    EXPECT_EQ(static_cast<std::uint8_t>(packet.body[0]), 0x80 + keys.size());
}

TEST_P(EveryMessage, IsRefusedWhenItsBodyEndsEarly) {
    const Packet packet = filled();

    for (std::size_t size = 0; size < packet.body.size(); ++size) {
        const std::string_view prefix = std::string_view(packet.body).substr(0, size);
        const Result<Message> decoded = decode(packet.header, prefix, packet.payloads);
        ASSERT_FALSE(decoded) << "with " << size << " octets of " << packet.body.size();
        EXPECT_EQ(decoded.error().name, "bad_body");
    }
}

TEST_P(EveryMessage, IsRefusedWhenOctetsFollowItsBody) {
    const Packet packet = filled();

    const Result<Message> decoded = decode(packet.header, packet.body + '\0', packet.payloads);

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().name, "bad_body");
}

TEST_P(EveryMessage, SurvivesAnyOctetOfItsBodyBeingAnother) {
    const Packet packet = filled();
    const std::string others = "00 01 3f 7f 80 81 90 91 a0 a1 c0 c1 c3 c4 d9 dc dd df e0 ff"_hex;

    for (std::size_t at = 0; at < packet.body.size(); ++at) {
        std::string body = packet.body;
        for (const char value : others) {
            body[at] = value;
            const Result<Message> decoded = decode(packet.header, body, packet.payloads);
            if (decoded) {
                const Packet again = encode(packet.header, *decoded);
                const auto twice = decode(again.header, again.body, again.payloads);
                ASSERT_TRUE(twice && *twice == *decoded)
                    << "octet " << at << " = " << to_hex({&value, 1});
            }
        }
    }
}

TEST(Messages, HaveTypesOfTheirOwn) {
    std::set<std::uint8_t> types;
    for (const Sample& sample : Samples<Message>::all()) {
        EXPECT_TRUE(types.insert(sample.type).second) << int{sample.type};
    }

    EXPECT_FALSE(types.contains(0));
}

TEST(Encoding, HasRoomForTheLongestValues) {
    const std::string text(70'000, 't');
    const std::vector<Update> updates(3, {.number = UINT64_MAX,
                                          .kind = text,
                                          .state = TaskState::expired,
                                          .attempt = UINT32_MAX,
                                          .worker = text,
                                          .error_class = text,
                                          .duration_us = UINT64_MAX,
                                          .version = UINT32_MAX,
                                          .removed = true});

    const std::string body = encode_updates(updates);
    const Result<std::vector<Update>> decoded = decode_updates(body);

    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, updates);
}

TEST(Payload, RidesInTheBodyUpToTheInlineLimit) {
    const std::string small(8, 's');
    const std::string large(9, 'l');
    Submit submit;
    submit.items = {{.kind = "k", .payload = std::string_view(small)},
                    {.kind = "k", .payload = std::string_view(large)}};

    const Packet packet = encode({}, submit, 8);

    ASSERT_EQ(packet.payloads.size(), 1U);
    EXPECT_EQ(packet.payloads[0].view(), large);
    EXPECT_EQ(packet.header.payloads, 1U);
    EXPECT_NE(packet.body.find(small), std::string::npos);
    EXPECT_EQ(packet.body.find(large), std::string::npos);
    EXPECT_EQ(decode(packet.header, packet.body, packet.payloads).value(), Message(submit));
}

TEST(Payload, IsSharedWithItsFrameAndNotCopied) {
    const Blob large = Blob::copy_of(std::string(5000, 'x'));
    const Packet packet = encode({}, Done{{{.fence = 1, .result = large}}});

    const Result<Message> decoded = decode(packet.header, packet.body, packet.payloads);

    ASSERT_TRUE(decoded);
    const Octets& result = std::get<Done>(*decoded).items[0].result;
    EXPECT_EQ(result.view.data(), large.view().data());
    EXPECT_EQ(result.keep().view().data(), large.view().data());
}

TEST(Updates, ComeBackAsTheyWent) {
    const std::vector<Update> updates{Filler::filled<Update>(), Update{.number = 5}};

    const Result<std::vector<Update>> decoded = decode_updates(encode_updates(updates));

    // The texts borrow from the body, which is gone; the rest is compared by encoding it again.
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->size(), 2U);
    const std::string body = encode_updates(updates);
    EXPECT_EQ(decode_updates(body).value(), updates);
}

TEST(Updates, MayBeNone) {
    EXPECT_EQ(encode_updates({}), "90"_hex);
    EXPECT_EQ(decode_updates("90"_hex).value(), std::vector<Update>{});
}

TEST(Updates, AreRefusedOverTheBodyLimit) {
    const auto decoded = decode_updates("90"_hex, {.body_octets_max = 0});

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().name, "too_large");
}

TEST(Updates, AreRefusedWhenTheyAreNotAnArray) {
    for (const auto& body : {"80"_hex, "00"_hex, ""_hex, "9100"_hex, "9180"_hex}) {
        const auto decoded = decode_updates(body);
        ASSERT_FALSE(decoded) << to_hex(body);
        EXPECT_EQ(decoded.error().name, "bad_body");
    }
}

TEST(UpdatesHeader, IsFourBigEndianNumbers) {
    const UpdatesHeader header{
        .epoch = 1, .sequence_first = 0x0203, .count = 4, .time = 0x05060708};

    const auto octets = encode(header);

    const std::string_view view(octets.data(), octets.size());
    EXPECT_EQ(view, "0000000000000001 0000000000000203 0000000000000004 0000000005060708"_hex);
    EXPECT_EQ(decode_updates_header(view).value(), header);
}

TEST(UpdatesHeader, HasExactly32Octets) {
    for (const std::size_t size : {0U, 31U, 33U}) {
        const auto decoded = decode_updates_header(std::string(size, 'x'));
        ASSERT_FALSE(decoded) << size;
        EXPECT_EQ(decoded.error().name, "bad_frame");
    }
}

TEST(Figures, ComeBackAsTheyWent) {
    const auto figures = Filler::filled<Figures>();

    const std::string body = encode_figures(figures);

    EXPECT_EQ(decode_figures(body).value(), figures);
}

TEST(Topic, EndsItsQueueWithADot) {
    EXPECT_EQ(task_topic("nightly"), "task.nightly.");
    EXPECT_FALSE(task_topic("nightly-2").starts_with(task_topic("nightly")));
}

}  // namespace
}  // namespace xebec::protocol

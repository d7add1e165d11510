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

template <class V>
struct Alternatives;
template <class... M>
struct Alternatives<std::variant<M...>> {
    using Types = ::testing::Types<M...>;
    static std::vector<std::uint8_t> types() { return {M::type...}; }
};

template <class... F>
std::vector<std::uint8_t> keys_of(FieldList<F...>) {
    return {F::key...};
}

template <class M>
class EveryMessage : public ::testing::Test {};
TYPED_TEST_SUITE(EveryMessage, Alternatives<Message>::Types);

TYPED_TEST(EveryMessage, ComesBackWithAllItsFields) {
    const Message message = Filler::filled<TypeParam>();

    const Packet packet = encode({.correlation = 7, .session = 9}, message);
    const Result<Message> decoded = decode(packet.header, packet.body, packet.payloads);

    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(*decoded, message);
    EXPECT_EQ(packet.header,
              (Header{.type = TypeParam::type,
                      .correlation = 7,
                      .session = 9,
                      .payloads = static_cast<std::uint32_t>(packet.payloads.size())}));
}

TYPED_TEST(EveryMessage, ComesBackWithNoneOfThem) {
    const Message message = TypeParam{};

    const Packet packet = encode({}, message);
    const Result<Message> decoded = decode(packet.header, packet.body, packet.payloads);

    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(*decoded, message);
    EXPECT_TRUE(packet.payloads.empty());
}

TYPED_TEST(EveryMessage, WritesEachOfItsKeysOnce) {
    const auto keys = keys_of(typename TypeParam::Fields{});

    const Packet packet = encode({}, Filler::filled<TypeParam>());

    EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), keys.size());
    EXPECT_TRUE(std::all_of(keys.begin(), keys.end(), [](std::uint8_t key) { return key <= 63; }));
    EXPECT_EQ(static_cast<std::uint8_t>(packet.body[0]), 0x80 + keys.size());
}

TYPED_TEST(EveryMessage, IsRefusedWhenItsBodyEndsEarly) {
    const Packet packet = encode({}, Filler::filled<TypeParam>());

    for (std::size_t size = 0; size < packet.body.size(); ++size) {
        const std::string_view prefix = std::string_view(packet.body).substr(0, size);
        const Result<Message> decoded = decode(packet.header, prefix, packet.payloads);
        ASSERT_FALSE(decoded) << "with " << size << " octets of " << packet.body.size();
        EXPECT_EQ(decoded.error().name, "bad_body");
    }
}

TYPED_TEST(EveryMessage, IsRefusedWhenOctetsFollowItsBody) {
    const Packet packet = encode({}, Filler::filled<TypeParam>());

    const Result<Message> decoded = decode(packet.header, packet.body + '\0', packet.payloads);

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().name, "bad_body");
}

TYPED_TEST(EveryMessage, SurvivesAnyOctetOfItsBodyBeingAnother) {
    const Packet packet = encode({}, Filler::filled<TypeParam>());
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
    const auto types = Alternatives<Message>::types();

    EXPECT_EQ(std::set(types.begin(), types.end()).size(), types.size());
    EXPECT_EQ(std::count(types.begin(), types.end(), 0), 0);
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

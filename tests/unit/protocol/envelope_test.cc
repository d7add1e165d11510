// The header's 32 octets, and where the parts of a message stand among its frames.

#include "protocol/envelope.h"

#include "protocol/header.h"
#include "protocol/limits.h"
#include "tests/unit/protocol/hex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xebec::protocol {
namespace {

using namespace xebec::testing;

const Header full{.major = 1,
                  .minor = 2,
                  .type = 16,
                  .flags = 0x80,
                  .correlation = 0x0102030405060708,
                  .session = 0x1112131415161718,
                  .payloads = 0x21222324};

std::string octets_of(const Header& header) {
    const auto octets = encode(header);
    return {octets.begin(), octets.end()};
}

TEST(Header, LiesAsTheDocumentSays) {
    EXPECT_EQ(to_hex(octets_of(full)),
              "f5 58 42 31 01 02 10 80 01 02 03 04 05 06 07 08 "
              "11 12 13 14 15 16 17 18 21 22 23 24 00 00 00 00");
}

TEST(Header, ComesBackAsItWent) {
    EXPECT_EQ(decode_header(octets_of(full)), full);
    EXPECT_EQ(decode_header(octets_of({})), Header{});
}

TEST(Header, MayBeLongerInALaterVersion) {
    EXPECT_EQ(decode_header(octets_of(full) + "more"), full);
}

TEST(Header, IgnoresItsReservedOctets) {
    std::string octets = octets_of(full);
    octets[31] = 1;

    EXPECT_EQ(decode_header(octets), full);
}

TEST(Header, IsNoneWhenShortOrWithoutTheMagic) {
    const std::string octets = octets_of(full);
    for (std::size_t size = 0; size < header_octets; ++size) {
        EXPECT_FALSE(decode_header(octets.substr(0, size))) << size;
    }
    for (std::size_t i = 0; i < 4; ++i) {
        std::string other = octets;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(decode_header(other)) << i;
        EXPECT_FALSE(has_magic(other)) << i;
    }
    EXPECT_TRUE(has_magic(octets));
    EXPECT_FALSE(has_magic("\xF5XB"));
}

class Frames : public ::testing::Test {
protected:
    Result<Envelope> parse(const std::vector<std::string_view>& frames) {
        return parse_envelope(frames);
    }
    void expect_refused(const std::vector<std::string_view>& frames) {
        const Result<Envelope> envelope = parse(frames);
        ASSERT_FALSE(envelope);
        EXPECT_EQ(envelope.error().code, ErrorCode::malformed);
        EXPECT_EQ(envelope.error().name, "bad_frame");
        EXPECT_NE(envelope.error().detail, "");
    }

    std::string header_ = octets_of(full);
    std::string long_address_ = std::string(address_octets_max, 'a');
};

TEST_F(Frames, OfADealerBeginWithTheDelimiter) {
    const auto envelope = parse({"", header_, "body", "p0", "p1"});

    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->address_count, 0U);
    EXPECT_EQ(envelope->header, full);
    EXPECT_EQ(envelope->body, 2U);
    EXPECT_EQ(envelope->payload_first, 3U);
    EXPECT_EQ(envelope->payload_count, 2U);
}

TEST_F(Frames, OfARouterBeginWithTheAddress) {
    const auto envelope = parse({"peer", long_address_, "", header_, "body"});

    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->address_count, 2U);
    EXPECT_EQ(envelope->body, 4U);
    EXPECT_EQ(envelope->payload_first, 5U);
    EXPECT_EQ(envelope->payload_count, 0U);
}

TEST_F(Frames, MayHaveAnEmptyBodyAndEmptyPayloads) {
    const auto envelope = parse({"", header_, "", ""});

    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->body, 2U);
    EXPECT_EQ(envelope->payload_count, 1U);
}

TEST_F(Frames, WithoutADelimiterAreRefused) {
    expect_refused({});
    expect_refused({header_});
    expect_refused({"peer", header_, "body"});
}

TEST_F(Frames, WithoutAHeaderAreRefused) {
    expect_refused({""});
    expect_refused({"peer", ""});
    expect_refused({"", "", header_, "body"});
    expect_refused({"", "plain request"});
    expect_refused({"", std::string_view(header_).substr(0, 31), "body"});
}

TEST_F(Frames, WithoutABodyAreRefused) {
    expect_refused({"", header_});
}

TEST_F(Frames, WithTooManyOrTooLongAddressesAreRefused) {
    std::vector<std::string_view> frames(address_frames_max, "a");
    frames.insert(frames.end(), {"", header_, "body"});
    EXPECT_TRUE(parse(frames));
    frames.insert(frames.begin(), "a");
    expect_refused(frames);

    const std::string too_long = long_address_ + "a";
    expect_refused({too_long, "", header_, "body"});
}

}  // namespace
}  // namespace xebec::protocol

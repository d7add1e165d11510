// Which frames are taken for a plain peer's, and which are not.

#include "protocol/plain.h"

#include "protocol/header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xebec::protocol {
namespace {

using Views = std::vector<std::string_view>;

TEST(PlainRequest, KeepsAllFramesInFrontOfTheDelimiterAsItsAddress) {
    const auto direct = parse_plain_request(Views{"id", "", "1"});
    const auto proxied = parse_plain_request(Views{"id", "proxy", "req!", "", "1"});

    ASSERT_TRUE(direct && proxied);
    EXPECT_EQ(direct->address_count, 1U);
    EXPECT_EQ(direct->body, 2U);
    EXPECT_EQ(proxied->address_count, 3U);
    EXPECT_EQ(proxied->body, 4U);
}

TEST(PlainRequest, MayBeAnythingButANativeHeader) {
    const auto header = encode(Header{.type = 2});
    const std::string native(header.begin(), header.end());
    const std::string other_magic = "\xF5XB2" + native.substr(4);

    for (const std::string& body :
         {std::string(), std::string(17, '\0'), "@" + std::string(32, 'a'),
          std::string(1 << 20, 'x'), native.substr(0, 31), other_magic}) {
        EXPECT_TRUE(parse_plain_request(Views{"id", "", body})) << body.size();
    }
    EXPECT_FALSE(parse_plain_request(Views{"id", "", native}));
}

TEST(PlainRequest, HasADelimiterAndOneBody) {
    EXPECT_FALSE(parse_plain_request(Views{"id"}));
    EXPECT_FALSE(parse_plain_request(Views{"id", "1"}));
    EXPECT_FALSE(parse_plain_request(Views{"id", ""}));
    EXPECT_FALSE(parse_plain_request(Views{"id", "", "1", "2"}));
    EXPECT_FALSE(parse_plain_request(Views{"a", "b", "c", "d", "e", "f", "g", "h", "i", "", "1"}));
    EXPECT_FALSE(parse_plain_request(Views{std::string_view(), "1", "2"}));
}

TEST(PlainSignal, ComesInTwoDialects) {
    for (const auto& [word, dialect, is_ready] : {std::tuple{"\x01", PlainDialect::octet, true},
                                                  {"READY", PlainDialect::text, true},
                                                  {"\x02", PlainDialect::octet, false},
                                                  {"HEARTBEAT", PlainDialect::text, false}}) {
        const auto signal = parse_plain_signal(Views{"id", word});
        ASSERT_TRUE(signal) << word;
        EXPECT_EQ(signal->dialect, dialect);
        EXPECT_EQ(signal->is_ready, is_ready);
    }
    EXPECT_EQ(plain_heartbeat(PlainDialect::octet), "\x02");
    EXPECT_EQ(plain_heartbeat(PlainDialect::text), "HEARTBEAT");
}

TEST(PlainSignal, IsOneWholeFrame) {
    for (const std::string_view word : {"", "\x03", "\x01\x01", "ready", "READY ", "HEARTBEATS"}) {
        EXPECT_FALSE(parse_plain_signal(Views{"id", word})) << word;
    }
    EXPECT_FALSE(parse_plain_signal(Views{"id"}));
    EXPECT_FALSE(parse_plain_signal(Views{"id", "", "\x01"}));
}

TEST(PlainReply, HasATokenADelimiterAndOneBody) {
    const auto reply = parse_plain_reply(Views{"id", "token", "", "result"});
    const auto empty = parse_plain_reply(Views{"id", "token", "", ""});
    const auto none = parse_plain_reply(Views{"id", "token", ""});
    const auto many = parse_plain_reply(Views{"id", "token", "", "a", "b"});

    ASSERT_TRUE(reply && empty && none && many);
    EXPECT_EQ(reply->token, "token");
    EXPECT_EQ(reply->body, 3U);
    EXPECT_EQ(empty->body, 3U);
    EXPECT_FALSE(none->body);
    EXPECT_FALSE(many->body);
    EXPECT_FALSE(parse_plain_reply(Views{"id", "", "token", "result"}));
    EXPECT_FALSE(parse_plain_reply(Views{"id", "token", "x", "result"}));
    EXPECT_FALSE(parse_plain_reply(Views{"id", "token"}));
}

}  // namespace
}  // namespace xebec::protocol

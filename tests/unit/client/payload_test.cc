#include "client/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xebec::client {
namespace {

std::string arguments(const std::vector<std::string>& words) {
    const auto payload = payload_of_arguments(words);
    EXPECT_TRUE(payload && payload->type == ContentType::json);
    return payload ? payload->octets : payload.error().detail;
}

TEST(Arguments, BecomeAJsonArray) {
    EXPECT_EQ(arguments({}), "[]");
    EXPECT_EQ(arguments({"2", "-3.5", "1e3"}), "[2,-3.5,1e3]");
    EXPECT_EQ(arguments({"a b", "", "\"quoted\""}), R"(["a b","","\"quoted\""])");
    EXPECT_EQ(arguments({"[1, 2]", "{\"a\":[]}"}), R"([[1, 2],{"a":[]}])");
}

TEST(Arguments, StayStringsWhenTheyOnlyLookLikeJson) {
    EXPECT_EQ(arguments({"007", "1.", "0x10", "+1", "-"}), R"(["007","1.","0x10","+1","-"])");
    EXPECT_EQ(arguments({"[x]", "{", "true", "null"}), R"(["[x]","{","true","null"])");
}

TEST(Arguments, KeepEveryDigit) {
    EXPECT_EQ(arguments({"9223372036854775807", "123456789012345678901234567890"}),
              "[9223372036854775807,123456789012345678901234567890]");
}

TEST(Arguments, AreRefusedWhenTheyAreNotUtf8) {
    const auto payload = payload_of_arguments(std::vector<std::string>{"ok", "\xFF"});

    ASSERT_FALSE(payload);
    EXPECT_THAT(payload.error().detail, testing::HasSubstr("\"\\xff\" is not UTF-8"));
}

TEST(ParsedJson, IsRefusedWhenNestedTooDeep) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');

    EXPECT_EQ(parse_json(deep), std::nullopt);
    EXPECT_EQ(parse_json("[1"), std::nullopt);
    EXPECT_EQ(parse_json("[[1]]"), Json::parse("[[1]]"));
}

TEST(PrintedResult, IsAStringWithoutQuotesAndElseTheTextItself) {
    EXPECT_EQ(printable({"\"a\\nb\"", ContentType::json}, false), "a\nb");
    EXPECT_EQ(printable({"[1, 2]", ContentType::json}, false), "[1, 2]");
    EXPECT_EQ(printable({"\"quoted\"", ContentType::octets}, false), "\"quoted\"");
    EXPECT_EQ(printable({"\x1b[31m\xff", ContentType::octets}, false), "\x1b[31m\xff");
}

TEST(PrintedResult, CannotSpeakToATerminal) {
    EXPECT_EQ(printable({"\"\\u001b[31m\\n\\tx\"", ContentType::json}, true), "\\x1b[31m\n\tx");
    EXPECT_EQ(printable({"a\x1b]0;b\a\xff", ContentType::octets}, true), "a\\x1b]0;b\\x07\\xff");
}

TEST(ResultInJson, IsAValueATextOrBase64) {
    Json value = Json::object();
    Json text = Json::object();
    Json octets = Json::object();

    add_result(value, {"{\"a\":1}", ContentType::json});
    add_result(text, {"hello", ContentType::octets});
    add_result(octets, {std::string("\0\xff", 2), ContentType::octets});

    EXPECT_EQ(value.dump(), R"({"content_type":"json","result":{"a":1}})");
    EXPECT_EQ(text.dump(), R"({"content_type":"octets","result":"hello"})");
    EXPECT_EQ(octets.dump(), R"({"content_type":"octets","result_base64":"AP8="})");
}

}  // namespace
}  // namespace xebec::client

// What is not a message is refused with its name and place, whatever it is, and what a newer peer
// may add is ignored.

#include "protocol/codec.h"
#include "protocol/reader.h"
#include "tests/unit/protocol/hex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace xebec::protocol {
namespace {

using namespace xebec::testing;
using ::testing::HasSubstr;

Result<Message> decode_as(std::uint8_t type, std::string_view body,
                          std::span<const Blob> payloads = {}) {
    const Header header{.type = type, .payloads = static_cast<std::uint32_t>(payloads.size())};
    return decode(header, body, payloads);
}

struct Case {
    const char* name;
    std::uint8_t type;
    std::string body;
    const char* problem;

    friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
};

class MalformedBody : public ::testing::TestWithParam<Case> {};

TEST_P(MalformedBody, IsRefused) {  // F23
    const Result<Message> decoded = decode_as(GetParam().type, GetParam().body);

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::malformed);
    EXPECT_EQ(decoded.error().name, "bad_body");
    EXPECT_THAT(decoded.error().detail, HasSubstr(GetParam().problem));
}

// Bodies below are of these messages unless they say otherwise:
//   hello   {2: major_min, 3: major_max, 0: role, 1: name, 6: kinds, 8: slots, 10: held}
//   submit  {0: [{0: id, 1: kind, 2: payload, 5: priority}], 1: wait}
//   credit  {0: credit}
const std::string id_hex = "00c410 000102030405060708090a0b0c0d0e0f";
const std::string item_hex = id_hex + "01a16b";  // the two required members of a submit item

const Case cases[] = {
    {"Empty", Ping::type, "", "empty"},
    {"Nil", Ping::type, "c0"_hex, "nil is never a value"},
    {"Number", Ping::type, "01"_hex, "a number is not expected"},
    {"NegativeNumber", Ping::type, "ff"_hex, "a negative number is not expected"},
    {"Boolean", Ping::type, "c3"_hex, "a boolean is not expected"},
    {"Fraction32", Ping::type, "ca00000000"_hex, "a fraction is not expected"},
    {"Fraction64", Ping::type, "cb0000000000000000"_hex, "a fraction is not expected"},
    {"Text", Ping::type, "a161"_hex, "a text is not expected"},
    {"Octets", Ping::type, "c40161"_hex, "octets are not expected"},
    {"Extension", Ping::type, "d40100"_hex, "an extension is not expected"},
    {"ExtensionWithLength", Ping::type, "c7000100"_hex, "an extension is not expected"},
    {"Array", Ping::type, "90"_hex, "an array is not expected"},
    {"NeverUsedOctet", Ping::type, "c1"_hex, "not MessagePack"},
    {"NeverUsedOctetInside", Hello::type, "8102c1"_hex, "not MessagePack"},
    {"TrailingOctet", Ping::type, "8000"_hex, "octets follow the end"},
    {"TrailingMap", Ping::type, "8080"_hex, "octets follow the end"},

    {"RequiredMissing", Hello::type, "810201"_hex, "a required key is missing"},
    {"RequiredMissingInItem", Submit::type, from_hex("8100 9181" + id_hex),
     "a required key is missing"},
    {"RequiredMissingInEmptyMap", Submit::type, "80"_hex, "a required key is missing"},
    {"DuplicateKey", Hello::type, "83 0201 0301 0201"_hex, "a key occurs twice"},
    {"DuplicateUnknownKey", Hello::type, "84 0201 0301 3f01 3f01"_hex, "a key occurs twice"},
    {"DuplicateKeyWrittenLonger", Hello::type, "83 0201 0301 cc0201"_hex, "a key occurs twice"},
    {"KeyOver63", Hello::type, "83 0201 0301 4001"_hex, "a key is larger than 63"},
    {"KeyFarOver63", Hello::type, "83 0201 0301 cfffffffffffffffff01"_hex,
     "a key is larger than 63"},
    {"KeyIsText", Hello::type, "81 a16101"_hex, "a key is not a number"},
    {"KeyIsOctets", Hello::type, "81 c4016101"_hex, "a key is not a number"},
    {"KeyIsBoolean", Hello::type, "81 c201"_hex, "a key is not a number"},
    {"KeyIsNil", Hello::type, "81 c001"_hex, "nil is never a value"},
    {"KeyIsNegative", Hello::type, "81 ff01"_hex, "a negative number is not expected"},
    {"KeyIsFraction", Hello::type, "81 ca0000000001"_hex, "a fraction is not expected"},
    {"KeyIsMap", Hello::type, "81 8001"_hex, "a map is not expected"},
    {"KeyIsArray", Hello::type, "81 9001"_hex, "an array is not expected"},
    {"KeyIsExtension", Hello::type, "81 d4010001"_hex, "an extension is not expected"},

    {"NilForNumber", Credit::type, "8100c0"_hex, "nil is never a value"},
    {"NegativeForNumber", Credit::type, "8100ff"_hex, "a negative number is not expected"},
    {"NegativeLongForNumber", Credit::type, "8100d3ffffffffffffffff"_hex,
     "a negative number is not expected"},
    {"TextForNumber", Credit::type, "8100a131"_hex, "a text is not expected"},
    {"FractionForNumber", Credit::type, "8100cb3ff0000000000000"_hex, "a fraction is not expected"},
    {"ArrayForNumber", Credit::type, "810090"_hex, "an array is not expected"},
    {"MapForNumber", Credit::type, "810080"_hex, "a map is not expected"},
    {"NumberOver32Bits", Credit::type, "8100cf0000000100000000"_hex,
     "a value is outside its range"},
    {"NumberOver8Bits", Hello::type, "82 02cd0100 0301"_hex, "a value is outside its range"},
    {"UnknownRole", Hello::type, "83 0201 0301 0003"_hex, "a value is outside its range"},
    {"UnknownTaskState", Outcomes::type, from_hex("8100 9182" + id_hex + "0208"),
     "a value is outside its range"},
    {"UnknownContentType", Submit::type, from_hex("8100 9183" + item_hex + "0302"),
     "a value is outside its range"},
    {"UnknownFinishStatus", DoneAnswer::type, "8100 9104"_hex, "a value is outside its range"},
    {"UnknownSubmitStatus", SubmitAnswer::type, "8100 91 810003"_hex,
     "a value is outside its range"},
    {"NumberForBoolean", Submit::type, "82 0090 0101"_hex, "a number is not expected"},
    {"NumberForText", Bye::type, "810001"_hex, "a number is not expected"},
    {"OctetsForText", Bye::type, "8100c40161"_hex, "octets are not expected"},
    {"TextForOctets", Submit::type, from_hex("8100 9183" + item_hex + "02a161"),
     "a text is not expected"},
    {"TextForId", Submit::type, "8100 9182 00a161 01a16b"_hex, "a text is not expected"},
    {"IdTooShort", Submit::type, "8100 9182 00c40f 000102030405060708090a0b0c0d0e 01a16b"_hex,
     "a value is outside its range"},
    {"IdTooLong", Submit::type, "8100 9182 00c411 000102030405060708090a0b0c0d0e0f10 01a16b"_hex,
     "a value is outside its range"},
    {"IdEmpty", Submit::type, "8100 9182 00c400 01a16b"_hex, "a value is outside its range"},
    {"ReferenceTooShort", Wait::type, "8100 91 c40100"_hex, "a value is outside its range"},
    {"ReferenceIsText", Wait::type, "8100 91 a131"_hex, "a text is not expected"},
    {"MapForArray", Submit::type, "810080"_hex, "a map is not expected"},
    {"NumberForArray", Submit::type, "810001"_hex, "a number is not expected"},
    {"ArrayForMap", Submit::type, "81009190"_hex, "an array is not expected"},
    {"NumberForMap", Submit::type, "81009101"_hex, "a number is not expected"},
    {"PayloadIndexWithoutFrames", Submit::type, from_hex("8100 9183" + item_hex + "0200"),
     "there is no such payload frame"},
    {"PieceWithoutFrames", BackupReadAnswer::type, "810000"_hex, "there is no such payload frame"},
    {"SegmentOver32Bits", BackupRead::type, "83 0001 01cf0000000100000000 0301"_hex,
     "a value is outside its range"},
    {"SegmentWithoutOctets", BackupAnswer::type, "83 0001 0101 0291 810001"_hex,
     "a required key is missing"},
    {"BackupWithoutNumber", BackupEnd::type, "80"_hex, "a required key is missing"},
    {"PayloadIndexHuge", Submit::type, from_hex("8100 9183" + item_hex + "02cfffffffffffffffff"),
     "there is no such payload frame"},

    {"TextNotUtf8", Bye::type, "8100a1ff"_hex, "not UTF-8"},
    {"TextWithOverlongForm", Bye::type, "8100a2c080"_hex, "not UTF-8"},
    {"TextWithSurrogate", Bye::type, "8100a3eda080"_hex, "not UTF-8"},
    {"TextCutInACharacter", Bye::type, "8100a2e282"_hex, "not UTF-8"},

    {"TextLongerThanBody", Bye::type, "8100dbffffffff61"_hex, "ends early"},
    {"OctetsLongerThanBody", Submit::type, from_hex("8100 9183" + item_hex + "02c6ffffffff61"),
     "ends early"},
    {"ArrayLongerThanBody", Wait::type, "8100ddffffffff01"_hex, "a length goes beyond the end"},
    {"MapLongerThanBody", Ping::type, "dfffffffff"_hex, "a length goes beyond the end"},
    {"MapOneLongerThanBody", Ping::type, "8200"_hex, "a length goes beyond the end"},
    {"ArraysThatTogetherAreLongerThanBody", Hello::type, "84 0201 0301 069ba0 079ba0"_hex,
     "a length goes beyond the end"},
    {"UnknownArrayLongerThanBody", Ping::type, "813fddffffffff"_hex,
     "a length goes beyond the end"},
    {"UnknownMapLongerThanBody", Ping::type, "813fdfffffffff"_hex, "a length goes beyond the end"},
    {"UnknownTextLongerThanBody", Ping::type, "813fdbffffffff"_hex, "ends early"},

    {"UnknownNestedTooDeeply", Ping::type, "813f 91919191 91 91 00"_hex, "nested too deeply"},
    {"UnknownMapsNestedTooDeeply", Ping::type, "813f 8100 8100 8100 8100 8100 80"_hex,
     "nested too deeply"},
    {"NestedWithoutEnd", Ping::type, from_hex("813f") + std::string(4 << 20, '\x91').substr(3),
     "nested too deeply"},
    {"ArrayOver65536", Wait::type, from_hex("8100dd00010001") + std::string(65'537, '\1'),
     "an array is too long"},
    {"SmallElementsThatGrowTooMuch", Workers::type + 1,
     from_hex("8100dd00010000") + std::string(65'536, '\x80'), "an array is too long"},
};

INSTANTIATE_TEST_SUITE_P(Each, MalformedBody, ::testing::ValuesIn(cases),
                         [](const auto& one) { return one.param.name; });

TEST(Body, IgnoresUnknownKeysWhateverTheirValues) {
    const std::string values[] = {"c0"_hex,
                                  "c3"_hex,
                                  "07"_hex,
                                  "ff"_hex,
                                  "ca00000000"_hex,
                                  "a161"_hex,
                                  "a1ff"_hex,
                                  "c40161"_hex,
                                  "d40100"_hex,
                                  "90"_hex,
                                  "80"_hex,
                                  "9191919190"_hex,
                                  "8100810081008100 80"_hex,
                                  "93 01 9201 02 82 a161 c0 c0 90"_hex,
                                  "82 9001 8002"_hex};
    for (const std::string& value : values) {
        SCOPED_TRACE(to_hex(value));

        const auto decoded = decode_as(Credit::type, "82 3f"_hex + value + "0005"_hex);

        ASSERT_TRUE(decoded) << decoded.error().detail;
        EXPECT_EQ(*decoded, Message(Credit{.credit = 5}));
    }
}

TEST(Body, IgnoresUnknownKeysInsideItems) {
    const auto decoded =
        decode_as(Extend::type, from_hex("8100 91 83" + id_hex + "0105 3e 9281019200 0102"));

    ASSERT_TRUE(decoded) << decoded.error().detail;
    const auto& extend = std::get<Extend>(*decoded);
    ASSERT_EQ(extend.leases.size(), 1U);
    EXPECT_EQ(extend.leases[0].fence, 5U);
}

TEST(Body, TakesNumbersInAnyOfTheirForms) {
    for (const char* form : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                             "d10005", "d200000005", "d30000000000000005"}) {
        const auto decoded = decode_as(Credit::type, from_hex(std::string("8100") + form));
        ASSERT_TRUE(decoded) << form;
        EXPECT_EQ(*decoded, Message(Credit{.credit = 5})) << form;
    }
}

TEST(Body, TakesItsKeysInAnyOrder) {
    EXPECT_EQ(decode_as(Hello::type, "83 0005 0301 0201"_hex).has_value(), false);
    const auto decoded = decode_as(Hello::type, "83 0001 0302 0201"_hex);

    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, Message(Hello{.role = Role::worker, .major_min = 1, .major_max = 2}));
}

TEST(Body, MayNameOnePayloadFrameTwiceAndAnotherNever) {
    const std::vector<Blob> payloads{Blob::copy_of("unused"), Blob::copy_of("shared")};
    const std::string item = from_hex(id_hex + "0105 0201");

    const auto decoded = decode_as(Done::type, "8100 92 83"_hex + item + "83"_hex + item, payloads);

    ASSERT_TRUE(decoded) << decoded.error().detail;
    const auto& done = std::get<Done>(*decoded);
    ASSERT_EQ(done.items.size(), 2U);
    EXPECT_EQ(done.items[0].result.view, "shared");
    EXPECT_EQ(done.items[1].result.view.data(), done.items[0].result.view.data());
}

TEST(Body, IsRefusedWhenAPayloadIndexIsOneTooLarge) {
    const std::vector<Blob> payloads{Blob::copy_of("only")};

    const auto decoded =
        decode_as(Done::type, from_hex("8100 91 83" + id_hex + "0105 0201"), payloads);

    ASSERT_FALSE(decoded);
    EXPECT_THAT(decoded.error().detail, HasSubstr("there is no such payload frame"));
}

TEST(Body, SaysWhereItIsWrong) {
    const auto decoded = decode_as(Hello::type, "83 0201 0301 4001"_hex);

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().detail, "a key is larger than 63, near octet 5");
}

TEST(Body, IsRefusedOverItsLimit) {
    const Header header{.type = Ping::type};

    const auto decoded = decode(header, "8000"_hex, {}, {.body_octets_max = 1});

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().name, "too_large");
}

struct HeaderCase {
    const char* name;
    Header header;
    const char* refusal;

    friend void PrintTo(const HeaderCase& one, std::ostream* out) { *out << one.name; }
};

class UnusableHeader : public ::testing::TestWithParam<HeaderCase> {};

TEST_P(UnusableHeader, IsRefused) {  // F23
    const auto decoded = decode(GetParam().header, "80"_hex, {});

    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().name, GetParam().refusal);
}

INSTANTIATE_TEST_SUITE_P(
    Each, UnusableHeader,
    ::testing::Values(
        HeaderCase{"OtherMajor", {.major = 2, .type = Ping::type}, "unsupported"},
        HeaderCase{"MajorZero", {.major = 0, .type = Ping::type}, "unsupported"},
        HeaderCase{"Critical", {.type = Ping::type, .flags = 0x80}, "unsupported"},
        HeaderCase{"UnknownType", {.type = 200}, "unsupported"},
        HeaderCase{"TypeZero", {.type = 0}, "unsupported"},
        HeaderCase{"PayloadsMissing", {.type = Ping::type, .payloads = 1}, "bad_frame"},
        HeaderCase{"PayloadsHuge", {.type = Ping::type, .payloads = UINT32_MAX}, "bad_frame"}),
    [](const auto& one) { return one.param.name; });

TEST(Header, WithUnknownFlagsAndMinorIsUnderstood) {
    const auto decoded = decode({.minor = 9, .type = Ping::type, .flags = 0x7F}, "80"_hex, {});

    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(*decoded, Message(Ping{}));
}

}  // namespace
}  // namespace xebec::protocol

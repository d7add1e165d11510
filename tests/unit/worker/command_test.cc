#include "worker/command.h"

#include <gtest/gtest.h>

namespace xebec::worker {

namespace {

using Words = std::vector<std::string>;

Words split(std::string_view text) {
    auto words = split_command(text);
    return words ? *words : Words{"<error>"};
}

TEST(CommandSplit, SeparatesAtBlanks) {
    EXPECT_EQ(split("convert  - \t-resize\n10x10"), (Words{"convert", "-", "-resize", "10x10"}));
    EXPECT_EQ(split(""), Words{});
    EXPECT_EQ(split("   "), Words{});
}

TEST(CommandSplit, KeepsWhatIsQuotedTogether) {
    EXPECT_EQ(split("a 'b c' \"d e\" f"), (Words{"a", "b c", "d e", "f"}));
    EXPECT_EQ(split("a'b c'd\"e f\"g"), (Words{"ab cde fg"}));
    EXPECT_EQ(split("a '' \"\""), (Words{"a", "", ""}));
}

TEST(CommandSplit, TreatsBackslashesAsAShellDoes) {
    EXPECT_EQ(split(R"(a\ b \'c\' \\)"), (Words{"a b", "'c'", "\\"}));
    EXPECT_EQ(split(R"('a\b' "a\b" "\"\\\$\`")"), (Words{"a\\b", "a\\b", "\"\\$`"}));
}

TEST(CommandSplit, ExpandsNothing) {
    EXPECT_EQ(
        split("echo $HOME * ~ `id` $(id) | cat > x; y & #z"),
        (Words{"echo", "$HOME", "*", "~", "`id`", "$(id)", "|", "cat", ">", "x;", "y", "&", "#z"}));
}

TEST(CommandSplit, RefusesWhatIsLeftOpen) {
    EXPECT_FALSE(split_command("a 'b"));
    EXPECT_FALSE(split_command("a \"b"));
    EXPECT_FALSE(split_command("a \"b\\\""));
    EXPECT_FALSE(split_command("a \\"));
}

TEST(RunOption, HasAKindAndACommand) {
    const auto option = parse_run_option("img.thumb:v2=convert - 'a=b'");

    ASSERT_TRUE(option);
    EXPECT_EQ(option->kind, "img.thumb:v2");
    EXPECT_EQ(option->arguments, (Words{"convert", "-", "a=b"}));
}

TEST(RunOption, RefusesWhatIsIncomplete) {
    EXPECT_FALSE(parse_run_option("convert"));
    EXPECT_FALSE(parse_run_option("=convert"));
    EXPECT_FALSE(parse_run_option("a b=convert"));
    EXPECT_FALSE(parse_run_option("thumb="));
    EXPECT_FALSE(parse_run_option("thumb=''"));
    EXPECT_FALSE(parse_run_option("thumb='"));
}

}  // namespace

}  // namespace xebec::worker

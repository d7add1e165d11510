// Which texts are names, which are UTF-8, and what a terminal may see.

#include "protocol/names.h"

#include "protocol/errors.h"
#include "protocol/limits.h"
#include "tests/unit/protocol/hex.h"

#include <gtest/gtest.h>

namespace xebec {
namespace {

using namespace xebec::testing;

TEST(QueueName, IsLettersDigitsUnderscoreAndHyphen) {
    for (const char* good : {"a", "Z", "0", "_", "-", "nightly-2_B"}) {
        EXPECT_TRUE(is_queue_name(good)) << good;
    }
    for (const char* bad : {"", " ", "a b", "a.b", "a:b", "a/b", "ä", "a\n", "é"}) {
        EXPECT_FALSE(is_queue_name(bad)) << bad;
    }
    EXPECT_TRUE(is_queue_name(std::string(48, 'q')));
    EXPECT_FALSE(is_queue_name(std::string(49, 'q')));
    EXPECT_FALSE(is_queue_name(std::string_view("a\0b", 3)));
}

TEST(Kind, MayAlsoHavePointAndColon) {
    for (const char* good : {"a", "image.resize", "v1:mail", ".", ":"}) {
        EXPECT_TRUE(is_kind(good)) << good;
    }
    for (const char* bad : {"", "a b", "a/b", "ü", "a,b"}) {
        EXPECT_FALSE(is_kind(bad)) << bad;
    }
    EXPECT_TRUE(is_kind(std::string(48, 'k')));
    EXPECT_FALSE(is_kind(std::string(49, 'k')));
}

TEST(WorkerName, IsVisibleAscii) {
    for (int octet = 0; octet < 256; ++octet) {
        const std::string name(1, static_cast<char>(octet));
        EXPECT_EQ(is_worker_name(name), octet >= 0x21 && octet <= 0x7E) << octet;
    }
    EXPECT_FALSE(is_worker_name(""));
    EXPECT_TRUE(is_worker_name(std::string(128, 'w')));
    EXPECT_FALSE(is_worker_name(std::string(129, 'w')));
}

TEST(Utf8, TakesEveryWellFormedSequence) {
    for (const char* good : {"", "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf",
                             "f0908080", "f48fbfbf", "41 c3a9 e282ac f09f9aa2 5a"}) {
        EXPECT_TRUE(is_utf8(from_hex(good))) << good;
    }
}

TEST(Utf8, RefusesEverythingElse) {
    for (const char* bad :
         {"80",       "bf",       "c080",   "c1bf",   "c2",     "c241",     "c2c2",     "e08080",
          "e09fbf",   "e0a0",     "e0a041", "eda080", "edbfbf", "f0808080", "f08fbfbf", "f09080",
          "f4908080", "f5808080", "ff",     "fe",     "41ff",   "e282"}) {
        EXPECT_FALSE(is_utf8(from_hex(bad))) << bad;
    }
}

TEST(ToUtf8, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(to_utf8("a\xFFz", 100), "a\uFFFDz");
    EXPECT_EQ(to_utf8("\xE2\x82", 100), "\uFFFD\uFFFD");
    EXPECT_EQ(to_utf8("größe €", 100), "größe €");
}

TEST(ToUtf8, NeverCutsACharacter) {
    EXPECT_EQ(to_utf8("a€b", 4), "a€");
    EXPECT_EQ(to_utf8("a€b", 3), "a");
    EXPECT_EQ(to_utf8("a\xFF", 3), "a");
    EXPECT_EQ(to_utf8("a", 0), "");
    for (std::size_t size = 0; size < 20; ++size) {
        const std::string text = to_utf8("é\xFF€\x80🚢z", size);
        EXPECT_LE(text.size(), size);
        EXPECT_TRUE(is_utf8(text));
    }
}

TEST(EscapeControls, LeavesNothingThatMovesACursor) {
    EXPECT_EQ(escape_controls("plain é € 🚢"), "plain é € 🚢");
    EXPECT_EQ(escape_controls("a\nb\tc\rd"), "a\\nb\\tc\\x0dd");
    EXPECT_EQ(escape_controls("\x1B[2J"), "\\x1b[2J");
    EXPECT_EQ(escape_controls("\x7F"), "\\x7f");
    EXPECT_EQ(escape_controls("\xC2\x9B"
                              "31m"),
              "\\xc2\\x9b31m");
    EXPECT_EQ(escape_controls("\xFF\xC3"), "\\xff\\xc3");
    EXPECT_EQ(escape_controls(std::string_view("\0", 1)), "\\x00");
    EXPECT_EQ(escape_controls("\xC2\xA0"), "\xC2\xA0");
    EXPECT_EQ(escape_controls("\u202ecba"), "\\xe2\\x80\\xaecba");
    EXPECT_EQ(escape_controls(""), "");
}

TEST(EscapeControls, LeavesNoControlCharacterInAnyText) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const std::string safe = escape_controls(text);
            ASSERT_TRUE(is_utf8(safe)) << first << ' ' << second;
            for (const char c : safe) {
                ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F);
            }
        }
    }
}

TEST(Refusal, HasItsOwnNameAndCode) {
    EXPECT_EQ(to_string(Refusal::none), "ok");
    EXPECT_EQ(to_string(Refusal::not_registered), "not_registered");
    EXPECT_EQ(to_string(static_cast<Refusal>(refusal_count)), "unknown");
    EXPECT_EQ(to_string(static_cast<Refusal>(65535)), "unknown");
}

TEST(Refusal, SaysWhetherARetryCanHelp) {
    for (const Refusal later : {Refusal::not_registered, Refusal::queue_full, Refusal::retry_later,
                                Refusal::read_only, Refusal::shutting_down, Refusal::internal}) {
        EXPECT_TRUE(can_retry(later)) << to_string(later);
    }
    for (const Refusal never :
         {Refusal::none, Refusal::bad_frame, Refusal::conflict, Refusal::too_old,
          Refusal::too_large, Refusal::unsupported, Refusal::no_journal, Refusal::backup_over}) {
        EXPECT_FALSE(can_retry(never)) << to_string(never);
    }
    EXPECT_FALSE(can_retry(static_cast<Refusal>(999)));
}

TEST(Refusal, BecomesAnErrorForPeople) {
    EXPECT_EQ(to_error(Refusal::conflict, "mine"), (Error{ErrorCode::refused, "mine", "conflict"}));
    EXPECT_EQ(to_error(Refusal::queue_full, "").detail, "the queue holds as many tasks as it may");
    EXPECT_EQ(to_error(static_cast<Refusal>(999), "new"),
              (Error{ErrorCode::refused, "new", "unknown"}));
}

}  // namespace
}  // namespace xebec

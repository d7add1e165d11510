// Ids, fences, task states, times as people write them.

#include "protocol/ids.h"
#include "protocol/time_text.h"

#include <gtest/gtest.h>

namespace xebec {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::uint8_t, 10> ones{0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                            0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

TEST(TaskId, IsAUuidOfVersion7) {
    const WallTime at{0x0123456789ABms};

    EXPECT_EQ(to_string(make_task_id(at, {})), "01234567-89ab-7000-8000-000000000000");
    EXPECT_EQ(to_string(make_task_id(at, ones)), "01234567-89ab-7fff-bfff-ffffffffffff");
}

TEST(TaskId, TellsWhenItWasMade) {
    const WallTime at{1'767'323'045'678ms};

    EXPECT_EQ(made_at(make_task_id(at, ones)), at);
    EXPECT_EQ(made_at(make_task_id(WallTime{-5ms}, ones)), WallTime{0ms});
    EXPECT_EQ(made_at(parse_task_id("ffffffff-ffff-7fff-bfff-ffffffffffff").value()),
              WallTime{0xFFFFFFFFFFFFms});
}

TEST(TaskId, OfAnotherKindTellsNoTime) {
    for (const char* other :
         {"00000000-0000-0000-0000-000000000000", "01234567-89ab-4fff-bfff-ffffffffffff",
          "01234567-89ab-7fff-7fff-ffffffffffff", "01234567-89ab-7fff-cfff-ffffffffffff",
          "01234567-89ab-8fff-bfff-ffffffffffff"}) {
        EXPECT_EQ(made_at(parse_task_id(other).value()), std::nullopt) << other;
    }
}

TEST(TaskId, IsReadInBothForms) {
    const TaskId id = make_task_id(WallTime{123'456'789ms}, ones);

    EXPECT_EQ(parse_task_id(to_string(id)), id);
    EXPECT_EQ(parse_task_id("0000075BCD157FFFBFFFFFFFFFFFFFFF"), id);
    EXPECT_EQ(parse_task_id("0000075b-cd15-7FFF-bfff-ffffffffffff"), id);
}

TEST(TaskId, IsNotReadFromOtherTexts) {
    for (const char* other :
         {"", "0", "0000075b-cd15-7fff-bfff-fffffffffff", "0000075b-cd15-7fff-bfff-ffffffffffff0",
          "0000075b-cd15-7fff-bfff-fffffffffffg", "0000075b0cd15-7fff-bfff-ffffffffffff",
          "0000-075bcd15-7fff-bfff-ffffffffffff", "0000075bcd157fffbfff-fffffffffff",
          "{000075b-cd15-7fff-bfff-fffffffffff}"}) {
        EXPECT_EQ(parse_task_id(other), std::nullopt) << other;
    }
}

TEST(Fence, PutsTheEpochAboveTheAttempt) {
    EXPECT_EQ((Fence{.epoch = 2, .attempt = 3}.value()), 0x0000'0002'0000'0003U);
    EXPECT_EQ(Fence::of(0x0000'0002'0000'0003U), (Fence{.epoch = 2, .attempt = 3}));
    EXPECT_LT((Fence{1, 0xFFFF'FFFF}), (Fence{2, 1}));
    EXPECT_LT((Fence{1, 0xFFFF'FFFF}.value()), (Fence{2, 1}.value()));
}

TEST(TaskState, HasANameThatIsReadBack) {
    for (std::size_t i = 0; i < task_state_count; ++i) {
        const auto state = static_cast<TaskState>(i);
        EXPECT_EQ(parse_task_state(to_string(state)), state);
        EXPECT_EQ(is_final(state), i >= 4) << to_string(state);
    }
    EXPECT_EQ(to_string(static_cast<TaskState>(8)), "unknown");
    EXPECT_EQ(parse_task_state("unknown"), std::nullopt);
    EXPECT_EQ(parse_task_state(""), std::nullopt);
    EXPECT_EQ(parse_task_state("Ready"), std::nullopt);
}

TEST(Duration, IsANumberWithAUnit) {
    EXPECT_EQ(parse_duration("0s"), 0ms);
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("30s"), 30'000ms);
    EXPECT_EQ(parse_duration("10m"), 600'000ms);
    EXPECT_EQ(parse_duration("1.5h"), 5'400'000ms);
    EXPECT_EQ(parse_duration("7d"), 604'800'000ms);
    EXPECT_EQ(parse_duration("0.0004s"), 0ms);
    EXPECT_EQ(parse_duration("36500d"), 3'153'600'000'000ms);
}

TEST(Duration, IsNothingElse) {
    for (const char* other : {"", "s", "5", "-5s", "+5s", " 5s", "5s ", "5 s", "5S", "5sec", "1e3s",
                              "nans", "infs", "inf", "0x5s", "5s5s", "36501d", "99999999999999d"}) {
        EXPECT_EQ(parse_duration(other), std::nullopt) << other;
    }
}

TEST(Duration, IsWrittenWithThreeDigits) {
    EXPECT_EQ(format_duration(0us), "0us");
    EXPECT_EQ(format_duration(640us), "640us");
    EXPECT_EQ(format_duration(1'000us), "1ms");
    EXPECT_EQ(format_duration(12'345us), "12.3ms");
    EXPECT_EQ(format_duration(1'004us), "1ms");
    EXPECT_EQ(format_duration(1'046us), "1.05ms");
    EXPECT_EQ(format_duration(1'500us), "1.5ms");
    EXPECT_EQ(format_duration(9'996us), "10ms");
    EXPECT_EQ(format_duration(10'060us), "10.1ms");
    EXPECT_EQ(format_duration(99'960us), "100ms");
    EXPECT_EQ(format_duration(999'499us), "999ms");
    EXPECT_EQ(format_duration(999'500us), "1s");
    EXPECT_EQ(format_duration(999'999us), "1s");
    EXPECT_EQ(format_duration(4'560ms), "4.56s");
    EXPECT_EQ(format_duration(59'999ms), "60s");
    EXPECT_EQ(format_duration(60s), "1m00s");
    EXPECT_EQ(format_duration(125s), "2m05s");
    EXPECT_EQ(format_duration(3h + 2min + 59s), "3h02m");
    EXPECT_EQ(format_duration(28h), "1d04h");
}

TEST(Duration, IsNeverWrittenWithAnExponent) {
    for (std::int64_t us = 1; us < 100'000'000'000; us = us * 17 / 16 + 1) {
        const std::string text = format_duration(std::chrono::microseconds{us});
        ASSERT_EQ(text.find('e'), std::string::npos) << us;
    }
}

TEST(Instant, IsWrittenInUtcWithMilliseconds) {
    EXPECT_EQ(format_utc(WallTime{0ms}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_utc(WallTime{1'767'323'045'678ms}), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(format_utc(WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(format_utc(WallTime{1'709'164'800'000ms}), "2024-02-29T00:00:00.000Z");
}

TEST(Instant, IsWrittenWithinFourDigitYears) {
    EXPECT_EQ(format_utc(WallTime::min()), "0000-01-01T00:00:00.000Z");
    EXPECT_EQ(format_utc(WallTime::max()), "9999-12-31T23:59:59.999Z");
}

TEST(Instant, IsReadBack) {
    EXPECT_EQ(parse_utc("2026-01-02T03:04:05.678Z"), WallTime{1'767'323'045'678ms});
    EXPECT_EQ(parse_utc("2026-01-02T03:04:05Z"), WallTime{1'767'323'045'000ms});
    EXPECT_EQ(parse_utc("2026-01-02T03:04:05.6Z"), WallTime{1'767'323'045'600ms});
    EXPECT_EQ(parse_utc("2026-01-02T03:04:05.678999Z"), WallTime{1'767'323'045'678ms});
    EXPECT_EQ(parse_utc("1969-12-31T23:59:59.999Z"), WallTime{-1ms});
}

TEST(Instant, IsNotReadFromOtherTexts) {
    for (const char* other :
         {"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z",
          "2026-01-02T03:04:05+00:00", "2026-13-02T03:04:05Z", "2026-02-29T03:04:05Z",
          "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z",
          "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678ZZ",
          "26-01-02T03:04:05Z", "2026/01/02T03:04:05Z", "-026-01-02T03:04:05Z"}) {
        EXPECT_EQ(parse_utc(other), std::nullopt) << other;
    }
}

TEST(Instant, ComesBackFromAnyTextWritten) {
    for (std::int64_t ms = -62'135'596'800'000; ms < 253'402'300'800'000; ms += 7'654'321'987'654) {
        const WallTime at{std::chrono::milliseconds{ms}};
        EXPECT_EQ(parse_utc(format_utc(at)), at) << ms;
    }
}

}  // namespace
}  // namespace xebec

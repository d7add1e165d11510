#include "monitor/lines.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace xebec::monitor {
namespace {

constexpr Style plain{};
constexpr Style coloured{.colours = true};
constexpr Style json{.json = true};

ShowUpdate succeeded() {
    return {.epoch = 5,
            .sequence = 77,
            .time = WallTime{milliseconds{1'767'323'045'678}},
            .queue = "default",
            .update = {.number = 42,
                       .id = *parse_task_id("01890a5d-ac96-774b-bcce-b302099a8057"),
                       .kind = "add",
                       .state = TaskState::succeeded,
                       .attempt = 1,
                       .worker = "host-1",
                       .duration_us = 4'560,
                       .version = 3}};
}

TEST(UpdateLines, StandInColumns) {
    UpdateLines lines(plain);

    EXPECT_EQ(lines.heading(),
              "time             task  queue     kind      state      worker        try     took");
    EXPECT_EQ(lines.line(succeeded()),
              "03:04:05.678Z      42  default   add       succeeded  host-1          1   4.56ms");
}

TEST(UpdateLines, ShowADashForWhatIsNotThere) {
    UpdateLines lines(plain);
    ShowUpdate shown = succeeded();
    shown.update = {.number = 7, .kind = "echo", .state = TaskState::ready};

    EXPECT_EQ(lines.line(shown),
              "03:04:05.678Z       7  default   echo      ready      -               -        -");
}

TEST(UpdateLines, EndWithTheErrorOfAFailedAttempt) {
    UpdateLines lines(plain);
    ShowUpdate shown = succeeded();
    shown.update.state = TaskState::scheduled;
    shown.update.error_class = "division_by_zero";

    EXPECT_EQ(lines.line(shown),
              "03:04:05.678Z      42  default   add       scheduled  host-1          1   4.56ms"
              "  division_by_zero");
}

// What stands in the line before is used again where it is the same.
TEST(UpdateLines, DoNotDependOnTheLinesBefore) {
    std::vector<ShowUpdate> shown(12, succeeded());
    shown[1].update.number = 7;
    shown[2].update.number = 999'999;
    shown[2].update.duration_us = 0;
    shown[3].update.duration_us = 61'000'000;
    shown[4].update.state = TaskState::leased;
    shown[5].update.kind = "echo";
    shown[6].update.worker = {};
    shown[7].update.attempt = 2;
    shown[8].update.removed = true;
    shown[9].update.error_class = "timeout";
    shown[10].queue = "other";
    shown[11].time += milliseconds{1};
    shown.push_back(shown[2]);
    shown.back().update.number = 12'345'678;  // wider columns than before
    shown.push_back(shown[3]);
    shown.back().update.duration_us = 1'000'000'000'000'000;
    ShowUpdate unlike = succeeded();
    unlike.time += milliseconds{7};
    std::mt19937_64 random{3};

    for (const Style style : {plain, coloured, json}) {
        UpdateLines lines(style);
        UpdateLines anew(style);
        for (int i = 0; i < 2'000; ++i) {
            const ShowUpdate& next = shown[random() % (i < 1'000 ? 12 : shown.size())];
            anew.line(unlike);
            ASSERT_EQ(lines.line(next), anew.line(next));
        }
    }
}

TEST(UpdateLines, StayAsWideAsTheWidestBefore) {
    UpdateLines lines(plain);
    ShowUpdate wide = succeeded();
    wide.queue = "a-rather-long-queue";
    wide.update.number = 123'456'789;
    lines.line(wide);

    EXPECT_EQ(lines.line(succeeded()),
              "03:04:05.678Z         42  default              add       succeeded  host-1      "
              "    1   4.56ms");
}

TEST(UpdateLines, DoNotGrowWithoutEnd) {
    UpdateLines lines(plain);
    ShowUpdate wide = succeeded();
    const std::string name(120, 'w');
    wide.update.worker = name;
    EXPECT_NE(lines.line(wide).find(name), std::string::npos);

    EXPECT_LT(lines.line(succeeded()).size(), 110U);
}

TEST(UpdateLines, ColourTheStateAndTheError) {
    UpdateLines lines(coloured);
    ShowUpdate shown = succeeded();
    EXPECT_NE(lines.line(shown).find("\x1b[32m  succeeded\x1b[0m"), std::string::npos);

    shown.update.state = TaskState::dead;
    shown.update.error_class = "failed";
    const std::string line = lines.line(shown);

    EXPECT_NE(line.find("\x1b[1;31m  dead     \x1b[0m"), std::string::npos);
    EXPECT_NE(line.find("\x1b[31mfailed\x1b[0m"), std::string::npos);
}

TEST(UpdateLines, NameTheRemovalByRetention) {
    UpdateLines lines(plain);
    ShowUpdate shown = succeeded();
    shown.update.removed = true;

    EXPECT_NE(lines.line(shown).find("  removed  "), std::string::npos);
    EXPECT_EQ(lines.line(shown).find("succeeded"), std::string::npos);
}

TEST(UpdateLines, EscapeWhatCouldSteerATerminal) {
    UpdateLines lines(plain);
    ShowUpdate shown = succeeded();
    shown.queue = "q\x1b[2J";
    shown.update.kind = "k\n";
    shown.update.worker = "\x07";
    shown.update.error_class = "e\xC2\x9B";

    const std::string line = lines.line(shown);

    EXPECT_NE(line.find("q\\x1b[2J"), std::string::npos);
    EXPECT_NE(line.find("k\\n"), std::string::npos);
    EXPECT_NE(line.find("\\x07"), std::string::npos);
    EXPECT_NE(line.find("e\\xc2\\x9b"), std::string::npos);
    EXPECT_EQ(line.find_first_of("\x1b\n\x07\x9B"), std::string::npos);
}

TEST(UpdateLines, HaveTheDocumentedKeysAsJson) {
    UpdateLines lines(json);

    EXPECT_EQ(lines.line(succeeded()),
              R"({"time":"2026-01-02T03:04:05.678Z","epoch":5,"sequence":77,"number":42,)"
              R"("id":"01890a5d-ac96-774b-bcce-b302099a8057","queue":"default","kind":"add",)"
              R"("state":"succeeded","attempt":1,"worker":"host-1","error":null,)"
              R"("duration_us":4560,"version":3,"removed":false})");
}

TEST(UpdateLines, HaveNullForWhatIsNotThereAsJson) {
    UpdateLines lines(json);
    ShowUpdate shown = succeeded();
    shown.update = {.number = 7, .kind = "echo", .state = TaskState::ready};

    const auto object = nlohmann::json::parse(lines.line(shown));

    EXPECT_TRUE(object.at("worker").is_null());
    EXPECT_TRUE(object.at("error").is_null());
    EXPECT_TRUE(object.at("duration_us").is_null());
    EXPECT_EQ(object.size(), 14U);
}

TEST(UpdateLines, KeepADurationOfZeroWhereThereAlwaysIsOne) {
    UpdateLines lines(json);
    ShowUpdate shown = succeeded();
    shown.update.state = TaskState::leased;
    shown.update.duration_us = 0;

    EXPECT_EQ(nlohmann::json::parse(lines.line(shown)).at("duration_us"), 0);
}

TEST(UpdateLines, QuoteWhatJsonWants) {
    UpdateLines lines(json);
    ShowUpdate shown = succeeded();
    shown.update.worker = R"(a"b\c)";

    const std::string& line = lines.line(shown);

    EXPECT_NE(line.find(R"("worker":"a\"b\\c","error":null)"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(line).at("worker"), shown.update.worker);
}

TEST(UpdateLines, AreAsciiAsJsonWhateverTheTextsHold) {
    UpdateLines lines(json);
    ShowUpdate shown = succeeded();
    shown.update.error_class = "\xC2\x9B\xFF\x1b\x7F\n";

    const std::string line = lines.line(shown);

    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7F; }));
    EXPECT_TRUE(nlohmann::json::accept(line));
}

}  // namespace
}  // namespace xebec::monitor

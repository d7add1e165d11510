#include "client/batch_line.h"

#include "client/commands/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

namespace xebec::client {
namespace {

using namespace std::chrono_literals;

Result<NewTask> parse(std::string_view line) {
    return parse_batch_line(line, NewTask{});
}

std::string complaint(std::string_view line) {
    const auto task = parse(line);
    return task ? "none" : task.error().detail;
}

TEST(BatchLine, SaysEverythingAboutATask) {
    const auto task =
        parse(R"({"kind":"add","args":[2,"x",9223372036854775807],"queue":"nightly","priority":5,)"
              R"("delay":"10m","deadline":"2h","attempts":3,"run_max":"1500ms",)"
              R"("id":"0190163d-8694-739b-aea5-966c26f8ad91"})");

    ASSERT_TRUE(task) << task.error().detail;
    EXPECT_EQ(task->kind, "add");
    EXPECT_EQ(task->payload, (Payload{"[2,\"x\",9223372036854775807]", ContentType::json}));
    EXPECT_EQ(task->options.queue, "nightly");
    EXPECT_EQ(task->options.priority, 5);
    EXPECT_EQ(task->options.delay, 10min);
    EXPECT_EQ(task->options.deadline_in, 2h);
    EXPECT_EQ(task->options.attempts, 3U);
    EXPECT_EQ(task->options.run_max, 1'500ms);
    EXPECT_EQ(task->id, parse_task_id("0190163d-8694-739b-aea5-966c26f8ad91"));
}

TEST(BatchLine, NeedsOnlyAKind) {
    const auto task = parse(R"( {"kind": "report"} )");

    ASSERT_TRUE(task);
    EXPECT_EQ(task->kind, "report");
    EXPECT_EQ(task->payload, (Payload{"[]", ContentType::json}));
    EXPECT_EQ(task->options.queue, "default");
    EXPECT_EQ(task->id, std::nullopt);
}

TEST(BatchLine, TakesFromTheFlagsWhatItDoesNotSay) {
    NewTask defaults;
    defaults.options = {.queue = "nightly", .priority = 7};

    const auto task = parse_batch_line(R"({"kind":"a","priority":1})", defaults);

    ASSERT_TRUE(task);
    EXPECT_EQ(task->options.queue, "nightly");
    EXPECT_EQ(task->options.priority, 1);
}

TEST(BatchLine, CarriesTextAndOctets) {
    const auto text = parse(R"({"kind":"a","payload":"[1]"})");
    const auto octets = parse(R"({"kind":"a","payload_base64":"AP8="})");

    ASSERT_TRUE(text);
    EXPECT_EQ(text->payload, (Payload{"[1]", ContentType::octets}));
    ASSERT_TRUE(octets);
    EXPECT_EQ(octets->payload, (Payload{std::string("\0\xff", 2), ContentType::octets}));
}

TEST(BatchLine, TakesAnInstantAsDeadline) {
    const auto task = parse(R"({"kind":"a","deadline":"2026-01-02T03:04:05Z"})");

    ASSERT_TRUE(task);
    EXPECT_EQ(task->options.deadline, WallTime{1'767'323'045s});
}

TEST(BatchLine, IsRefusedWithTheReason) {
    EXPECT_EQ(complaint("nonsense"), "this is not a JSON object");
    EXPECT_EQ(complaint("[]"), "this is not a JSON object");
    EXPECT_EQ(complaint(R"({"kind":"a"} x)"), "this is not a JSON object");
    EXPECT_EQ(complaint("{}"), "there is no \"kind\"");
    EXPECT_EQ(complaint(R"({"kind":3})"), "\"kind\" is a text");
    EXPECT_EQ(complaint(R"({"kind":"a","args":{}})"), "\"args\" is an array");
    EXPECT_EQ(complaint(R"({"kind":"a","args":[],"payload":""})"),
              "only one of args, payload and payload_base64 can be given");
    EXPECT_EQ(complaint(R"({"kind":"a","payload_base64":"!"})"),
              "\"payload_base64\" is a text in Base64");
    EXPECT_EQ(complaint(R"({"kind":"a","priority":-1})"), "a priority is 0 to 9, not -1");
    EXPECT_EQ(complaint(R"({"kind":"a","priority":1.5})"), "\"priority\" is a whole number");
    EXPECT_EQ(complaint(R"({"kind":"a","attempts":4294967296})"),
              "there are 1 to 10000 attempts, not 4294967296");
    EXPECT_EQ(complaint(R"({"kind":"a","attempts":0})"), "there are 1 to 10000 attempts, not 0");
    EXPECT_EQ(complaint(R"({"kind":"a","attempts":18446744073709551615})"),
              "there are 1 to 10000 attempts, not 18446744073709551615");
    EXPECT_EQ(complaint(R"({"kind":"a","delay":5})"),
              "\"delay\" is a duration with its unit, such as \"10m\"");
    EXPECT_EQ(complaint(R"({"kind":"a","run_max":"0s"})"), "a run limit is longer than 0s");
    EXPECT_EQ(complaint(R"({"kind":"a","queue":""})"), "a queue's name is not empty");
    EXPECT_EQ(complaint(R"({"kind":"a","args":[{"kind":1}],"kind":"b"})"),
              "\"kind\" is there more than once");
    EXPECT_EQ(complaint(R"({"kind":"a","delay":"10 minutes"})"),
              "\"delay\" is a duration with its unit, such as \"10m\"");
    EXPECT_EQ(complaint(R"({"kind":"a","id":"42"})"), "\"id\" is a UUID");
    EXPECT_THAT(complaint(R"({"kind":"a","deadline":5})"), testing::StartsWith("\"deadline\" is"));
    EXPECT_THAT(complaint("{\"kind\":\"a\",\"fo\\u001bo\":1}"),
                testing::StartsWith("\"fo\\x1bo\" is not a key: kind, args,"));
}

TEST(BatchInput, IsReadLineByLineWithinABound) {
    std::istringstream in("one\n\n123456789\nlast");
    std::string line;
    bool is_cut = false;
    std::vector<std::pair<std::string, bool>> lines;

    while (read_line(in, line, 5, is_cut)) {
        lines.emplace_back(line, is_cut);
    }

    EXPECT_THAT(lines, testing::ElementsAre(std::pair("one", false), std::pair("", false),
                                            std::pair("12345", true), std::pair("last", false)));
}

}  // namespace
}  // namespace xebec::client

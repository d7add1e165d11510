#include "monitor/web/task_requests.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;
using client::Json;

const WallTime now{1'000'000s};
const std::string id_text = "0190a8b0-0000-7000-8000-00000000002a";

std::uint64_t ms(WallTime at) {
    return static_cast<std::uint64_t>(at.time_since_epoch().count());
}

constexpr std::uint32_t bit(TaskState state) {
    return 1U << static_cast<unsigned>(state);
}

Selected selected(const std::string& name, const std::string& value) {
    const auto found = selected_by(httplib::Params{{name, value}}, now);
    EXPECT_TRUE(found) << name << "=" << value;
    return found ? *found : Selected{};
}

void expect_refused(const std::string& name, const std::string& value, std::string_view text) {
    for (const auto& found : {selected_by(httplib::Params{{name, value}}, now),
                              selected_by(Json{{name, value}}, now)}) {
        ASSERT_FALSE(found) << name << "=" << value;
        EXPECT_EQ(found.error().code, ErrorCode::malformed);
        EXPECT_EQ(found.error().name, "bad_value");
        EXPECT_NE(found.error().detail.find(text), std::string::npos) << found.error().detail;
    }
}

// ---- keys ----

TEST(TaskKeys, AreNumbersIdsOrTheLast) {
    EXPECT_EQ(std::get<std::uint64_t>(*parse_key("last")), 0U);
    EXPECT_EQ(std::get<std::uint64_t>(*parse_key("1")), 1U);
    EXPECT_EQ(std::get<std::uint64_t>(*parse_key("18446744073709551615")), UINT64_MAX);
    EXPECT_EQ(std::get<TaskId>(*parse_key(id_text)), *parse_task_id(id_text));
}

TEST(TaskKeys, AreNothingElse) {
    for (const std::string_view text :
         {"", "0", "-1", "+1", " 1", "1 ", "1.0", "18446744073709551616", "Last", "latest", "0x1",
          "0190a8b0-0000-7000-8000-00000000002", "0190a8b0-0000-7000-8000-00000000002g"}) {
        const auto key = parse_key(text);
        ASSERT_FALSE(key) << text;
        EXPECT_EQ(key.error().name, "bad_value");
    }
}

// ---- filters ----

TEST(SelectedBy, SelectsEverythingWithoutNames) {
    const auto found = selected_by(httplib::Params{}, now);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->filter(), protocol::TaskFilter{});
    EXPECT_EQ(found->cursor, 0U);
}

TEST(SelectedBy, TakesEveryName) {
    const auto found = selected_by(httplib::Params{{"state", "dead,ready"},
                                                   {"queue", "emails"},
                                                   {"kind", "send.it"},
                                                   {"worker", "w-1"},
                                                   {"error", "no route"},
                                                   {"id_prefix", "0190a"},
                                                   {"since", "10m"},
                                                   {"until", "1970-01-02T00:00:00Z"},
                                                   {"cursor", "77"},
                                                   {"limit", "5"}},
                                   now);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->filter(),
              (protocol::TaskFilter{.states = bit(TaskState::dead) | bit(TaskState::ready),
                                    .queue = "emails",
                                    .kind = "send.it",
                                    .worker = "w-1",
                                    .error = "no route",
                                    .id_prefix = "0190a",
                                    .accepted_from = ms(now - 10min),
                                    .accepted_to = ms(WallTime{24h})}));
    EXPECT_EQ(found->cursor, 77U);
}

TEST(SelectedBy, TakesTheMembersOfAnObjectAlike) {
    const auto found = selected_by(
        Json{{"state", {"dead", "ready"}}, {"queue", "emails"}, {"cursor", 77}, {"kind", nullptr}},
        now);

    ASSERT_TRUE(found);
    EXPECT_EQ(found->filter(),
              (protocol::TaskFilter{.states = bit(TaskState::dead) | bit(TaskState::ready),
                                    .queue = "emails"}));
    EXPECT_EQ(found->cursor, 77U);
}

TEST(SelectedBy, TakesAllTasksOfABodyOnlyIfItSaysSo) {
    for (const char* body : {"{}", R"({"all": false})", R"({"queue": ""})", R"({"state": []})",
                             R"({"kind": null, "cursor": 5})"}) {
        const auto found = selected_by(Json::parse(body), now);
        ASSERT_FALSE(found) << body;
        EXPECT_EQ(found.error().name, "bad_value");
        EXPECT_NE(found.error().detail.find("\"all\": true"), std::string::npos);
    }
    for (const char* body : {R"({"all": "true"})", R"({"all": 1})", R"({"all": null})"}) {
        EXPECT_FALSE(selected_by(Json::parse(body), now)) << body;
    }

    const auto all = selected_by(Json{{"all", true}, {"cursor", 5}}, now);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->filter(), protocol::TaskFilter{});
    EXPECT_EQ(all->cursor, 5U);
    EXPECT_EQ(selected_by(Json{{"all", true}, {"queue", "a"}}, now)->queue, "a");
}

TEST(SelectedBy, TakesEveryState) {
    for (std::size_t i = 0; i < task_state_count; ++i) {
        const auto state = static_cast<TaskState>(i);
        EXPECT_EQ(selected("state", std::string(to_string(state))).states, bit(state));
    }
}

TEST(SelectedBy, TakesEmptyFieldsOfAFormForEverything) {
    for (const char* name :
         {"state", "queue", "kind", "worker", "error", "id_prefix", "since", "until", "cursor"}) {
        EXPECT_EQ(selected(name, "").filter(), protocol::TaskFilter{}) << name;
    }
}

TEST(SelectedBy, CountsBackNoFurtherThanTheEpoch) {
    EXPECT_EQ(selected("since", "1000d").accepted_from, 0U);
    EXPECT_EQ(selected("since", "1960-01-01T00:00:00Z").accepted_from, 0U);
}

TEST(SelectedBy, RefusesWhatIsNoValue) {
    expect_refused("state", "asleep", "\"asleep\" is not a state");
    expect_refused("state", "dead,,ready", "is not a state");
    expect_refused("state", "dead, ready", "is not a state");
    expect_refused("queue", "a b", "not the name of a queue");
    expect_refused("queue", "../x", "not the name of a queue");
    expect_refused("kind", "<b>", "not the name of a kind");
    expect_refused("error", std::string(257, 'x'), "at most 256 octets");
    expect_refused("since", "yesterday", "\"since\" is a duration");
    expect_refused("until", "-5s", "\"until\" is a duration");
    expect_refused("cursor", "x", "\"cursor\" is the number");
    expect_refused("cursor", "-1", "\"cursor\" is the number");
}

TEST(SelectedBy, MakesControlCharactersVisible) {
    expect_refused("queue", "a\nb\x1b[31m", "\\n");
}

TEST(SelectedBy, RefusesBodiesThatAreNoObjects) {
    for (const Json& body : {Json(), Json(1), Json("x"), Json::array()}) {
        const auto found = selected_by(body, now);
        ASSERT_FALSE(found) << body;
        EXPECT_EQ(found.error().name, "bad_value");
    }
    EXPECT_FALSE(selected_by(Json{{"state", {1, 2}}}, now));
    EXPECT_FALSE(selected_by(Json{{"queue", Json::object()}}, now));
    EXPECT_FALSE(selected_by(Json{{"cursor", -1}}, now));
    EXPECT_FALSE(selected_by(Json{{"cursor", 1.5}}, now));
}

// A misspelt filter of a bulk action would mean every task there is.
TEST(SelectedBy, RefusesMembersItDoesNotKnow) {
    const auto found = selected_by(Json{{"states", {"dead"}}}, now);

    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().name, "bad_value");
    EXPECT_NE(found.error().detail.find("\"states\""), std::string::npos);
}

TEST(SelectedBy, SaysTheFirstOfSeveralErrors) {
    const auto found = selected_by(Json{{"queue", "a b"}, {"kind", "c d"}}, now);

    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().detail, "\"a b\" is not the name of a queue");
}

TEST(NumberIn, IsInItsBounds) {
    EXPECT_EQ(*number_in({}, "limit", 50, 500), 50U);
    EXPECT_EQ(*number_in({{"limit", ""}}, "limit", 50, 500), 50U);
    EXPECT_EQ(*number_in({{"limit", "1"}}, "limit", 50, 500), 1U);
    EXPECT_EQ(*number_in({{"limit", "500"}}, "limit", 50, 500), 500U);
    for (const char* text : {"0", "501", "-1", "x", "1.5", " 1", "99999999999999999999"}) {
        const auto number = number_in({{"limit", text}}, "limit", 50, 500);
        ASSERT_FALSE(number) << text;
        EXPECT_EQ(number.error().name, "bad_value");
        EXPECT_EQ(number.error().detail, "\"limit\" is a whole number from 1 to 500");
    }
}

// ---- submit ----

TEST(ParseSubmission, TakesOneTask) {
    const auto submission = parse_submission(
        R"({"kind": "add", "args": [1, 2], "queue": "q", "priority": 3, "attempts": 2})");

    ASSERT_TRUE(submission);
    EXPECT_FALSE(submission->is_array);
    ASSERT_EQ(submission->tasks.size(), 1U);
    ASSERT_TRUE(submission->tasks[0]);
    const NewTask& task = *submission->tasks[0];
    EXPECT_EQ(task.kind, "add");
    EXPECT_EQ(task.payload, (Payload{"[1,2]", ContentType::json}));
    EXPECT_EQ(task.options.queue, "q");
    EXPECT_EQ(task.options.priority, 3);
    EXPECT_EQ(task.options.attempts, 2U);
}

TEST(ParseSubmission, TakesAnArrayEachAlone) {
    const auto submission =
        parse_submission(R"([{"kind": "a"}, {"no": 1}, 7, {"kind": "b", "payload": "x"}])");

    ASSERT_TRUE(submission);
    EXPECT_TRUE(submission->is_array);
    ASSERT_EQ(submission->tasks.size(), 4U);
    EXPECT_TRUE(submission->tasks[0]);
    EXPECT_FALSE(submission->tasks[1]);
    EXPECT_FALSE(submission->tasks[2]);
    ASSERT_TRUE(submission->tasks[3]);
    EXPECT_EQ(submission->tasks[3]->payload, (Payload{"x", ContentType::octets}));
}

TEST(ParseSubmission, TakesNoTasksAtAll) {
    const auto submission = parse_submission("[]");

    ASSERT_TRUE(submission);
    EXPECT_TRUE(submission->is_array);
    EXPECT_TRUE(submission->tasks.empty());
}

TEST(ParseSubmission, RefusesWhatIsNoTask) {
    const std::string deep(100'000, '[');
    for (const std::string_view body :
         {std::string_view(""), std::string_view("x"), std::string_view("1"),
          std::string_view("\"add\""), std::string_view("{\"kind\": \"a\"} x"),
          std::string_view("{\"kind\": \"\xff\"}"), std::string_view(deep)}) {
        const auto submission = parse_submission(body);
        ASSERT_FALSE(submission) << body.substr(0, 20);
        EXPECT_EQ(submission.error().name, "bad_value");
    }
}

TEST(ParseSubmission, TakesSoManyTasksAtOnce) {
    std::string body = "[1";
    for (int i = 1; i < 10'000; ++i) {
        body += ",1";
    }
    const auto most = parse_submission(body + "]");
    ASSERT_TRUE(most);
    EXPECT_EQ(most->tasks.size(), 10'000U);

    const auto more = parse_submission(body + ",1]");
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().name, "too_large");
}

TEST(ParseSubmission, TakesADeadlineAsItIsSaid) {
    const auto submission = parse_submission(R"({"kind": "a", "deadline": "10m"})");

    ASSERT_TRUE(submission);
    ASSERT_TRUE(submission->tasks[0]);
    EXPECT_EQ(submission->tasks[0]->options.deadline_in, 10min);
}

}  // namespace
}  // namespace xebec::monitor::web

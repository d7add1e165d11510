#include "client/json.h"
#include "client/options.h"
#include "client/tables.h"
#include "client/task_text.h"
#include "runtime/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace xebec::client {
namespace {

using namespace std::chrono_literals;

const TaskId id = *parse_task_id("0190163d-8694-739b-aea5-966c26f8ad91");

TaskInfo dead_task() {
    return {.number = 42,
            .id = id,
            .kind = "thumb",
            .queue = "default",
            .state = TaskState::dead,
            .priority = 5,
            .attempts = 2,
            .attempts_max = 2,
            .worker = "build7-1",
            .error = TaskError{"exit", "status 1\x1b[31m"},
            .accepted_at = WallTime{1'767'323'045s},
            .started_at = WallTime{1'767'323'046s},
            .finished_at = WallTime{1'767'323'048'500ms},
            .fence = 7,
            .series = 0};
}

TEST(TaskKeyText, IsANumberAnIdOrLast) {
    EXPECT_EQ(parse_key("last"), TaskKey(std::uint64_t{0}));
    EXPECT_EQ(parse_key("42"), TaskKey(std::uint64_t{42}));
    EXPECT_EQ(parse_key("0190163D8694739BAEA5966C26F8AD91"), TaskKey(id));
    for (const char* text : {"0", "-1", "42x", "", "first", "18446744073709551616"}) {
        EXPECT_THROW(parse_key(text), UsageError) << text;
    }
    EXPECT_EQ(to_text(parse_key("last")), "last");
    EXPECT_EQ(to_text(parse_key("42")), "42");
    EXPECT_EQ(to_text(TaskKey(id)), "0190163d-8694-739b-aea5-966c26f8ad91");
}

TEST(StateNames, AreThoseOfTheStates) {
    EXPECT_THAT(parse_states({"dead", "ready"}),
                testing::ElementsAre(TaskState::dead, TaskState::ready));
    EXPECT_THROW(parse_states({"done"}), UsageError);
}

TEST(DeadlineText, IsADurationOrUtc) {
    TaskOptions task;

    EXPECT_TRUE(set_deadline("10m", task));
    EXPECT_EQ(task.deadline_in, 10min);
    EXPECT_EQ(task.deadline, std::nullopt);
    EXPECT_TRUE(set_deadline("2026-01-02T03:04:05Z", task));
    EXPECT_EQ(task.deadline, WallTime{1'767'323'045s});
    EXPECT_EQ(task.deadline_in, 0min) << "the later one counts alone";
    EXPECT_FALSE(set_deadline("tomorrow", task));
    EXPECT_FALSE(set_deadline("0s", task));
}

TEST(PastText, IsADurationAgoOrUtc) {
    const WallTime now{1'767'323'045s};

    EXPECT_EQ(parse_past("10m", now), now - 10min);
    EXPECT_EQ(parse_past("2026-01-02T03:04:05Z", WallTime{}), now);
    EXPECT_EQ(parse_past("yesterday", now), std::nullopt);
}

TEST(SizeText, HasTheLargestUnitThatFits) {
    EXPECT_EQ(size_text(0), "0 B");
    EXPECT_EQ(size_text(1'023), "1023 B");
    EXPECT_EQ(size_text(1'536), "1.5 KiB");
    EXPECT_EQ(size_text(std::uint64_t{5} << 30), "5.0 GiB");
    EXPECT_EQ(size_text(UINT64_MAX), "15.9 EiB");
}

TEST(BracketedArguments, SurviveTheParserOfFlags) {
    std::string program = "xebec-client";
    std::string list = "[1,2]";
    std::string word = "echo";
    std::vector<char*> pointers{program.data(), word.data(), list.data()};

    const std::vector<std::string> shielded = marked(3, pointers.data());

    EXPECT_NE(shielded[2].back(), ']');
    EXPECT_EQ(shielded[1], "echo");
    EXPECT_EQ(unmarked(shielded[1]), "echo");
    EXPECT_EQ(unmarked(shielded[2]), "[1,2]");
}

TEST(Patience, IsEndlessUnlessATimeoutIsGiven) {
    EXPECT_EQ(Patience(Options{}).left(), std::nullopt);
    EXPECT_EQ(Patience(Options{}).for_wait(), 0ms);

    const Instant now = runtime::now().steady;
    const auto left = Patience(Options{.timeout = 1h, .ends_at = now + 1h}).left();

    ASSERT_TRUE(left);
    EXPECT_LE(*left, 1h);
    EXPECT_GT(*left, 59min);
    EXPECT_EQ(answer_time(Options{}), 10s);
    EXPECT_EQ(answer_time_given(Options{}), 10s);
    EXPECT_EQ(answer_time_given(Options{.timeout = 3s}), 3s);
    EXPECT_EQ(answer_time(Options{.timeout = 3s, .ends_at = now - 1s}), 1ms) << "it is over";
}

TEST(Table, AlignsItsColumnsByCharacters) {
    Table table({{"N", Align::right}, {"NAME"}, {"LAST"}});
    table.add({"1", "ä", ""});
    table.add({"100", "line\nbreak", "x"});

    EXPECT_EQ(table.text(),
              "  N  NAME         LAST\n"
              "  1  ä\n"
              "100  line\\nbreak  x\n");
}

TEST(Block, AlignsItsValues) {
    Block block;
    block.add("id", "1");
    block.add("queue", "a\x1b");

    EXPECT_EQ(block.text(), "id     1\nqueue  a\\x1b\n");
}

TEST(ShortenedText, EndsAtACharacter) {
    EXPECT_EQ(shortened("äöü", 3), "äöü");
    EXPECT_EQ(shortened("äöüx", 3), "äö…");
}

TEST(TaskText, ShowsEverythingAboutOne) {
    EXPECT_EQ(block_of(dead_task()),
              "task      42\n"
              "id        0190163d-8694-739b-aea5-966c26f8ad91\n"
              "kind      thumb\n"
              "queue     default\n"
              "state     dead\n"
              "priority  5\n"
              "attempts  2/2\n"
              "worker    build7-1\n"
              "error     exit: status 1\\x1b[31m\n"
              "accepted  2026-01-02T03:04:05.000Z\n"
              "started   2026-01-02T03:04:06.000Z\n"
              "finished  2026-01-02T03:04:08.500Z\n"
              "took      2.5s\n"
              "fence     7\n");
    TaskInfo task = dead_task();
    task.history = {{.attempt = 1,
                     .worker = "build7-2",
                     .ended_at = WallTime{1'767'323'045s},
                     .error = TaskError{"worker_lost", "silent"}},
                    {.attempt = 2,
                     .worker = "build7-1",
                     .ended_at = WallTime{1'767'323'046s},
                     .state = TaskState::cancelled}};
    EXPECT_THAT(
        block_of(task),
        testing::EndsWith("attempt 1  2026-01-02T03:04:05.000Z on build7-2: worker_lost: silent\n"
                          "attempt 2  2026-01-02T03:04:06.000Z on build7-1: cancelled\n"));
    EXPECT_EQ(reason_of(dead_task()), "dead after 2 attempts: exit: status 1\x1b[31m");
    EXPECT_EQ(reason_of({.state = TaskState::cancelled}), "cancelled");
}

TEST(OutcomeText, SaysHowATaskEnded) {
    Outcome outcome{.number = 42, .state = TaskState::dead, .error = TaskError{"exit", "status 1"}};
    EXPECT_EQ(sentence_of(outcome), "task 42 is dead: exit: status 1");
    EXPECT_EQ(sentence_of({.number = 42, .state = TaskState::expired}), "task 42 is expired");

    outcome.error = TaskError{"removed", "removed"};
    EXPECT_EQ(sentence_of(outcome), "task 42 is dead, and its retention is over");
    outcome.state = TaskState::succeeded;
    EXPECT_EQ(sentence_of(outcome),
              "task 42 succeeded, but its retention is over and its result is gone");
    EXPECT_FALSE(has_result(outcome));

    outcome.error = TaskError{"damaged", "its result is damaged in the broker's journal"};
    EXPECT_EQ(sentence_of(outcome),
              "task 42 succeeded, but its result is damaged in the broker's journal");
    EXPECT_FALSE(has_result(outcome));  // I24
}

TEST(OutcomeJson, InventsNothing) {
    Outcome outcome{.id = id,
                    .number = 42,
                    .state = TaskState::succeeded,
                    .error = TaskError{"removed", "the retention is over"}};

    EXPECT_EQ(json_of(outcome),
              Json::parse(R"({"number":42,"id":"0190163d-8694-739b-aea5-966c26f8ad91",
                "kind":null,"queue":null,"state":"succeeded","priority":null,"attempts":null,
                "attempts_max":null,"worker":null,
                "error":{"class":"removed","text":"the retention is over"},
                "accepted_at":null,"due_at":null,"deadline":null,"started_at":null,
                "finished_at":null,"fence":null,"series":null})"));

    outcome.error.reset();
    outcome.result = {"5", ContentType::json};
    outcome.fence = 7;
    EXPECT_EQ(json_of(outcome)["result"], 5);
    EXPECT_EQ(json_of(outcome)["fence"], 7);
    EXPECT_EQ(json_of(outcome)["error"], nullptr);
}

TEST(TaskJson, HasTheDocumentedKeys) {
    TaskInfo task = dead_task();
    task.error->text = "status 1";

    EXPECT_EQ(json_of(task),
              Json::parse(R"({"number":42,"id":"0190163d-8694-739b-aea5-966c26f8ad91",
                "kind":"thumb","queue":"default","state":"dead","priority":5,"attempts":2,
                "attempts_max":2,"worker":"build7-1","error":{"class":"exit","text":"status 1"},
                "accepted_at":"2026-01-02T03:04:05.000Z","due_at":null,"deadline":null,
                "started_at":"2026-01-02T03:04:06.000Z","finished_at":"2026-01-02T03:04:08.500Z",
                "fence":7,"series":0})"));

    task.history = {{.attempt = 1,
                     .fence = 6,
                     .worker = "w",
                     .started_at = WallTime{1'767'323'045s},
                     .ended_at = WallTime{1'767'323'046s},
                     .state = TaskState::ready,
                     .error = TaskError{"worker_lost", "silent"}}};
    EXPECT_FALSE(json_of(task).contains("history"));
    EXPECT_EQ(json_with_history(task)["history"],
              Json::parse(R"([{"attempt":1,"fence":6,"worker":"w",
                "started_at":"2026-01-02T03:04:05.000Z","ended_at":"2026-01-02T03:04:06.000Z",
                "state":"ready","error":{"class":"worker_lost","text":"silent"}}])"));

    task.worker = "";
    task.error.reset();
    EXPECT_EQ(json_of(task)["worker"], nullptr);
    EXPECT_EQ(json_of(task)["error"], nullptr);
}

TEST(QueueJson, HasTheDocumentedKeys) {
    const protocol::QueueView queue{.name = "nightly",
                                    .paused = true,
                                    .tasks = {1, 0, 3},
                                    .oldest_wait_ms = 4,
                                    .created = 5,
                                    .succeeded = 6,
                                    .failed = 7,
                                    .removed = 8,
                                    .settings = {.lease_ms = 30'000, .attempts_max = 5}};

    EXPECT_EQ(json_of(queue),
              Json::parse(R"({"name":"nightly","paused":true,"tasks":{"scheduled":1,"blocked":0,
                "ready":3,"leased":0,"succeeded":0,"dead":0,"cancelled":0,"expired":0},
                "oldest_wait_ms":4,"created":5,"succeeded":6,"failed":7,"removed":8,
                "settings":{"lease_ms":30000,"run_max_ms":null,"attempts":5,"pause_first_ms":null,
                "pause_max_ms":null,"retention_ms":null,"tasks_max":null}})"));
}

TEST(WorkerJson, HasTheDocumentedKeys) {
    protocol::WorkerView worker{.session = 9,
                                .name = "w",
                                .host = "h",
                                .process = 3,
                                .kinds = {"add"},
                                .slots = 2,
                                .credit = 4,
                                .held = 1,
                                .since = 1'767'323'045'000,
                                .silent_ms = 20,
                                .succeeded = 5,
                                .failed = 6,
                                .tasks = {42}};

    EXPECT_EQ(json_of(worker), Json::parse(R"({"session":9,"name":"w","host":"h","process":3,
                "kinds":["add"],"queues":[],"slots":2,"credit":4,"held":1,"draining":false,
                "since":"2026-01-02T03:04:05.000Z","silent_ms":20,"succeeded":5,"failed":6,
                "tasks":[42],"resources":null})"));

    worker.resources = protocol::Resources{.cpu_permille = 420,
                                           .memory_used = 1,
                                           .memory_total = 2,
                                           .disk_used = 3,
                                           .disk_total = 4,
                                           .process_resident = 5,
                                           .gpus = {{"Tesla", 900, 6, 7}}};
    worker.recent = {{.number = 42,
                      .kind = "add",
                      .started_at = 1'767'323'045'000,
                      .run_us = 8,
                      .state = TaskState::succeeded}};
    EXPECT_EQ(json_of(worker, true)["resources"],
              Json::parse(R"({"cpu_permille":420,"memory_used":1,"memory_total":2,"disk_used":3,
                "disk_total":4,"process_resident":5,"gpus":[{"name":"Tesla","busy_permille":900,
                "memory_used":6,"memory_total":7}]})"));
    EXPECT_EQ(json_of(worker, true)["recent"], Json::parse(R"([{"number":42,"kind":"add",
                "started_at":"2026-01-02T03:04:05.000Z","run_us":8,"state":"succeeded"}])"));
}

TEST(FiguresJson, HasQuantilesOfItsLanes) {
    const protocol::Figures figures{
        .epoch = 3,
        .totals = {.submitted = 2},
        .sizes = {.tasks = {0, 0, 2}, .workers = 1, .slots = 4, .slots_busy = 1},
        .lanes = {{.queue = "q", .kind = "add", .ready = 2, .wait_us = {5, 10}}}};

    const Json json = json_of(figures);

    EXPECT_EQ(json["epoch"], 3);
    EXPECT_EQ(json["totals"]["submitted"], 2);
    EXPECT_EQ(json["tasks"]["ready"], 2);
    EXPECT_EQ(json["slots_busy"], 1);
    EXPECT_EQ(json["resources"], nullptr);
    EXPECT_EQ(json["lanes"], Json::parse(R"([{"queue":"q","kind":"add","ready":2,"leased":0,
                "created":0,"succeeded":0,"failed":0,
                "wait":{"count":10,"p50_us":5,"p99_us":5},
                "run":{"count":0,"p50_us":null,"p99_us":null}}])"));
}

TEST(FiguresJson, HasWhatTheBrokerUses) {
    const protocol::Figures figures{.resources = protocol::BrokerResources{.resident_octets = 1,
                                                                           .cpu_permille = 2,
                                                                           .journal_octets = 3,
                                                                           .disk_free = 4,
                                                                           .disk_total = 5,
                                                                           .memory_octets_max = 6,
                                                                           .is_read_only = true}};

    EXPECT_EQ(json_of(figures)["resources"],
              Json::parse(R"({"resident_octets":1,"cpu_permille":2,"journal_octets":3,
                "disk_free":4,"disk_total":5,"memory_octets_max":6,"read_only":true})"));
}

TEST(JsonText, IsValidWhateverGoesIn) {
    EXPECT_EQ(line_of(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
    EXPECT_EQ(line_of(json_of(Error{ErrorCode::timed_out, "no", ""})),
              R"({"class":"timed_out","text":"no"})");
}

}  // namespace
}  // namespace xebec::client

#include "monitor/web/pictures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;
using client::Json;
using protocol::Figures;

constexpr Now start{Instant{100s}, WallTime{1'000'000s}};
constexpr Now later{Instant{102s}, WallTime{1'000'002s}};

// scheduled, blocked, ready, leased, succeeded, dead, cancelled, expired
using Counts = std::vector<std::uint64_t>;

protocol::QueueView queue(std::string_view name, std::uint64_t ready, std::uint64_t created = 0) {
    return {.name = name,
            .tasks = Counts{0, 0, ready, 0, created - ready},
            .oldest_wait_ms = 6'000,
            .created = created};
}

protocol::WorkerView worker(std::uint64_t session, std::vector<std::string_view> kinds,
                            std::vector<std::string_view> queues = {}) {
    return {.session = session,
            .name = "w",
            .host = "h",
            .process = 42,
            .kinds = std::move(kinds),
            .queues = std::move(queues),
            .slots = 4,
            .held = 1};
}

CurrentFigures figures_of(Figures figures) {
    figures.epoch = 1;
    CurrentFigures current;
    current.fold_all(figures);
    return current;
}

Scene heard() {
    Scene scene;
    scene.broker_address = "tcp://b:1";
    scene.broker = BrokerState::connected;
    scene.heard_at = start.wall;
    scene.epoch = 1;
    return scene;
}

Look look_at(const std::vector<protocol::QueueView>& queues,
             const std::vector<protocol::WorkerView>& workers = {}) {
    Look look;
    for (const protocol::QueueView& view : queues) {
        look.queues.push_back(seen(view));
    }
    for (const protocol::WorkerView& view : workers) {
        look.workers.push_back(seen(view));
    }
    return look;
}

Json live_of(const Scene& scene, const CurrentFigures& figures,
             const std::optional<Point>& point = std::nullopt) {
    return Json::parse(picture_of(scene, figures, point, start.wall).live);
}

Point flat_point(double value) {
    Point point;
    point.fill(value);
    return point;
}

TEST(SeenQueue, CountsWhatHasNotEnded) {
    const SeenQueue made = seen(protocol::QueueView{.name = "a",
                                                    .paused = true,
                                                    .tasks = {1, 2, 4, 8, 16, 32, 64, 128},
                                                    .oldest_wait_ms = 5,
                                                    .created = 255});

    EXPECT_EQ(made.facts.name, "a");
    EXPECT_TRUE(made.facts.is_paused);
    EXPECT_EQ(made.facts.ready, 4U);
    EXPECT_EQ(made.facts.oldest_wait_ms, 5U);
    EXPECT_EQ(made.counts.created, 255U);
    EXPECT_EQ(made.counts.unfinished, 15U);
    EXPECT_EQ(made.json["tasks"]["expired"], 128);
}

TEST(SeenQueue, TakesCountsThatAreNotThereForNone) {
    const SeenQueue made = seen(protocol::QueueView{.name = "a"});

    EXPECT_EQ(made.facts.ready, 0U);
    EXPECT_EQ(made.json["tasks"]["ready"], 0);
}

TEST(SeenWorker, IsAMemberWithKindsAndQueues) {
    const SeenWorker made = seen(worker(7, {"add", "send"}, {"emails"}));

    EXPECT_EQ(made.member.session, 7U);
    EXPECT_EQ(made.member.name, "w");
    EXPECT_EQ(made.member.host, "h");
    EXPECT_EQ(made.member.process, 42U);
    EXPECT_EQ(made.member.slots, 4U);
    EXPECT_EQ(made.member.held, 1U);
    EXPECT_EQ(made.kinds, (std::vector<std::string>{"add", "send"}));
    EXPECT_EQ(made.queues, std::vector<std::string>{"emails"});
}

TEST(Take, GivesQueuesTheirFlows) {
    Scene scene = heard();
    const CurrentFigures figures = figures_of({});
    take(scene, look_at({queue("a", 5, 10)}), figures, start);
    EXPECT_EQ(scene.queues[0]["in_per_s"], 0);

    take(scene, look_at({queue("a", 4, 13)}), figures, later);

    EXPECT_EQ(scene.queues[0]["in_per_s"], 1.5);
    EXPECT_EQ(scene.queues[0]["out_per_s"], 2.0);
}

TEST(Take, KnowsTheKindsThatNobodyServes) {
    Scene scene = heard();
    const CurrentFigures figures =
        figures_of({.lanes = {{.queue = "a", .kind = "add", .ready = 1},
                              {.queue = "a", .kind = "zip", .ready = 3},
                              {.queue = "a", .kind = "zap", .ready = 4},
                              {.queue = "a", .kind = "old", .ready = 0},
                              {.queue = "b", .kind = "add", .ready = 1},
                              {.queue = "b", .kind = "sort", .ready = 1},
                              {.queue = "c", .kind = "sort", .ready = 1},
                              {.queue = "d", .kind = "nobody", .ready = 1}}});
    protocol::WorkerView leaving = worker(3, {"zip"});
    leaving.draining = true;

    take(scene,
         look_at({queue("a", 1, 1), queue("b", 1, 1), queue("c", 1, 1)},
                 {worker(1, {"add"}), worker(2, {"sort"}, {"c"}), leaving}),
         figures, start);

    ASSERT_EQ(scene.queue_facts.size(), 3U);
    EXPECT_EQ(scene.queue_facts[0].unserved_kinds, (std::vector<std::string>{"zap", "zip"}));
    EXPECT_EQ(scene.queues[0]["unserved"], 7);
    EXPECT_EQ(scene.queues[1]["unserved"], 1);
    EXPECT_EQ(scene.queues[2]["unserved"], 0);
    EXPECT_EQ(scene.queue_facts[1].unserved_kinds, std::vector<std::string>{"sort"});
    EXPECT_EQ(scene.queue_facts[2].unserved_kinds, std::vector<std::string>{});
    EXPECT_EQ(scene.kinds, (std::vector<std::string>{"add", "nobody", "sort", "zap", "zip"}));
}

TEST(Take, TellsWhatWorkersDoNow) {
    Scene scene = heard();
    protocol::WorkerView busy = worker(1, {"add"});
    busy.tasks = {8, 9};
    Look look = look_at({}, {busy, worker(2, {"add"})});
    look.current[8] = {"add", WallTime{1s}};

    take(scene, std::move(look), figures_of({}), start);

    EXPECT_EQ(
        scene.workers[0]["current"],
        Json::parse(R"([{"number": 8, "kind": "add", "started_at": "1970-01-01T00:00:01.000Z"}])"));
    EXPECT_EQ(scene.workers[1]["current"], Json::array());
}

TEST(Take, GivesTheMarksOfWhoCameAndWasLost) {
    Scene scene = heard();
    take(scene, look_at({}, {worker(1, {"add"})}), figures_of({}), start);

    Figures figures;
    figures.totals.workers_lost = 1;
    const auto marks = take(scene, look_at({}, {worker(2, {"add"})}), figures_of(figures), later);

    EXPECT_EQ(marks, (std::vector<Mark>{{later.wall, MarkKind::worker_lost, "w"},
                                        {later.wall, MarkKind::worker_joined, "w"}}));
    EXPECT_EQ(picture_of(scene, figures_of(figures), std::nullopt, later.wall).lost.size(), 1U);
}

TEST(Take, ForgetsTheLookBefore) {
    Scene scene = heard();
    take(scene, look_at({queue("a", 1, 1)}, {worker(1, {"add"})}), figures_of({}), start);

    take(scene, look_at({}), figures_of({}), later);

    EXPECT_TRUE(scene.queues.empty());
    EXPECT_TRUE(scene.queue_facts.empty());
    EXPECT_TRUE(scene.workers.empty());
    EXPECT_TRUE(scene.kinds.empty());
}

TEST(PictureOf, SaysThatNoBrokerIsThere) {
    Scene scene;
    scene.broker_address = "tcp://b:1";

    const Json live = live_of(scene, {});

    EXPECT_EQ(live["time"], 1'000'000'000);
    EXPECT_EQ(live["broker"], Json::parse(R"({"state": "absent", "silent_ms": 0, "epoch": 0,
                                              "uptime_ms": 0, "address": "tcp://b:1"})"));
    EXPECT_EQ(live["read_only"], false);
    EXPECT_EQ(live["sample"], Json());
    EXPECT_EQ(live["queues"], Json::array());
    EXPECT_EQ(live["kinds"], Json::array());
    ASSERT_EQ(live["findings"].size(), 1U);
    EXPECT_EQ(live["findings"][0]["level"], "bad");
    EXPECT_EQ(live["findings"][0]["since"], Json());
    EXPECT_EQ(live["verdict"], "One thing needs a look.");
}

TEST(PictureOf, HasEveryMemberThatPagesRead) {
    Figures figures{.uptime_ms = 5'000, .step_max_us = 7};
    figures.totals.submitted = 3;
    figures.sizes = {.tasks = {0, 0, 2, 1}, .workers = 1, .slots = 4, .slots_busy = 1};
    Scene scene = heard();
    scene.read_only = true;

    const Json live = live_of(scene, figures_of(figures), flat_point(1.26));

    for (const char* key : {"time", "broker", "read_only", "tasks", "workers", "slots",
                            "slots_busy", "sessions", "task_octets", "totals", "sample",
                            "resources", "step_max_us", "findings", "verdict", "queues", "kinds"}) {
        EXPECT_TRUE(live.contains(key)) << key;
    }
    EXPECT_FALSE(live.contains("lanes"));
    EXPECT_EQ(live["read_only"], true);
    EXPECT_EQ(live["broker"]["epoch"], 1);
    EXPECT_EQ(live["broker"]["uptime_ms"], 5'000);
    EXPECT_EQ(live["tasks"]["ready"], 2);
    EXPECT_EQ(live["totals"]["submitted"], 3);
    EXPECT_EQ(live["step_max_us"], 7);
    EXPECT_EQ(live["sample"]["finished"], 1.3);
}

TEST(PictureOf, SaysForHowLongTheBrokerIsSilent) {
    Scene scene = heard();
    scene.broker = BrokerState::silent;
    scene.heard_at = start.wall - 4s;

    const Json live = live_of(scene, figures_of({}));

    EXPECT_EQ(live["broker"]["state"], "silent");
    EXPECT_EQ(live["broker"]["silent_ms"], 4'000);
    EXPECT_EQ(live["findings"][0]["since"], 999'996'000);
}

TEST(PictureOf, ShowsTheQueuesInWhichMostWait) {
    Scene scene = heard();
    std::vector<std::string> names;
    std::vector<protocol::QueueView> views;
    for (int i = 0; i < 250; ++i) {
        names.push_back("q" + std::to_string(i));
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        views.push_back(queue(names[i], i / 2, 500));
    }
    take(scene, look_at(views), figures_of({}), start);

    const Picture picture = picture_of(scene, figures_of({}), std::nullopt, start.wall);
    const Json shown = Json::parse(picture.live)["queues"];

    EXPECT_EQ(picture.queues.size(), 250U);
    ASSERT_EQ(shown.size(), 200U);
    EXPECT_EQ(shown[0]["name"], "q248");
    EXPECT_EQ(shown[1]["name"], "q249");
    EXPECT_EQ(shown[199]["name"], "q51");
    EXPECT_EQ(shown[0]["ready"], 124);
    for (const char* key :
         {"name", "paused", "ready", "leased", "scheduled", "blocked", "succeeded", "dead",
          "oldest_wait_ms", "in_per_s", "out_per_s", "unserved"}) {
        EXPECT_TRUE(shown[0].contains(key)) << key;
    }
}

TEST(PictureOf, FindsWhatIsWrong) {
    Scene scene = heard();
    Figures figures{.uptime_ms = 3'600'000, .lanes = {{.queue = "a", .kind = "add", .ready = 1}}};
    figures.resources = protocol::BrokerResources{.is_read_only = true};
    take(scene, look_at({queue("a", 1, 1)}), figures_of(figures), start);
    figures.totals.dead = 2;
    take(scene, look_at({queue("a", 1, 1)}), figures_of(figures), later);

    const Json live = live_of(scene, figures_of(figures));

    ASSERT_EQ(live["findings"].size(), 3U);
    EXPECT_NE(live["findings"][0]["text"].get<std::string>().find("disk is full"),
              std::string::npos);
    EXPECT_EQ(live["findings"][1]["link"], "/tasks?state=ready&queue=a");
    EXPECT_EQ(live["findings"][2]["text"], "2 tasks died in the last 2 s.");
    EXPECT_EQ(live["verdict"], "3 things need a look.");
}

TEST(PictureOf, IsOneLineOfTextWhateverNamesSay) {
    Scene scene = heard();
    scene.broker_address = "a\n\ndata: \xff";

    const std::string live = picture_of(scene, {}, std::nullopt, start.wall).live;

    EXPECT_EQ(live.find('\n'), std::string::npos);
    EXPECT_TRUE(Json::accept(live));
}

TEST(JsonOfPoint, HasNullForWhatIsNotKnown) {
    Point point = flat_point(2.04);
    point[static_cast<std::size_t>(Column::wait_p50_us)] = std::numeric_limits<double>::quiet_NaN();

    const Json json = json_of(point);

    EXPECT_EQ(json.size(), column_count);
    EXPECT_EQ(json["wait_p50_us"], Json());
    EXPECT_EQ(json["submitted"], 2.0);
}

}  // namespace
}  // namespace xebec::monitor::web

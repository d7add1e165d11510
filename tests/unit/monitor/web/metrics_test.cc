#include "monitor/web/metrics.h"

#include "tests/unit/monitor/web/metrics_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using std::chrono::microseconds;
using testing::Contains;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// The lines that begin so, in the order of the page.
std::vector<std::string> lines_beginning(const Picture& picture, const std::string& beginning) {
    std::vector<std::string> lines;
    for (std::string& line : lines_of(metrics_text(picture))) {
        if (line.starts_with(beginning)) {
            lines.push_back(std::move(line));
        }
    }
    return lines;
}

using Lines = std::vector<std::string>;

Lane lane_with_waits(std::initializer_list<int> waits_us) {
    Lane lane;
    for (const int wait : waits_us) {
        lane.wait.add(microseconds{wait});
    }
    return lane;
}

TEST(Metrics, SayOnlyThatTheBrokerIsDownWhileItIsNotHeard) {
    Picture absent;
    Picture silent = whole_picture();
    silent.broker = BrokerState::silent;

    for (const Picture& picture : {absent, silent}) {
        EXPECT_EQ(metrics_text(picture),
                  "# HELP xebec_up 1 while the broker is heard. Else there is nothing but this.\n"
                  "# TYPE xebec_up gauge\n"
                  "xebec_up 0\n");
    }
}

TEST(Metrics, SayWhatTheBrokerIs) {
    const Picture picture = whole_picture();

    EXPECT_EQ(lines_beginning(picture, "xebec_up"), Lines{"xebec_up 1"});
    EXPECT_EQ(lines_beginning(picture, "xebec_boot_epoch"), Lines{"xebec_boot_epoch 3"});
    EXPECT_EQ(lines_beginning(picture, "xebec_start_time"),
              Lines{"xebec_start_time_seconds 1700000000.25"});
    EXPECT_EQ(lines_beginning(picture, "xebec_longest_step"),
              Lines{"xebec_longest_step_seconds 0.0125"});
}

TEST(Metrics, CountTasksByState) {
    const Picture picture = whole_picture();

    EXPECT_EQ(lines_beginning(picture, "xebec_tasks{"),
              (Lines{"xebec_tasks{state=\"scheduled\"} 1", "xebec_tasks{state=\"blocked\"} 2",
                     "xebec_tasks{state=\"ready\"} 3", "xebec_tasks{state=\"leased\"} 4",
                     "xebec_tasks{state=\"succeeded\"} 5", "xebec_tasks{state=\"dead\"} 6",
                     "xebec_tasks{state=\"cancelled\"} 7", "xebec_tasks{state=\"expired\"} 8"}));
    EXPECT_THAT(lines_beginning(picture, "xebec_queue_tasks{"), SizeIs(task_state_count));
    EXPECT_EQ(lines_beginning(picture, "xebec_lane_tasks{"),
              (Lines{"xebec_lane_tasks{queue=\"default\",kind=\"add\",state=\"ready\"} 3",
                     "xebec_lane_tasks{queue=\"default\",kind=\"add\",state=\"leased\"} 4"}));
}

TEST(Metrics, KeepLargeNumbersExact) {
    Picture picture = whole_picture();
    picture.totals.submitted = 9'007'199'254'740'991;

    EXPECT_EQ(lines_beginning(picture, "xebec_task_bytes"), Lines{"xebec_task_bytes 8589934592"});
    EXPECT_EQ(lines_beginning(picture, "xebec_tasks_submitted_total"),
              Lines{"xebec_tasks_submitted_total 9007199254740991"});
}

TEST(Metrics, CountWhatHappenedSinceTheBrokerStarted) {
    Picture picture = whole_picture();
    picture.totals = {.submitted = 1,
                      .succeeded = 2,
                      .failed = 3,
                      .dead = 4,
                      .cancelled = 5,
                      .expired = 6,
                      .retried = 7,
                      .removed = 8,
                      .assigned = 9,
                      .returned = 10,
                      .stale = 11,
                      .workers_lost = 12,
                      .refused = 13,
                      .malformed = 14};
    picture.lanes.clear();

    Lines totals;
    for (const std::string& line : lines_beginning(picture, "xebec_")) {
        if (line.find("_total") != std::string::npos) {
            totals.push_back(line);
        }
    }
    EXPECT_EQ(
        totals,
        (Lines{"xebec_tasks_submitted_total 1", "xebec_tasks_finished_total{state=\"succeeded\"} 2",
               "xebec_tasks_finished_total{state=\"dead\"} 4",
               "xebec_tasks_finished_total{state=\"cancelled\"} 5",
               "xebec_tasks_finished_total{state=\"expired\"} 6", "xebec_tasks_retried_total 7",
               "xebec_tasks_removed_total 8", "xebec_attempts_failed_total 3",
               "xebec_leases_given_total 9", "xebec_leases_returned_total 10",
               "xebec_outcomes_stale_total 11", "xebec_workers_lost_total 12",
               "xebec_requests_refused_total 13", "xebec_messages_malformed_total 14"}));
}

TEST(Metrics, SayWhatIsWrongWithAQueue) {
    Picture picture = whole_picture();
    // Nothing waits: how old the oldest was is no longer so.
    picture.queue_facts.push_back({.name = "idle", .ready = 0, .oldest_wait_ms = 700});

    EXPECT_EQ(
        lines_beginning(picture, "xebec_queue_paused"),
        (Lines{"xebec_queue_paused{queue=\"default\"} 1", "xebec_queue_paused{queue=\"idle\"} 0"}));
    EXPECT_EQ(lines_beginning(picture, "xebec_queue_oldest_wait_seconds"),
              (Lines{"xebec_queue_oldest_wait_seconds{queue=\"default\"} 1.5",
                     "xebec_queue_oldest_wait_seconds{queue=\"idle\"} 0"}));
    EXPECT_EQ(lines_beginning(picture, "xebec_queue_unserved_kinds"),
              (Lines{"xebec_queue_unserved_kinds{queue=\"default\"} 1",
                     "xebec_queue_unserved_kinds{queue=\"idle\"} 0"}));
}

TEST(Metrics, LeaveOutResourcesThatTheBrokerDoesNotTell) {
    Picture picture = whole_picture();
    EXPECT_EQ(lines_beginning(picture, "xebec_broker_cpu_ratio"),
              Lines{"xebec_broker_cpu_ratio 0.25"});
    EXPECT_EQ(lines_beginning(picture, "xebec_read_only"), Lines{"xebec_read_only 1"});

    picture.resources.reset();

    EXPECT_THAT(metrics_text(picture), Not(testing::HasSubstr("xebec_read_only")));
    EXPECT_THAT(metrics_text(picture), Not(testing::HasSubstr("xebec_broker_")));
    EXPECT_THAT(metrics_text(picture), Not(testing::HasSubstr("xebec_disk_")));
}

TEST(Metrics, PutDurationsIntoFixedBuckets) {
    Picture picture = whole_picture();
    // Of the histogram's own buckets, 80 to 87 µs lies below the first bound and 96 to 103 does
    // not; two hours are beyond the last.
    picture.lanes = {{{"q", "k"}, lane_with_waits({3, 80, 97, 2'000, 2'000'000})}};
    picture.lanes.begin()->second.wait.add(std::chrono::hours{2});

    const Lines lines = lines_beginning(picture, "xebec_lane_wait_seconds_bucket");
    const std::string start = "xebec_lane_wait_seconds_bucket{queue=\"q\",kind=\"k\",le=";

    ASSERT_THAT(lines, SizeIs(23));
    EXPECT_EQ(lines[0], start + "\"0.0001\"} 2");
    EXPECT_EQ(lines[1], start + "\"0.00025\"} 3");
    EXPECT_EQ(lines[3], start + "\"0.001\"} 3");
    EXPECT_EQ(lines[4], start + "\"0.0025\"} 4");
    EXPECT_EQ(lines[12], start + "\"1\"} 4");
    EXPECT_EQ(lines[13], start + "\"2.5\"} 5");
    EXPECT_EQ(lines[21], start + "\"3600\"} 5");
    EXPECT_EQ(lines[22], start + "\"+Inf\"} 6");
    EXPECT_EQ(lines_beginning(picture, "xebec_lane_wait_seconds_count"),
              Lines{"xebec_lane_wait_seconds_count{queue=\"q\",kind=\"k\"} 6"});
}

TEST(Metrics, GiveASumThatIsNotTooSmallAndAtMostAnEighthTooLarge) {
    Picture picture = whole_picture();
    Lane& lane = picture.lanes[{"default", "add"}];
    double exact_seconds = 0;
    for (int value = 20; value < 10'000'000; value = value * 17 / 10) {
        lane.run.add(microseconds{value});
        exact_seconds += value / 1e6;
    }

    const Lines lines = lines_beginning(picture, "xebec_lane_run_seconds_sum");

    ASSERT_THAT(lines, SizeIs(1));
    const double sum = std::stod(lines[0].substr(lines[0].find("} ") + 2));
    EXPECT_GE(sum, exact_seconds);
    EXPECT_LE(sum, exact_seconds * 1.125);
}

TEST(Metrics, ShowTheLanesWithTheMostTasksAndSayHowManyAreLeftOut) {
    Picture picture = whole_picture();
    picture.lanes.clear();
    for (std::size_t i = 0; i < metrics_lanes_max + 3; ++i) {
        picture.lanes[{"default", "kind-" + std::to_string(i)}].created = i;
    }

    const Lines shown = lines_beginning(picture, "xebec_lane_tasks_created_total{");

    EXPECT_THAT(shown, SizeIs(metrics_lanes_max));
    EXPECT_THAT(shown, Not(Contains(testing::EndsWith("} 2"))));
    EXPECT_THAT(shown, Contains(testing::EndsWith("} 3")));
    EXPECT_EQ(lines_beginning(picture, "xebec_lanes"),
              (Lines{"xebec_lanes 2003", "xebec_lanes_left_out 3"}));
}

TEST(Metrics, ShowTheQueuesWithTheMostWaitingAndSayHowManyAreLeftOut) {
    Picture picture = whole_picture();
    picture.queue_facts.clear();
    for (std::size_t i = 0; i < metrics_queues_max + 1; ++i) {
        picture.queue_facts.push_back({.name = "queue-" + std::to_string(i), .ready = i});
    }

    const Lines shown = lines_beginning(picture, "xebec_queue_paused{");

    EXPECT_THAT(shown, SizeIs(metrics_queues_max));
    EXPECT_THAT(shown, Not(Contains(StartsWith("xebec_queue_paused{queue=\"queue-0\"}"))));
    EXPECT_EQ(lines_beginning(picture, "xebec_queues"),
              (Lines{"xebec_queues 2001", "xebec_queues_left_out 1"}));
}

}  // namespace
}  // namespace xebec::monitor::web

#include "monitor/web/findings.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

const WallTime now{1'000'000s};

Facts calm() {
    return {.now = now,
            .broker = BrokerState::connected,
            .broker_address = "tcp://127.0.0.1:5555",
            .workers = 12,
            .slots = 48};
}

Finding only_finding(const Facts& facts) {
    const auto findings = findings_of(facts);
    EXPECT_EQ(findings.size(), 1U);
    return findings.empty() ? Finding{} : findings[0];
}

std::string verdict(const Facts& facts) {
    return verdict_of(facts, findings_of(facts));
}

LostWorker lost(const std::string& name, std::chrono::milliseconds ago, std::uint32_t held = 0) {
    return {.name = name, .held = held, .lost_at = now - ago};
}

TEST(Findings, AreNoneWhenAllIsWell) {
    EXPECT_EQ(findings_of(calm()), std::vector<Finding>{});
}

TEST(Findings, AreOfTheBrokerAloneUntilItHasBeenHeard) {
    Facts facts = calm();
    facts.broker = BrokerState::absent;
    facts.died_lately = 3;
    facts.queues = {{.name = "emails", .is_paused = true, .ready = 1}};

    EXPECT_EQ(only_finding(facts),
              (Finding{Level::bad,
                       "No broker answers at tcp://127.0.0.1:5555. It may not have been started, "
                       "or this monitor was given another address.",
                       std::nullopt, ""}));
}

TEST(Findings, SaySinceWhenTheBrokerIsSilent) {
    Facts facts = calm();
    facts.broker = BrokerState::silent;
    facts.silent_since = now - 5s;

    EXPECT_EQ(only_finding(facts),
              (Finding{Level::bad, "The broker is silent: what is shown is the last it said.",
                       now - 5s, ""}));
}

TEST(Findings, NameAFullDiskOnce) {
    Facts facts = calm();
    facts.is_read_only = true;
    facts.disk_free = 1;
    facts.disk_total = 1'000;

    EXPECT_EQ(only_finding(facts),
              (Finding{Level::bad,
                       "The broker's disk is full: new tasks are refused until there is room.",
                       std::nullopt, ""}));
}

TEST(Findings, WarnBeforeTheDiskIsFull) {
    Facts facts = calm();
    facts.disk_total = 1'000;
    facts.disk_free = 50;
    EXPECT_EQ(findings_of(facts).size(), 0U);

    facts.disk_free = 49;
    EXPECT_EQ(
        only_finding(facts),
        (Finding{Level::warn, "The broker's disk is nearly full: 4 % is free.", std::nullopt, ""}));

    facts.disk_total = 0;  // not known
    EXPECT_EQ(findings_of(facts).size(), 0U);
}

TEST(Findings, NameAPausedQueueInWhichTasksWait) {
    Facts facts = calm();
    facts.queues = {
        {.name = "empty", .is_paused = true},
        {.name = "emails", .is_paused = true, .ready = 1'234, .oldest_wait_ms = 90'000}};

    EXPECT_EQ(only_finding(facts),
              (Finding{Level::warn, "Queue emails is paused, and 1,234 tasks wait.", std::nullopt,
                       "/queues"}));

    facts.queues[1].ready = 1;
    EXPECT_EQ(only_finding(facts).text, "Queue emails is paused, and 1 task waits.");
}

TEST(Findings, NameKindsThatNobodyServes) {
    Facts facts = calm();
    facts.queues = {{.name = "emails",
                     .ready = 2,
                     .oldest_wait_ms = 5'000,
                     .unserved_kinds = {"send", "sort"}}};

    EXPECT_EQ(only_finding(facts),
              (Finding{Level::bad, "Queue emails: no worker serves send, sort, and 2 tasks wait.",
                       now - 5s, "/tasks?state=ready&queue=emails"}));

    facts.queues[0].oldest_wait_ms = 4'999;  // a worker may be about to start
    EXPECT_EQ(findings_of(facts).size(), 0U);
}

TEST(Findings, NameAQueueInWhichTasksWaitLong) {
    Facts facts = calm();
    facts.queues = {{.name = "emails", .ready = 3, .oldest_wait_ms = 60'000}};

    EXPECT_EQ(only_finding(facts), (Finding{Level::warn, "Queue emails: 3 tasks wait.", now - 60s,
                                            "/tasks?state=ready&queue=emails"}));

    facts.queues[0].oldest_wait_ms = 59'999;
    EXPECT_EQ(findings_of(facts).size(), 0U);
}

TEST(Findings, NameWorkersLostLately) {
    Facts facts = calm();
    facts.lost = {lost("a", 1s, 2), lost("b", 10min), lost("c", 10min + 1ms)};

    EXPECT_EQ(findings_of(facts),
              (std::vector<Finding>{
                  {Level::warn, "Worker a was lost 1 s ago, 2 tasks went back.", std::nullopt,
                   "/workers"},
                  {Level::warn, "Worker b was lost 10 min ago.", std::nullopt, "/workers"}}));
}

TEST(Findings, NameThreeLostWorkersAndCountTheRest) {
    Facts facts = calm();
    facts.lost = {lost("a", 1s), lost("b", 2s), lost("c", 3s), lost("d", 4s)};
    auto findings = findings_of(facts);
    ASSERT_EQ(findings.size(), 4U);
    EXPECT_EQ(findings[3], (Finding{Level::warn, "1 more worker was lost in the last ten minutes.",
                                    std::nullopt, "/workers"}));

    facts.lost.push_back(lost("e", 5s));
    EXPECT_EQ(findings_of(facts).back().text, "2 more workers were lost in the last ten minutes.");
}

TEST(Findings, AreOneForManyQueuesAlike) {
    Facts facts = calm();
    for (int i = 0; i < 30; ++i) {
        const auto wait = static_cast<std::uint64_t>(6'000 + i);
        facts.queues.push_back({.name = "u" + std::to_string(i),
                                .ready = 1,
                                .oldest_wait_ms = wait,
                                .unserved_kinds = {"x"}});
        facts.queues.push_back({.name = "p" + std::to_string(i), .is_paused = true, .ready = 1});
        facts.queues.push_back(
            {.name = "w" + std::to_string(i), .ready = 1, .oldest_wait_ms = 10 * wait});
        facts.lost.push_back(lost("l", 1s));
    }

    const auto findings = findings_of(facts);

    ASSERT_EQ(findings.size(), 7U);
    EXPECT_EQ(findings[0],
              (Finding{Level::bad,
                       "30 queues have tasks that no worker serves: u29, u28, u27 and 27 more.",
                       now - 6'029ms, "/queues"}));
    EXPECT_EQ(findings[1],
              (Finding{Level::warn,
                       "30 queues are paused, and have tasks that wait: p0, p1, p2 and 27 more.",
                       std::nullopt, "/queues"}));
    EXPECT_EQ(
        findings[2],
        (Finding{Level::warn, "30 queues have tasks that wait long: w29, w28, w27 and 27 more.",
                 now - 60'290ms, "/queues"}));
}

TEST(Findings, NameSomeOfManyKinds) {
    Facts facts = calm();
    facts.queues = {{.name = "a",
                     .ready = 5,
                     .oldest_wait_ms = 5'000,
                     .unserved_kinds = {"k1", "k2", "k3", "k4", "k5"}}};

    EXPECT_EQ(only_finding(facts).text,
              "Queue a: no worker serves k1, k2, k3 and 2 more, and 5 tasks wait.");
}

TEST(Findings, SayOfWhatTimeTheDeadAreKnown) {
    Facts facts = calm();
    facts.died_lately = 2;
    facts.died_within = 190s;
    EXPECT_EQ(only_finding(facts).text, "2 tasks died in the last 3 min.");

    facts.died_within = 40s;
    EXPECT_EQ(only_finding(facts).text, "2 tasks died in the last 40 s.");
}

TEST(Findings, CountTheDead) {
    Facts facts = calm();
    facts.died_lately = 1;

    EXPECT_EQ(only_finding(facts), (Finding{Level::warn, "1 task died in the last ten minutes.",
                                            std::nullopt, "/tasks?state=dead"}));
}

TEST(Findings, BeginWithTheWorstAndKeepTheirOrder) {
    Facts facts = calm();
    facts.disk_free = 1;
    facts.disk_total = 100;
    facts.queues = {{.name = "a", .is_paused = true, .ready = 1},
                    {.name = "b", .ready = 1, .oldest_wait_ms = 6'000, .unserved_kinds = {"x"}}};
    facts.died_lately = 2;

    std::vector<std::string> starts;
    for (const Finding& finding : findings_of(facts)) {
        starts.push_back(std::string(to_string(finding.level)) + " " + finding.text.substr(0, 10));
    }

    EXPECT_EQ(starts, (std::vector<std::string>{"bad Queue b: n", "warn The broker",
                                                "warn Queue a is", "warn 2 tasks di"}));
}

TEST(Verdict, CountsWhatNeedsALook) {
    Facts facts = calm();
    facts.died_lately = 1;
    EXPECT_EQ(verdict(facts), "One thing needs a look.");

    facts.is_read_only = true;
    EXPECT_EQ(verdict(facts), "2 things need a look.");
}

TEST(Verdict, SaysHowFastItGoes) {
    Facts facts = calm();
    facts.finished_per_s = 3'409.6;
    EXPECT_EQ(verdict(facts), "All is well. 12 workers, 3,410 tasks a second, nothing waits.");

    facts.queues = {{.name = "a", .ready = 1, .oldest_wait_ms = 40},
                    {.name = "b", .ready = 0, .oldest_wait_ms = 9'000}};
    EXPECT_EQ(verdict(facts),
              "All is well. 12 workers, 3,410 tasks a second, nothing waits longer than 40ms.");

    facts.workers = 1;
    facts.finished_per_s = 0.5;
    facts.queues.clear();
    EXPECT_EQ(verdict(facts), "All is well. 1 worker, 1 task a second, nothing waits.");
}

TEST(Verdict, SaysHowBusyItIsBetweenTasks) {
    Facts facts = calm();
    facts.finished_per_s = 0.4;
    facts.slots_busy = 3;

    EXPECT_EQ(verdict(facts), "All is well. 12 workers, 3 of 48 slots busy.");
}

TEST(Verdict, SaysThatThereIsNothingToDo) {
    Facts facts = calm();
    EXPECT_EQ(verdict(facts), "All is quiet. 12 workers connected, nothing to do.");

    facts.workers = 0;
    EXPECT_EQ(verdict(facts), "All is quiet. No worker is connected, and no task waits for one.");
}

// For a time to come, or for a worker since a moment ago.
TEST(Verdict, SaysThatTasksWait) {
    Facts facts = calm();
    facts.waiting = 1'234;
    EXPECT_EQ(verdict(facts), "All is quiet. 12 workers connected, 1,234 tasks wait.");

    facts.workers = 0;
    facts.waiting = 1;
    EXPECT_EQ(verdict(facts), "All is quiet. No worker is connected, and 1 task waits.");
}

}  // namespace
}  // namespace xebec::monitor::web

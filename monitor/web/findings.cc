#include "monitor/web/findings.h"

#include "protocol/time_text.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace xebec::monitor::web {

using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

constexpr milliseconds unserved_for{5'000};  // a worker may be just about to start
constexpr milliseconds waiting_long{60'000};
constexpr minutes lost_lately{10};
constexpr std::size_t named_max = 3;
constexpr double disk_free_share_min = 0.05;

// 1234567 as 1,234,567.
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t i = text.size(); i > 3; i -= 3) {
        text.insert(i - 3, ",");
    }
    return text;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return grouped(count) + " " + std::string(count == 1 ? one : many);
}

std::string span(milliseconds duration) {
    return format_duration(duration);
}

std::string percent(double share) {
    return std::to_string(static_cast<int>(std::floor(share * 100))) + " %";
}

// "12 s", "3 min".
std::string rough(milliseconds duration) {
    const auto seconds = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
    return seconds < 60 ? std::to_string(seconds) + " s" : std::to_string(seconds / 60) + " min";
}

std::string names_of(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), named_max);
    const std::string text =
        absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", ");
    return shown == names.size() ? text : text + " and " + grouped(names.size() - shown) + " more";
}

void look_at_broker(const Facts& facts, std::vector<Finding>& findings) {
    if (facts.broker == BrokerState::absent) {
        findings.push_back({Level::bad,
                            "No broker answers at " + facts.broker_address +
                                ". It may not have been started, or this monitor was given another "
                                "address.",
                            std::nullopt, ""});
    } else if (facts.broker == BrokerState::silent) {
        findings.push_back({Level::bad, "The broker is silent: what is shown is the last it said.",
                            facts.silent_since, ""});
    }
    if (facts.is_read_only) {
        findings.push_back({Level::bad,
                            "The broker's disk is full: new tasks are refused until there is room.",
                            std::nullopt, ""});
    } else if (facts.disk_total > 0) {
        const double share =
            static_cast<double>(facts.disk_free) / static_cast<double>(facts.disk_total);
        if (share < disk_free_share_min) {
            findings.push_back({Level::warn,
                                "The broker's disk is nearly full: " + percent(share) + " is free.",
                                std::nullopt, ""});
        }
    }
}

// Findings that are alike, each of one queue.
class Alike {
public:
    void add(const QueueFacts& queue, Finding finding) {
        findings_.push_back({queue.name, std::move(finding)});
    }

    // As they are, or, if they are many, all in one: "30 queues have …: a, b, c and 27 more."
    void tell(std::string_view what_they_have, std::vector<Finding>& findings) {
        if (findings_.size() <= named_max) {
            for (auto& [queue, finding] : findings_) {
                findings.push_back(std::move(finding));
            }
            return;
        }
        std::stable_sort(findings_.begin(), findings_.end(), [](const auto& a, const auto& b) {
            return a.second.since < b.second.since;
        });
        std::vector<std::string> queues;
        for (const auto& [queue, finding] : findings_) {
            queues.push_back(queue);
        }
        const Finding& oldest = findings_[0].second;
        findings.push_back({oldest.level,
                            grouped(queues.size()) + " queues " + std::string(what_they_have) +
                                ": " + names_of(queues) + ".",
                            oldest.since, "/queues"});
    }

private:
    std::vector<std::pair<std::string, Finding>> findings_;
};

void look_at_queues(const Facts& facts, std::vector<Finding>& findings) {
    Alike unserved;
    Alike paused;
    Alike slow;
    for (const QueueFacts& queue : facts.queues) {
        if (queue.ready == 0) {
            continue;
        }
        const milliseconds wait{static_cast<std::int64_t>(queue.oldest_wait_ms)};
        const WallTime since = facts.now - wait;
        const std::string link = "/tasks?state=ready&queue=" + queue.name;
        const std::string waiting = counted(queue.ready, "task waits.", "tasks wait.");
        if (queue.is_paused) {
            paused.add(queue, {Level::warn, "Queue " + queue.name + " is paused, and " + waiting,
                               std::nullopt, "/queues"});
        } else if (!queue.unserved_kinds.empty() && wait >= unserved_for) {
            unserved.add(queue, {Level::bad,
                                 "Queue " + queue.name + ": no worker serves " +
                                     names_of(queue.unserved_kinds) + ", and " + waiting,
                                 since, link});
        } else if (wait >= waiting_long) {
            slow.add(queue, {Level::warn, "Queue " + queue.name + ": " + waiting, since, link});
        }
    }
    unserved.tell("have tasks that no worker serves", findings);
    paused.tell("are paused, and have tasks that wait", findings);
    slow.tell("have tasks that wait long", findings);
}

void look_at_workers(const Facts& facts, std::vector<Finding>& findings) {
    std::size_t named = 0;
    std::uint64_t more = 0;
    for (const LostWorker& worker : facts.lost) {
        if (worker.lost_at + lost_lately < facts.now) {
            break;
        }
        if (++named > named_max) {
            ++more;
            continue;
        }
        std::string text =
            "Worker " + worker.name + " was lost " + rough(facts.now - worker.lost_at) + " ago";
        if (worker.held > 0) {
            text += ", " + counted(worker.held, "task", "tasks") + " went back";
        }
        findings.push_back({Level::warn, text + ".", std::nullopt, "/workers"});
    }
    if (more > 0) {
        findings.push_back({Level::warn,
                            counted(more, "more worker was", "more workers were") +
                                " lost in the last ten minutes.",
                            std::nullopt, "/workers"});
    }
}

void look_at_deaths(const Facts& facts, std::vector<Finding>& findings) {
    if (facts.died_lately > 0) {
        findings.push_back(
            {Level::warn,
             counted(facts.died_lately, "task", "tasks") + " died in the last " +
                 (facts.died_within < lost_lately ? rough(facts.died_within) : "ten minutes") + ".",
             std::nullopt, "/tasks?state=dead"});
    }
}

std::uint64_t longest_wait_ms(const Facts& facts) {
    std::uint64_t longest = 0;
    for (const QueueFacts& queue : facts.queues) {
        longest = std::max(longest, queue.ready > 0 ? queue.oldest_wait_ms : 0);
    }
    return longest;
}

}  // namespace

std::string_view to_string(BrokerState state) {
    switch (state) {
        case BrokerState::absent:
            return "absent";
        case BrokerState::connected:
            return "connected";
        case BrokerState::silent:
            return "silent";
    }
    return "unknown";
}

std::string_view to_string(Level level) {
    return level == Level::bad ? "bad" : "warn";
}

std::vector<Finding> findings_of(const Facts& facts) {
    std::vector<Finding> findings;
    look_at_broker(facts, findings);
    if (facts.broker == BrokerState::absent) {
        return findings;
    }
    look_at_queues(facts, findings);
    look_at_workers(facts, findings);
    look_at_deaths(facts, findings);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.level > b.level; });
    return findings;
}

std::string verdict_of(const Facts& facts, const std::vector<Finding>& findings) {
    if (!findings.empty()) {
        return findings.size() == 1
                   ? "One thing needs a look."
                   : counted(findings.size(), "thing needs", "things need") + " a look.";
    }
    const std::string workers = counted(facts.workers, "worker", "workers");
    const auto rate = static_cast<std::uint64_t>(std::llround(facts.finished_per_s));
    if (rate > 0) {
        const std::uint64_t wait = longest_wait_ms(facts);
        return "All is well. " + workers + ", " + counted(rate, "task", "tasks") + " a second, " +
               (wait == 0 ? "nothing waits."
                          : "nothing waits longer than " +
                                span(milliseconds{static_cast<std::int64_t>(wait)}) + ".");
    }
    if (facts.slots_busy > 0) {
        return "All is well. " + workers + ", " + grouped(facts.slots_busy) + " of " +
               counted(facts.slots, "slot", "slots") + " busy.";
    }
    const std::string waiting = counted(facts.waiting, "task waits", "tasks wait");
    if (facts.workers == 0) {
        return "All is quiet. No worker is connected, and " +
               (facts.waiting == 0 ? "no task waits for one." : waiting + ".");
    }
    return "All is quiet. " + workers + " connected, " +
           (facts.waiting == 0 ? "nothing to do." : waiting + ".");
}

}  // namespace xebec::monitor::web

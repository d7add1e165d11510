#pragma once
// Answers "is anything wrong?" in words. Pure.

#include "protocol/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xebec::monitor::web {

enum class BrokerState : std::uint8_t {
    absent,  // never heard
    connected,
    silent,  // not heard for a while
};
std::string_view to_string(BrokerState state);

struct QueueFacts {
    std::string name;
    bool is_paused = false;
    std::uint64_t ready = 0;
    std::uint64_t oldest_wait_ms = 0;
    std::vector<std::string> unserved_kinds;  // with ready tasks, and no worker for them
    std::vector<std::uint64_t> tasks;         // by TaskState
};

struct LostWorker {
    std::string name;
    std::string host;
    std::uint32_t process = 0;
    std::uint32_t slots = 0;
    std::uint32_t held = 0;  // tasks that it had
    WallTime lost_at{};
};

// What is known of one moment.
struct Facts {
    WallTime now{};
    BrokerState broker = BrokerState::absent;
    std::string broker_address;
    std::optional<WallTime> silent_since;
    bool is_read_only = false;  // the broker: its disk is full
    std::uint64_t disk_free = 0;
    std::uint64_t disk_total = 0;  // 0: not known
    std::uint32_t workers = 0;
    std::uint32_t slots = 0;
    std::uint32_t slots_busy = 0;
    std::uint64_t waiting = 0;
    double finished_per_s = 0;
    std::uint64_t died_lately = 0;                        // tasks
    milliseconds died_within = std::chrono::minutes{10};  // the time of which that is known
    std::vector<QueueFacts> queues;
    std::vector<LostWorker> lost;  // newest first
};

enum class Level : std::uint8_t { warn, bad };
std::string_view to_string(Level level);

struct Finding {
    Level level = Level::warn;
    std::string text;
    std::optional<WallTime> since;
    std::string link;  // to the page where it can be dealt with; empty: there is none

    friend bool operator==(const Finding&, const Finding&) = default;
};

// The worst first. What more than three queues or workers have in common is one of them, so that
// there are never many.
std::vector<Finding> findings_of(const Facts& facts);

// One sentence or two: that all is well and how it goes, or how many things need a look.
std::string verdict_of(const Facts& facts, const std::vector<Finding>& findings);

}  // namespace xebec::monitor::web

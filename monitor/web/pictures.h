#pragma once
// Makes a picture of what was seen in one look at the broker. Pure.

#include "client/json.h"
#include "monitor/web/board.h"
#include "monitor/web/flows.h"
#include "monitor/web/workforce.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xebec::monitor::web {

struct SeenQueue {
    QueueFacts facts;
    QueueCounts counts;
    client::Json json;
};
SeenQueue seen(const protocol::QueueView& view);

struct SeenWorker {
    Member member;
    std::vector<std::string> kinds;
    std::vector<std::string> queues;  // empty: all
    std::vector<std::uint64_t> tasks;
    client::Json json;
};
SeenWorker seen(const protocol::WorkerView& view);

struct SeenTask {
    std::string kind;
    WallTime started_at{};
};

// What one look saw.
struct Look {
    std::vector<SeenQueue> queues;
    std::vector<SeenWorker> workers;
    std::map<std::uint64_t, SeenTask> current;  // of tasks that workers have, by number
};

// What stays from look to look.
struct Scene {
    std::string broker_address;
    bool read_only = false;  // this monitor

    BrokerState broker = BrokerState::absent;
    std::optional<WallTime> heard_at;
    std::uint64_t epoch = 0;
    std::optional<WallTime> seen_at;  // the latest complete look
    QueueFlows flows;
    Deaths deaths;
    Workforce workforce;
    std::vector<client::Json> queues;  // of the latest complete look
    std::vector<client::Json> workers;
    std::vector<QueueFacts> queue_facts;
    std::vector<std::string> kinds;
};

// Takes over what a look saw. Gives the marks of what happened since the one before.
std::vector<Mark> take(Scene& scene, Look look, const CurrentFigures& figures, Now now);

// `point` is the latest second of the history.
Picture picture_of(const Scene& scene, const CurrentFigures& figures,
                   const std::optional<Point>& point, WallTime now);

client::Json json_of(const Point& point);  // by column; null: not known

}  // namespace xebec::monitor::web

#pragma once
// For tests of what Prometheus is told.

#include "monitor/web/board.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace xebec::monitor::web {

inline std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

// A picture of which every metric shows something.
inline Picture whole_picture() {
    Picture picture{.broker = BrokerState::connected,
                    .epoch = 3,
                    .started_at = WallTime{milliseconds{1'700'000'000'250}},
                    .step_max_us = 12'500};
    picture.sizes = {.tasks = {1, 2, 3, 4, 5, 6, 7, 8},
                     .workers = 9,
                     .slots = 10,
                     .slots_busy = 4,
                     .sessions = 12,
                     .task_octets = 8'589'934'592};
    picture.resources = protocol::BrokerResources{.resident_octets = 100'000'000,
                                                  .cpu_permille = 250,
                                                  .journal_octets = 67'108'864,
                                                  .disk_free = 1'000'000'000,
                                                  .disk_total = 4'000'000'000,
                                                  .memory_octets_max = 2'147'483'648,
                                                  .is_read_only = true};
    picture.lanes[{"default", "add"}] = {
        .ready = 3, .leased = 4, .created = 20, .succeeded = 12, .failed = 2};
    picture.queue_facts = {{.name = "default",
                            .is_paused = true,
                            .ready = 3,
                            .oldest_wait_ms = 1'500,
                            .unserved_kinds = {"add"},
                            .tasks = {1, 2, 3, 4, 5, 6, 7, 8}}};
    return picture;
}

}  // namespace xebec::monitor::web

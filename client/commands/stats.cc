// stats: the broker's figures.

#include "client/commands/commands.h"
#include "client/json.h"
#include "client/tables.h"
#include "protocol/histogram.h"
#include "protocol/time_text.h"
#include "runtime/command_line.h"

#include <iostream>

namespace xebec::client {

namespace {

std::string quantile_text(const std::vector<std::uint64_t>& sparse, double share) {
    Histogram histogram;
    if (!histogram.add_sparse(sparse) || histogram.count() == 0) {
        return "";
    }
    return format_duration(histogram.quantile(share));
}

std::string counts_text(const std::vector<std::uint64_t>& tasks) {
    std::string text;
    for (std::size_t i = 0; i < tasks.size() && i < task_state_count; ++i) {
        if (tasks[i] > 0) {
            text += (text.empty() ? "" : ", ") + std::to_string(tasks[i]) + " " +
                    std::string(to_string(static_cast<TaskState>(i)));
        }
    }
    return text.empty() ? "none" : text;
}

std::string resources_text(const protocol::BrokerResources& resources) {
    std::string text = size_text(resources.resident_octets) + " of memory, " +
                       std::to_string(resources.cpu_permille / 10) + "% of a core";
    if (resources.journal_octets > 0) {
        text += ", journal " + size_text(resources.journal_octets);
    }
    if (resources.disk_total > 0) {
        text += ", " + size_text(resources.disk_free) + " of " + size_text(resources.disk_total) +
                " free on its disk";
    }
    return text + (resources.is_read_only ? "; it takes no new tasks" : "");
}

std::string block_text(const protocol::Figures& figures) {
    const protocol::Totals& totals = figures.totals;
    const protocol::Sizes& sizes = figures.sizes;
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    Block block;
    block.add("up", format_duration(milliseconds{static_cast<std::int64_t>(figures.uptime_ms)}) +
                        ", boot epoch " + number(figures.epoch));
    block.add("tasks", counts_text(sizes.tasks));
    block.add("held", number(sizes.task_octets) + " octets of payloads and results");
    block.add("workers", number(sizes.workers) + " with " + number(sizes.slots) + " slots, " +
                             number(sizes.slots_busy) + " busy");
    block.add("sessions", number(sizes.sessions));
    block.add(
        "longest step",
        format_duration(std::chrono::microseconds{static_cast<std::int64_t>(figures.step_max_us)}));
    if (figures.resources) {
        block.add("broker", resources_text(*figures.resources));
    }
    block.add("since start", number(totals.submitted) + " submitted, " + number(totals.succeeded) +
                                 " succeeded, " + number(totals.dead) + " dead, " +
                                 number(totals.cancelled) + " cancelled, " +
                                 number(totals.expired) + " expired, " + number(totals.removed) +
                                 " removed");
    block.add("attempts", number(totals.assigned) + " assigned, " + number(totals.failed) +
                              " failed, " + number(totals.returned) + " returned, " +
                              number(totals.stale) + " stale");
    block.add("trouble", number(totals.workers_lost) + " workers lost, " + number(totals.refused) +
                             " refused, " + number(totals.malformed) + " malformed");
    return block.text();
}

std::string lanes_text(const protocol::Figures& figures) {
    Table table({{"QUEUE"},
                 {"KIND"},
                 {"READY", Align::right},
                 {"LEASED", Align::right},
                 {"SUCCEEDED", Align::right},
                 {"FAILED", Align::right},
                 {"WAIT P50", Align::right},
                 {"WAIT P99", Align::right},
                 {"RUN P50", Align::right},
                 {"RUN P99", Align::right}});
    for (const protocol::LaneView& lane : figures.lanes) {
        table.add({std::string(lane.queue), std::string(lane.kind), std::to_string(lane.ready),
                   std::to_string(lane.leased), std::to_string(lane.succeeded),
                   std::to_string(lane.failed), quantile_text(lane.wait_us, 0.5),
                   quantile_text(lane.wait_us, 0.99), quantile_text(lane.run_us, 0.5),
                   quantile_text(lane.run_us, 0.99)});
    }
    return table.empty() ? "" : "\n" + table.text();
}

int show_stats(const Options& options) {
    Connection connection(connection_options(options));
    const auto packet = connection.request(protocol::Stats{}, answer_time(options));
    const auto answer = answer_as<protocol::StatsAnswer>(packet);
    if (!answer) {
        return fail(options, answer.error());
    }
    if (options.json) {
        std::cout << text_of(json_of(answer->figures)) << "\n";
    } else {
        std::cout << block_text(answer->figures) << lanes_text(answer->figures);
    }
    return runtime::exit_done;
}

}  // namespace

void add_stats(CLI::App& app, const Options& options, Command& command) {
    CLI::App* sub = app.add_subcommand("stats", "show the broker's figures");
    sub->footer("Example: xebec-client stats --json");
    sub->callback([&options, &command] { command = [&options] { return show_stats(options); }; });
}

}  // namespace xebec::client

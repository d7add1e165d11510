// workers and drain.

#include "client/commands/commands.h"
#include "client/commands/items.h"
#include "client/tables.h"
#include "protocol/time_text.h"

#include <iostream>
#include <memory>

namespace xebec::client {

namespace {

constexpr std::size_t names_characters_max = 40;

std::string joined(const std::vector<std::string_view>& names) {
    std::string text;
    for (const std::string_view name : names) {
        text += (text.empty() ? "" : ",") + std::string(name);
    }
    return shortened(text, names_characters_max);
}

std::string joined(const std::vector<std::uint64_t>& numbers) {
    std::string text;
    for (const std::uint64_t number : numbers) {
        text += (text.empty() ? "" : ",") + std::to_string(number);
    }
    return shortened(text, names_characters_max);
}

// Empty: not known.
std::string cpu_text(const protocol::WorkerView& worker) {
    return worker.resources && worker.resources->memory_total > 0
               ? std::to_string(worker.resources->cpu_permille / 10) + "%"
               : "";
}

std::string memory_text(const protocol::WorkerView& worker) {
    return worker.resources && worker.resources->memory_total > 0
               ? size_text(worker.resources->memory_used) + " of " +
                     size_text(worker.resources->memory_total)
               : "";
}

void add_row(Table& table, const protocol::WorkerView& worker) {
    table.add({std::string(worker.name) + (worker.draining ? " (draining)" : ""),
               std::to_string(worker.held) + "/" + std::to_string(worker.slots),
               std::to_string(worker.succeeded), std::to_string(worker.failed),
               format_duration(milliseconds{static_cast<std::int64_t>(worker.silent_ms)}),
               cpu_text(worker), memory_text(worker),
               worker.queues.empty() ? "all" : joined(worker.queues), joined(worker.kinds),
               joined(worker.tasks)});
}

int show_workers(const Options& options, bool with_recent) {
    Connection connection(connection_options(options));
    Table table({{"WORKER"},
                 {"HELD/SLOTS", Align::right},
                 {"SUCCEEDED", Align::right},
                 {"FAILED", Align::right},
                 {"SILENT", Align::right},
                 {"CPU", Align::right},
                 {"MEMORY", Align::right},
                 {"QUEUES"},
                 {"KINDS"},
                 {"TASKS"}});
    Json array = Json::array();
    std::uint64_t cursor = 0;
    do {
        const auto packet = connection.request(
            protocol::Workers{.cursor = cursor, .with_recent = with_recent}, answer_time(options));
        const auto answer = answer_as<protocol::WorkersAnswer>(packet);
        if (!answer) {
            return fail(options, answer.error());
        }
        for (const protocol::WorkerView& worker : answer->items) {
            add_row(table, worker);
            array.push_back(json_of(worker, with_recent));
        }
        cursor = answer->cursor;
    } while (cursor != 0);
    if (options.json) {
        std::cout << text_of(array) << "\n";
    } else if (table.empty()) {
        std::cerr << "there are no workers; start one with xebec-worker\n";
    } else {
        std::cout << table.text();
    }
    return runtime::exit_done;
}

int drain(const Options& options, const std::vector<std::string>& names) {
    Connection connection(connection_options(options));
    const auto packet = connection.request(protocol::Drain{.workers = {names.begin(), names.end()}},
                                           answer_time(options));
    const auto answer = answer_as<protocol::DrainAnswer>(packet);
    if (!answer) {
        return fail(options, answer.error());
    }
    return print_items(options, "draining", names, answer->items);
}

}  // namespace

void add_workers(CLI::App& app, const Options& options, Command& command) {
    CLI::App* sub = app.add_subcommand("workers", "list the workers");
    auto with_recent = std::make_shared<bool>(false);
    sub->add_flag("--recent", *with_recent,
                  "with --json: also attempts that ended since somebody asked, ten seconds ago at "
                  "most");
    sub->footer(
        "CPU and MEMORY are those of the worker's whole machine.\n\n"
        "Example: xebec-client workers");
    sub->callback([&options, &command, with_recent] {
        command = [&options, with_recent] { return show_workers(options, *with_recent); };
    });
}

void add_drain(CLI::App& app, const Options& options, Command& command) {
    auto names = std::make_shared<std::vector<std::string>>();
    CLI::App* sub = app.add_subcommand("drain", "let workers finish what runs, and leave");
    sub->add_option("workers", *names, "their names, as xebec-client workers shows them")
        ->required();
    sub->footer("Example: xebec-client drain build7-4711");
    sub->callback([&options, &command, names] {
        command = [&options, names] { return drain(options, *names); };
    });
}

}  // namespace xebec::client

#include "worker/options.h"

#include "protocol/limits.h"
#include "protocol/names.h"
#include "runtime/command_line.h"
#include "runtime/process.h"
#include "runtime/sockets.h"

#include <algorithm>
#include <iostream>
#include <optional>

namespace xebec::worker {

namespace {

constexpr std::uint32_t count_max = 1024;
constexpr std::size_t suffix_octets_max = 5;  // "-1024"

constexpr const char* example = R"(Example:
  xebec-worker --count 4 --run thumb='convert - -resize 200x200 jpg:-'
starts four processes that run one task each at a time: the built-in kinds add, subtract, multiply,
divide, echo, sleep and fail, and `thumb`, whose payload the program reads from its standard input
and whose result is its standard output.

SIGTERM or Ctrl-C: takes no more, finishes what runs within the grace, gives back the rest. A second
one ends it at once.)";

// Flags as they are written, before they are options.
struct Written {
    std::vector<std::string> runs;
    bool no_builtins = false;
};

void add_flags(CLI::App& app, Options& options, Written& written) {
    app.add_option("--broker", options.broker, "the broker's endpoint for workers")
        ->check(runtime::is_endpoint(runtime::EndpointUse::connect))
        ->capture_default_str();
    app.add_option("--count", options.count, "worker processes")
        ->check(CLI::Range(1U, count_max))
        ->capture_default_str();
    app.add_option("--concurrency", options.slots, "tasks at the same time, in each process")
        ->check(CLI::Range(1U, worker_slots_max))
        ->capture_default_str();
    app.add_option("--queues", options.queues, "serve only these queues, separated by commas")
        ->delimiter(',');
    app.add_option("--run", written.runs, "run a command for each task of a kind (repeatable)")
        ->type_name("KIND=COMMAND")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--name", options.name,
                   "how people see it; process n is NAME-n (default: host and process id)");
    runtime::add_duration(app, "--grace", options.grace, "for what runs, when asked to leave");
    runtime::add_duration(app, "--heartbeat", options.heartbeat, "between signs of life");
    app.add_flag("--no-builtins", written.no_builtins, "serve only the kinds of --run");
    app.add_flag("--insecure-network", options.is_network_allowed,
                 "allow a broker on another machine: nothing is encrypted and nobody is asked "
                 "for a password");
    app.add_option("--log-level", options.log.level,
                   "trace, debug, info, warning, error, critical or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}))
        ->capture_default_str();
    app.add_option("--log-file", options.log.file,
                   "log here as well; process n has a file of its own, with -n in its name");
}

std::optional<std::string> read_runs(const std::vector<std::string>& runs, Options& options) {
    for (const std::string& run : runs) {
        auto option = parse_run_option(run);
        if (!option) {
            return "--run: " + option.error().detail;
        }
        const bool is_repeated =
            std::any_of(options.commands.begin(), options.commands.end(),
                        [&](const RunOption& other) { return other.kind == option->kind; });
        if (is_repeated) {
            return "--run: kind " + option->kind + " has two commands";
        }
        options.commands.push_back(std::move(*option));
    }
    return std::nullopt;
}

// A program that is not there would fail every one of its tasks: better not to start.
std::optional<std::string> missing_program(const std::vector<RunOption>& commands) {
    for (const RunOption& command : commands) {
        const auto path = runtime::find_program(command.arguments.front());
        if (!path) {
            return "--run: kind " + command.kind + ": " + path.error().detail;
        }
    }
    return std::nullopt;
}

// What is wrong with options that are well-formed each by itself.
std::optional<std::string> problem_with(const Options& options) {
    for (const std::string& queue : options.queues) {
        if (!is_queue_name(queue)) {
            return "--queues: \"" + queue + "\" is not a queue's name: 1 to 48 of A-Z a-z 0-9 _ -";
        }
    }
    if (!is_worker_name(options.name) ||
        options.name.size() + suffix_octets_max > worker_name_octets_max) {
        return "--name: a name is 1 to 123 visible ASCII characters without spaces";
    }
    if (!options.has_builtins && options.commands.empty()) {
        return "--no-builtins leaves nothing to run: give a --run KIND=COMMAND";
    }
    if (options.heartbeat.count() <= 0) {
        return "--heartbeat: takes some time, such as 1s";
    }
    if (!options.is_network_allowed && !runtime::is_loopback(options.broker)) {
        return "--broker: " + options.broker +
               " is not on this machine, and nothing protects the way there; "
               "--insecure-network allows it";
    }
    return missing_program(options.commands);
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    Written written;
    CLI::App app("Runs tasks: a supervisor and its worker processes.", "xebec-worker");
    app.footer(example);
    add_flags(app, options, written);
    runtime::add_conventions(app, "worker");
    if (const auto status = runtime::parse(app, argc, argv)) {
        return *status;
    }
    options.has_builtins = !written.no_builtins;
    if (options.name.empty()) {
        options.name = runtime::host_name() + "-" + std::to_string(runtime::own_id());
    }
    auto problem = read_runs(written.runs, options);
    if (!problem) {
        problem = problem_with(options);
    }
    if (problem) {
        std::cerr << "xebec-worker: " << escape_controls(*problem)
                  << "\nRun with --help for more information.\n";
        return runtime::exit_usage;
    }
    return options;
}

}  // namespace xebec::worker

#include "monitor/options.h"

#include "protocol/names.h"
#include "runtime/command_line.h"

#include <CLI/CLI.hpp>

#include <string_view>
#include <vector>

namespace xebec::monitor {

namespace {

constexpr std::string_view removed_name = "removed";

CLI::Validator names(bool (*is_name)(std::string_view), const std::string& what) {
    return {[is_name, what](std::string& text) {
                return is_name(text) ? std::string{}
                                     : "\"" + escape_controls(text) + "\" is not a " + what;
            },
            ""};
}

bool is_shown_state(std::string_view text) {
    return text == removed_name || parse_task_state(text).has_value();
}

// A flag that may be given several times, or with several values between commas.
CLI::Option* add_names(CLI::App& app, const std::string& flag, std::vector<std::string>& values,
                       const std::string& description) {
    return app.add_option(flag, values, description)->allow_extra_args(false)->delimiter(',');
}

void set_states(const std::vector<std::string>& names, Selection& selection) {
    for (const std::string& name : names) {
        if (const auto state = parse_task_state(name)) {
            selection.states.push_back(*state);
        } else {
            selection.removed = true;
        }
    }
}

CLI::App* add_web(CLI::App& app, web::WebOptions& options) {
    CLI::App* sub = app.add_subcommand("web", "serve the dashboard and the HTTP API");
    sub->footer(
        "Examples:\n"
        "  xebec-monitor web\n"
        "  xebec-monitor web --listen 0.0.0.0:5580 --token-file token --allow-host queue.lan:5580");
    sub->add_option("--listen", options.listen, "address and port; port 0: the system chooses")
        ->capture_default_str();
    sub->add_option("--token-file", options.token_file,
                    "ask for the token in this file; needed beyond 127.0.0.1");
    sub->add_option("--allow-host", options.allowed_hosts,
                    "another name and port by which browsers may reach it (repeatable)")
        ->delimiter(',')
        ->allow_extra_args(false);
    sub->add_flag("--read-only", options.read_only, "show, and change nothing");
    return sub;
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, Options& options) {
    CLI::App app{"xebec-monitor: see live what a xebec broker does", "xebec-monitor"};
    app.footer(
        "Examples:\n"
        "  xebec-monitor                                one line for each change of a task\n"
        "  xebec-monitor --queue emails --state dead    only tasks of this queue that died\n"
        "  xebec-monitor --stats                        figures, every second\n"
        "  xebec-monitor --json | jq .                  for programs\n"
        "  xebec-monitor web                            a dashboard at http://127.0.0.1:5580");
    std::vector<std::string> states;
    std::string colours = "auto";

    const CLI::Validator is_endpoint = runtime::is_endpoint(runtime::EndpointUse::connect);
    app.add_option("--updates", options.updates, "where the broker publishes")
        ->check(is_endpoint)
        ->capture_default_str();
    app.add_option("--broker", options.broker, "where the broker answers")
        ->check(is_endpoint)
        ->capture_default_str();
    CLI::Option* stats =
        app.add_flag("--stats", options.stats, "figures every second instead of lines");
    add_names(app, "--queue", options.selection.queues, "only this queue (repeatable)")
        ->check(names(is_queue_name, "name of a queue"))
        ->excludes(stats);
    add_names(app, "--kind", options.selection.kinds, "only this kind (repeatable)")
        ->check(names(is_kind, "kind of task"))
        ->excludes(stats);
    add_names(app, "--state", states,
              "only changes to this state: scheduled, blocked, ready, leased, succeeded, dead, "
              "cancelled, expired, or removed (repeatable)")
        ->check(names(is_shown_state, "state of a task"))
        ->excludes(stats);
    app.add_flag("--json", options.json, "one JSON object on each line");
    app.add_option("--color", colours,
                   "auto (on a terminal, unless NO_COLOR is set), always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
    app.add_option("--count", options.count, "end after so many lines")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
    runtime::add_duration(app, "--timeout", options.timeout,
                          "end with status 3 when nothing was heard for so long");
    web::WebOptions web;
    const CLI::App* web_app = add_web(app, web);
    runtime::add_conventions(app, "monitor");
    if (const auto status = runtime::parse(app, argc, argv)) {
        return status;
    }

    if (web_app->parsed()) {
        options.web = web;
    }
    set_states(states, options.selection);
    options.selection.updates = !options.stats;
    options.colours = colours == "always"  ? Colours::always
                      : colours == "never" ? Colours::never
                                           : Colours::when_on_terminal;
    return std::nullopt;
}

}  // namespace xebec::monitor

// cancel and retry: of single tasks, and of all that match.

#include "client/commands/commands.h"
#include "client/commands/filter.h"
#include "client/json.h"
#include "runtime/command_line.h"
#include "runtime/terminal.h"

#include <functional>
#include <iostream>
#include <memory>

namespace xebec::client {

namespace {

// One of the two commands.
struct Change {
    const char* verb;               // cancel
    const char* past;               // cancelled
    std::vector<TaskState> states;  // in which it can do something
    Result<void> (Client::*one)(const TaskKey& task);
    Result<BulkResult> (Client::*all)(const TaskFilter& filter);
};

struct Selection {
    std::vector<std::string> tasks;
    FilterFlags filter;
    bool all = false;
    bool yes = false;
};

// `last` becomes a number, so that what is changed is what is said, also if the change is repeated.
Result<TaskKey> resolved(Client& client, const TaskKey& key) {
    if (key != TaskKey(std::uint64_t{0})) {
        return key;
    }
    const auto info = client.query(key);
    return info ? Result<TaskKey>(TaskKey(info->number)) : Result<TaskKey>(info.error());
}

int change_each(const Options& options, const Change& change,
                const std::vector<std::string>& texts) {
    const std::vector<TaskKey> keys = parse_keys(texts);
    Client client(client_options(options));
    Json array = Json::array();
    int status = runtime::exit_done;
    for (std::size_t i = 0; i < keys.size() && status != runtime::exit_no_answer; ++i) {
        const Result<TaskKey> key = resolved(client, keys[i]);
        const auto done = key ? (client.*change.one)(*key) : Result<void>(key.error());
        const std::string name = key ? to_text(*key) : texts[i];
        const bool has_number = key && std::holds_alternative<std::uint64_t>(*key);
        array.push_back({{"task", texts[i]},
                         {"number", has_number ? Json(std::get<std::uint64_t>(*key)) : Json()},
                         {"done", done.has_value()},
                         {"error", done ? Json() : json_of(done.error())}});
        if (!done) {
            status = fail(options, done.error(), "task " + name);
        } else if (!options.json) {
            std::cout << change.past << " " << name << "\n";
        }
    }
    if (options.json) {
        std::cout << text_of(array) << "\n";
    }
    return status;
}

bool can_ask() {
    return runtime::is_terminal(STDIN_FILENO) && runtime::is_terminal(STDERR_FILENO);
}

// Whether the person at the terminal agrees.
bool is_confirmed(const Change& change) {
    std::cerr << change.verb << " them all? [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

int change_all(const Options& options, const Change& change, const Selection& wanted) {
    TaskFilter filter = filter_from(wanted.filter);
    if (filter.states.empty()) {
        filter.states = change.states;
    }
    Client client(client_options(options));
    const auto count = client.count(filter);
    if (!count) {
        return fail(options, count.error());
    }
    const std::string matches =
        std::to_string(*count) + (*count == 1 ? " task matches" : " tasks match");
    if (!wanted.yes && !can_ask()) {
        throw UsageError{matches + "; nothing was changed, add --yes to " + change.verb +
                         " all without being asked"};
    }
    std::cerr << matches << std::endl;
    if (*count > 0 && !wanted.yes && !is_confirmed(change)) {
        complain("nothing was changed");
        return runtime::exit_failed;
    }
    const auto result =
        *count > 0 ? (client.*change.all)(filter) : Result<BulkResult>(BulkResult{});
    if (!result) {
        return fail(options, result.error());
    }
    if (options.json) {
        std::cout << text_of({{"matched", result->matched}, {"changed", result->changed}}) << "\n";
    } else {
        std::cout << change.past << " " << result->changed
                  << (result->changed == 1 ? " task\n" : " tasks\n");
    }
    return runtime::exit_done;
}

int run(const Options& options, const Change& change, const Selection& wanted) {
    const bool is_bulk = wanted.all || !wanted.filter.empty();
    if (wanted.tasks.empty() == !is_bulk) {
        throw UsageError{"give either tasks, or --all with --state, --queue, --kind or --worker"};
    }
    if (is_bulk && !wanted.all) {
        throw UsageError{"add --all to " + std::string(change.verb) + " all tasks that match"};
    }
    return is_bulk ? change_all(options, change, wanted)
                   : change_each(options, change, wanted.tasks);
}

CLI::App* add(CLI::App& app, const Options& options, Command& command, const Change& change,
              const std::string& description) {
    auto wanted = std::make_shared<Selection>();
    CLI::App* sub = app.add_subcommand(change.verb, description);
    sub->add_option("tasks", wanted->tasks, "numbers or ids; last is the newest");
    add_filter(*sub, wanted->filter);
    sub->add_flag("--all", wanted->all, "all that match the flags above");
    sub->add_flag("--yes", wanted->yes, "do not ask; needed where nobody can be asked");
    sub->callback([&options, &command, wanted, change] {
        command = [&options, wanted, change] { return run(options, change, *wanted); };
    });
    return sub;
}

}  // namespace

void add_cancel(CLI::App& app, const Options& options, Command& command) {
    const Change change{
        .verb = "cancel",
        .past = "cancelled",
        .states = {TaskState::scheduled, TaskState::blocked, TaskState::ready, TaskState::leased},
        .one = &Client::cancel,
        .all = &Client::cancel_all};
    add(app, options, command, change, "end tasks at once, whatever they are doing")
        ->footer(
            "Examples:\n  xebec-client cancel 42 43\n"
            "  xebec-client cancel --queue nightly --all --yes");
}

void add_retry(CLI::App& app, const Options& options, Command& command) {
    const Change change{.verb = "retry",
                        .past = "retried",
                        .states = {TaskState::dead},
                        .one = &Client::retry,
                        .all = &Client::retry_all};
    add(app, options, command, change, "give dead tasks new attempts")
        ->footer(
            "Examples:\n  xebec-client retry 42\n"
            "  xebec-client retry --state dead --queue nightly --all --yes");
}

}  // namespace xebec::client

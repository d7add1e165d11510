// status and result: what became of tasks.

#include "client/commands/commands.h"
#include "client/commands/output.h"
#include "client/json.h"
#include "client/task_text.h"
#include "runtime/command_line.h"

#include <iostream>
#include <memory>

namespace xebec::client {

namespace {

// In place of a task, as `cancel --json` says it.
Json json_of_missing(const std::string& text, const Error& error) {
    return {{"task", text}, {"error", json_of(error)}};
}

int show_status(const Options& options, const std::vector<std::string>& texts) {
    const std::vector<TaskKey> keys = parse_keys(texts);
    Client client(client_options(options));
    std::vector<TaskInfo> tasks;
    Json array = Json::array();
    int status = runtime::exit_done;
    Result<TaskInfo> info = Error{};
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (status != runtime::exit_no_answer) {  // else there will be none to the rest
            info = client.query(keys[i]);
            status = info ? status : fail(options, info.error(), "task " + texts[i]);
        }
        array.push_back(info ? json_with_history(*info) : json_of_missing(texts[i], info.error()));
        if (info) {
            tasks.push_back(*info);
        }
    }
    if (options.json) {
        std::cout << text_of(keys.size() == 1 ? array[0] : array) << "\n";
    } else if (!tasks.empty()) {
        std::cout << (keys.size() == 1 ? block_of(tasks[0]) : table_of(tasks));
    }
    return status;
}

int show_result(const Options& options, const std::string& text, bool wait) {
    const TaskKey key = parse_key(text);
    const Patience patience(options);
    Client client(client_options(options));
    const auto details = client.details(key);
    if (!details) {
        if (options.json) {
            std::cout << text_of(json_of_missing(text, details.error())) << "\n";
        }
        return fail(options, details.error(), "task " + text);
    }
    if (is_final(details->info.state)) {
        return print_ended(options, details->info, details->result);
    }
    if (!wait) {
        const std::string sentence = "task " + std::to_string(details->info.number) + " is " +
                                     std::string(to_string(details->info.state)) +
                                     " and has no result yet";
        if (options.json) {
            Json object = json_of_missing(text, {ErrorCode::timed_out, sentence, "not_ended"});
            object["number"] = details->info.number;
            object["id"] = to_string(details->info.id);
            object["state"] = to_string(details->info.state);
            std::cout << text_of(object) << "\n";
        }
        complain(sentence + "; --wait waits for it");
        return runtime::exit_no_answer;
    }
    return print_awaited(
        client, options,
        {.number = details->info.number, .id = details->info.id, .known = json_of(details->info)},
        client.wait(details->info.id, patience.for_wait()));
}

}  // namespace

void add_status(CLI::App& app, const Options& options, Command& command) {
    auto tasks = std::make_shared<std::vector<std::string>>();
    CLI::App* sub = app.add_subcommand("status", "show where tasks are");
    sub->add_option("tasks", *tasks, "numbers or ids; last is the newest")->required();
    sub->footer(
        "With --json, one task is an object and several are an array.\n\n"
        "Example: xebec-client status 42");
    sub->callback([&options, &command, tasks] {
        command = [&options, tasks] { return show_status(options, *tasks); };
    });
}

void add_result(CLI::App& app, const Options& options, Command& command) {
    struct Reading {
        std::string task;
        bool wait = false;
    };
    auto wanted = std::make_shared<Reading>();
    CLI::App* sub = app.add_subcommand("result", "print the result of a task");
    sub->add_option("task", wanted->task, "its number or id; last is the newest")->required();
    sub->add_flag("--wait", wanted->wait, "wait for the end of the task");
    sub->footer(
        "Exit code 3 says that the task has not ended.\n\n"
        "Example: xebec-client result 42 --wait > thumb.jpg");
    sub->callback([&options, &command, wanted] {
        command = [&options, wanted] { return show_result(options, wanted->task, wanted->wait); };
    });
}

}  // namespace xebec::client

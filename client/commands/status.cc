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

void print(const Options& options, const std::vector<TaskInfo>& tasks, bool one_was_asked) {
    if (!options.json) {
        if (!tasks.empty()) {
            std::cout << (one_was_asked ? block_of(tasks[0]) : table_of(tasks));
        }
        return;
    }
    Json array = Json::array();
    for (const TaskInfo& task : tasks) {
        array.push_back(json_of(task));
    }
    if (!one_was_asked) {
        std::cout << text_of(array) << "\n";
    } else if (!array.empty()) {
        std::cout << text_of(array[0]) << "\n";
    }
}

int show_status(const Options& options, const std::vector<std::string>& texts) {
    const std::vector<TaskKey> keys = parse_keys(texts);
    Client client(client_options(options));
    std::vector<TaskInfo> tasks;
    int status = runtime::exit_done;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto info = client.query(keys[i]);
        if (info) {
            tasks.push_back(std::move(*info));
            continue;
        }
        status = fail(options, info.error(), "task " + texts[i]);
        if (status == runtime::exit_no_answer) {
            break;  // nor will there be one to the rest
        }
    }
    print(options, tasks, keys.size() == 1);
    return status;
}

int show_result(const Options& options, const std::string& text, bool wait) {
    const TaskKey key = parse_key(text);
    const Patience patience(options);
    Client client(client_options(options));
    const auto details = client.details(key);
    if (!details) {
        return fail(options, details.error(), "task " + text);
    }
    if (is_final(details->info.state)) {
        return print_ended(options, details->info, details->result);
    }
    if (!wait) {
        complain("task " + std::to_string(details->info.number) + " is " +
                 std::string(to_string(details->info.state)) +
                 " and has no result yet; --wait waits for it");
        return runtime::exit_no_answer;
    }
    return wait_and_print(client, options, details->info.number, patience.for_wait());
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

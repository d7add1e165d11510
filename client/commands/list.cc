// list: tasks, newest first.

#include "client/commands/commands.h"
#include "client/commands/filter.h"
#include "client/json.h"
#include "client/task_text.h"
#include "protocol/limits.h"
#include "runtime/command_line.h"

#include <iostream>
#include <memory>

namespace xebec::client {

namespace {

struct Listing {
    FilterFlags filter;
    std::size_t limit = 50;
};

int list(const Options& options, const Listing& wanted) {
    const TaskFilter filter = filter_from(wanted.filter);
    Client client(client_options(options));
    const auto page = client.list(filter, wanted.limit);
    if (!page) {
        return fail(options, page.error());
    }
    if (options.json) {
        Json array = Json::array();
        for (const TaskInfo& task : page->tasks) {
            array.push_back(json_of(task));
        }
        std::cout << text_of(array) << "\n";
        return runtime::exit_done;
    }
    if (page->tasks.empty()) {
        std::cerr << "no such tasks\n";
        return runtime::exit_done;
    }
    std::cout << table_of(page->tasks);
    if (page->cursor != 0) {
        std::cerr << "there may be more: --limit " << wanted.limit * 10 << " shows more of them\n";
    }
    return runtime::exit_done;
}

}  // namespace

void add_list(CLI::App& app, const Options& options, Command& command) {
    auto wanted = std::make_shared<Listing>();
    CLI::App* sub = app.add_subcommand("list", "list tasks in all states, newest first");
    add_filter(*sub, wanted->filter);
    sub->add_option("--limit", wanted->limit, "at most so many")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000'000));
    sub->footer("Example: xebec-client list --state dead,expired --queue nightly --limit 200");
    sub->callback([&options, &command, wanted] {
        command = [&options, wanted] { return list(options, *wanted); };
    });
}

}  // namespace xebec::client

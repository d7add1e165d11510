// xebec-client: the command line.

#include "client/commands/checks.h"
#include "client/commands/commands.h"
#include "client/options.h"
#include "runtime/clock.h"
#include "runtime/command_line.h"

#include <algorithm>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>
#include <vector>

namespace {

using namespace xebec;

int run(int argc, char** argv) {
    CLI::App app{"Submits tasks to a xebec broker, waits for them and manages them.",
                 "xebec-client"};
    client::Options options;
    client::Command command;
    app.require_subcommand(1);
    app.add_option("--broker", options.broker, "the broker's endpoint for clients")
        ->check(runtime::is_endpoint(runtime::EndpointUse::connect))
        ->capture_default_str();
    runtime::add_duration(app, "--timeout", options.timeout,
                          "for the whole command; without it: 10s for an answer, and as long as "
                          "it takes where --wait is given")
        ->check(client::must_be_positive("a timeout"));
    app.add_flag("--json", options.json, "print JSON");
    for (const auto add :
         {client::add_submit, client::add_status, client::add_result, client::add_list,
          client::add_cancel, client::add_retry, client::add_queues, client::add_queue_set,
          client::add_pause, client::add_resume, client::add_workers, client::add_drain,
          client::add_stats, client::add_backup}) {
        add(app, options, command);
    }
    app.footer("Example: xebec-client submit add 2 3 --wait");
    runtime::add_conventions(app, "client");

    std::vector<std::string> arguments = client::marked(argc, argv);
    std::vector<char*> pointers(arguments.size());
    std::transform(arguments.begin(), arguments.end(), pointers.begin(),
                   [](std::string& argument) { return argument.data(); });
    if (const auto status = runtime::parse(app, argc, pointers.data())) {
        return *status;
    }
    if (options.timeout.count() > 0) {
        options.ends_at = runtime::now().steady + options.timeout;
    }
    std::ios::sync_with_stdio(false);
    // A closed one would be the next file or socket that is opened.
    const bool is_open = ::fcntl(STDOUT_FILENO, F_GETFD) != -1;
    const int status = is_open ? command() : runtime::exit_failed;
    std::cout.flush();
    if (!is_open || !std::cout) {
        client::complain("cannot write to standard output");
        return runtime::exit_failed;
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const client::UsageError& error) {
        client::complain(error.text);
        return runtime::exit_usage;
    } catch (const std::exception& error) {
        client::complain(error.what());
        return runtime::exit_failed;
    }
}

#include "tools/bench/options.h"

#include "runtime/command_line.h"
#include "tools/bench/tests.h"

#include <algorithm>

namespace xebec::bench {

std::optional<int> parse_options(int argc, char** argv, Options& options) {
    CLI::App app{
        "Measures a broker of this build on this machine, beside what ZeroMQ alone can do there.",
        "xebec-bench"};
    std::string known;
    for (const Test& test : all_tests()) {
        known += "\n  " + std::string(test.name) + std::string(21 - test.name.size(), ' ') +
                 std::string(test.about);
    }
    app.footer("Tests:" + known + "\nExample: xebec-bench end-to-end latency --runs 15");
    app.add_option("tests", options.tests, "which tests, in order; none: all")
        ->check(CLI::Validator(
            [](const std::string& name) {
                const auto tests = all_tests();
                const bool is_known =
                    std::any_of(tests.begin(), tests.end(),
                                [&](const Test& test) { return test.name == name; });
                return is_known ? std::string() : "there is no test \"" + name + "\"";
            },
            "TEST"));
    app.add_option("--count", options.count, "tasks that are measured in each run");
    app.add_option("--warm-up", options.warm_up,
                   "tasks before those, not of submit that wait; none: a tenth of --count, and of "
                   "end-to-end by itself 2,000,000")
        ->check(CLI::PositiveNumber);
    app.add_option("--payload", options.payload, "octets of each task, at least 16")
        ->check(CLI::Range(16, 1 << 20))
        ->capture_default_str();
    app.add_option("--batch", options.batch, "tasks in a message")->check(CLI::Range(1, 4096));
    app.add_option("--window", options.window, "messages in flight")->check(CLI::Range(1, 100'000));
    app.add_option("--waiting", options.waiting,
                   "of memory, backlog, pages, start, disk: tasks that wait");
    app.add_option("--workers", options.workers, "worker processes")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--idle-workers", options.idle_workers, "of workers: how many are connected")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_flag("--finished", options.finished, "of start: the tasks have ended before");
    app.add_option("--seconds", options.seconds, "of soak, disk: how long tasks flow")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    app.add_option("--runs", options.runs, "of which the median counts")
        ->check(CLI::Range(1, 99))
        ->default_str("5 of end-to-end and single, 3 of what takes long, else 9");
    app.add_option("--durability", options.durability, "of the broker")
        ->check(CLI::IsMember({"sync", "relaxed", "none"}))
        ->default_str("none; sync of start, disk");
    app.add_option("--memory", options.memory,
                   "handed to the broker, such as 256MiB; none: more than any test needs, and with "
                   "a journal what the broker itself takes")
        ->type_name("SIZE");
    app.add_option("--data", options.data,
                   "the broker's folder, on the disk that is to be measured");
    app.add_option("--broker", options.broker, "the broker's program");
    app.add_flag("--json", options.json, "print one object for each test, and nothing else");
    runtime::add_conventions(app, "bench");
    const auto status = runtime::parse(app, argc, argv);
    if (!status && options.tests.empty()) {
        for (const Test& test : all_tests()) {
            options.tests.emplace_back(test.name);
        }
    }
    return status;
}

}  // namespace xebec::bench

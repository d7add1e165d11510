// xebec-monitor: shows live what a broker does.

#include "monitor/options.h"
#include "monitor/plain.h"
#include "monitor/watch.h"
#include "protocol/names.h"
#include "runtime/exit_status.h"
#include "runtime/process.h"
#include "runtime/signals.h"

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>
#include <unistd.h>

namespace {

using namespace xebec;

// https://no-color.org: any value but an empty one asks for no colours.
bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

monitor::Style style_of(int descriptor, const monitor::Options& options) {
    const bool terminal = isatty(descriptor) == 1;
    const char* kind = std::getenv("TERM");
    const bool can_paint =
        terminal && !is_set("NO_COLOR") && !(kind != nullptr && std::string_view(kind) == "dumb");
    const bool colours = options.colours == monitor::Colours::always ||
                         (options.colours == monitor::Colours::when_on_terminal && can_paint);
    return {.json = options.json, .colours = colours && !options.json, .terminal = terminal};
}

bool is_pipe(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

int run(const monitor::Options& options) {
    const runtime::Signals signals{SIGINT, SIGTERM};
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write
    if (options.web) {
        return monitor::web::run(*options.web,
                                 {.updates = options.updates, .broker = options.broker}, signals);
    }
    constexpr int behind_those_with_work = 10;
    runtime::let_others_go_first(behind_those_with_work);
    const runtime::Context context;
    monitor::PlainView view({.stats = options.stats,
                             .style = style_of(STDOUT_FILENO, options),
                             .notice_style = style_of(STDERR_FILENO, options),
                             .endpoints = {.updates = options.updates, .broker = options.broker},
                             .lines_max = options.count},
                            std::cout, std::cerr);
    monitor::CoreOptions core{.selection = options.selection, .give_up_after = {}};
    if (options.timeout.count() > 0) {
        core.give_up_after = options.timeout;
    }
    monitor::Watch watch({.updates = options.updates, .broker = options.broker, .core = core},
                         context, view);
    watch.end_when_readable(signals.descriptor());
    if (is_pipe(STDOUT_FILENO)) {
        watch.end_when_readable(STDOUT_FILENO);  // a pipe's writing end: when its reader is gone
    }
    while (!watch.exit_status()) {
        watch.step();
    }
    watch.leave();
    return *watch.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    monitor::Options options;
    if (const auto status = monitor::parse_options(argc, argv, options)) {
        return *status;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::cerr << "xebec-monitor: " << escape_controls(error.what()) << '\n';
        return runtime::exit_failed;
    }
}

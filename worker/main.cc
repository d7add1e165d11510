// xebec-worker: runs tasks, in worker processes under one supervisor.

#include "runtime/exit_status.h"
#include "runtime/log.h"
#include "runtime/process.h"
#include "worker/options.h"
#include "worker/supervisor.h"

#include <exception>
#include <iostream>
#include <stdexcept>
#include <variant>

namespace {

// A program that is not there would fail every one of its tasks: better not to start.
void require_programs(const xebec::worker::Options& options) {
    for (const xebec::worker::RunOption& command : options.commands) {
        const auto path = xebec::runtime::find_program(command.arguments.front());
        if (!path) {
            throw std::runtime_error("kind " + command.kind + ": " + path.error().detail);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    using namespace xebec;
    const auto parsed = worker::parse_options(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) {
        return *status;
    }
    const auto& options = std::get<worker::Options>(parsed);
    try {
        runtime::start_log("xebec-worker", options.log);
        require_programs(options);
        return worker::Supervisor(options).run();
    } catch (const std::exception& error) {
        std::cerr << "xebec-worker: " << error.what() << "\n";
        return runtime::exit_failed;
    }
}

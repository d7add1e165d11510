// xebec-worker: runs tasks, in worker processes under one supervisor.

#include "protocol/names.h"
#include "runtime/exit_status.h"
#include "runtime/log.h"
#include "worker/options.h"
#include "worker/supervisor.h"

#include <exception>
#include <iostream>
#include <variant>

int main(int argc, char** argv) {
    using namespace xebec;
    const auto parsed = worker::parse_options(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) {
        return *status;
    }
    const auto& options = std::get<worker::Options>(parsed);
    try {
        runtime::start_log("xebec-worker", options.log);
        return worker::Supervisor(options).run();
    } catch (const std::exception& error) {
        std::cerr << "xebec-worker: " << escape_controls(error.what()) << "\n";
        return runtime::exit_failed;
    }
}

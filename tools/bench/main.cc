// xebec-bench: measures a broker beside what ZeroMQ alone can do.

#include "runtime/descriptors.h"
#include "runtime/exit_status.h"
#include "tools/bench/options.h"
#include "tools/bench/tests.h"

#include <algorithm>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    using namespace xebec;
    try {
        bench::Options options;
        if (const auto status = bench::parse_options(argc, argv, options)) {
            return *status;
        }
        runtime::raise_descriptor_limit();
        for (const std::string& name : options.tests) {
            const auto tests = bench::all_tests();
            const auto test = std::find_if(tests.begin(), tests.end(),
                                           [&](const bench::Test& t) { return t.name == name; });
            bench::Report report = test->run(options);
            report.test = name;
            std::cout << (options.json ? to_json(report) + '\n' : to_text(report)) << std::flush;
        }
        return runtime::exit_done;
    } catch (const std::exception& error) {
        std::cerr << "xebec-bench: " << error.what() << '\n';
        return runtime::exit_failed;
    }
}

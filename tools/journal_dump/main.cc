// xebec-journal-dump: what a journal says.

#include "runtime/exit_status.h"
#include "runtime/posix_files.h"
#include "tools/journal_dump/dump.h"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    using namespace xebec;
    journal_dump::Options options;
    std::string data = "./xebec-data";
    CLI::App app(
        "Tells what stands in a broker's journal, without changing it.\n"
        "Example: xebec-journal-dump --data ./xebec-data --task 42");
    app.add_option("--data", data, "the broker's data folder")->capture_default_str();
    app.add_option("--task", options.task, "only the records of the task with this number");
    app.add_flag("--json", options.is_json, "one JSON object a line");
    app.add_flag("--verify", options.must_verify, "read and verify the payloads as well");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? runtime::exit_done : runtime::exit_usage;
    }
    try {
        runtime::PosixFiles files;
        options.folder = std::filesystem::path(data) / "journal";
        return journal_dump::dump(files, options, std::cout) ? runtime::exit_done
                                                             : runtime::exit_failed;
    } catch (const std::exception& error) {
        std::cerr << "xebec-journal-dump: " << error.what() << '\n';
        return runtime::exit_failed;
    }
}

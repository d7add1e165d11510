#include "broker/mend.h"

#include "broker/journal/repair.h"
#include "runtime/exit_status.h"
#include "runtime/files.h"
#include "runtime/posix_files.h"

#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace xebec::broker {

int mend(const Options& options) {
    const std::filesystem::path data = std::filesystem::absolute(options.data);
    const std::filesystem::path folder = data / "journal";
    runtime::PosixFiles files;
    if (!files.exists(folder)) {
        throw std::runtime_error("there is no journal in " + data.string() +
                                 ": name the broker's data folder with --data");
    }
    const runtime::FileLock lock(data / "lock");
    const bool cuts = options.repair_now;
    const journal::RepairReport report = journal::repair(
        files, folder, 0, cuts ? journal::RepairMode::cut : journal::RepairMode::dry_run);
    if (!report.is_damaged) {
        std::cout << folder.string() << " is not damaged: there is nothing to repair\n";
        return runtime::exit_done;
    }
    std::cout << report.file.string() << " is damaged at octet " << report.offset << ": "
              << report.fault << '\n'
              << (cuts ? "Cut from there: " : "A repair would cut from there: ") << report.octets
              << " octets with " << report.frames << " readable frames and " << report.records
              << " records in them\n";
    for (const std::filesystem::path& segment : report.segments) {
        std::cout << (cuts ? "Cut whole: " : "It would cut whole: ") << segment.string() << '\n';
    }
    for (const std::filesystem::path& kept : report.kept_in) {
        std::cout << "Kept in " << kept.string() << '\n';
    }
    if (!cuts) {
        std::cout
            << "Nothing has been changed. What is cut was confirmed to somebody once: restore "
               "a backup if there is one. To cut, keep aside what is cut, and go on without "
               "it: xebec-broker --repair-now --data "
            << options.data << '\n';
    }
    return cuts ? runtime::exit_done : runtime::exit_failed;
}

}  // namespace xebec::broker

#pragma once
// Where a program's log lines go. Lines themselves are written with spdlog by the shells; texts
// that came from a peer pass through escape_controls first.

#include <string>

namespace xebec::runtime {

struct LogOptions {
    std::string level = "info";  // trace, debug, info, warning, error, critical, off
    std::string file;            // also there, rotating at 10 MiB, five files kept; empty: no
};

// Sends the log to standard error, and to the file if there is one. Nobody waits for standard error
// to be read: lines that find no room there are left out, and counted in a later one. Throws
// std::runtime_error with a sentence for people.
void start_log(const std::string& program, const LogOptions& options);

}  // namespace xebec::runtime

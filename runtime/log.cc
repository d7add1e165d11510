#include "runtime/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace xebec::runtime {

namespace {

constexpr std::size_t file_octets_max = 10 << 20;
constexpr std::size_t file_count_max = 5;

using TerminalSink = spdlog::sinks::stderr_color_sink_mt;

// Standard error may be a pipe that nobody reads, or a terminal that was stopped: whoever writes to
// it then stands still. What finds no room is left out, and how much that was is said later.
class ErrorStream : public TerminalSink {
public:
    void log(const spdlog::details::log_msg& line) override {
        if (!has_room()) {
            ++left_out_;
            return;
        }
        if (const std::uint64_t count = left_out_.exchange(0); count > 0) {
            const std::string text =
                std::to_string(count) + " lines were left out here: nobody read them in time";
            TerminalSink::log(
                spdlog::details::log_msg(line.logger_name, spdlog::level::warn, text));
        }
        TerminalSink::log(line);
    }

private:
    // For PIPE_BUF octets; a line is shorter, but for rare ones.
    static bool has_room() {
        pollfd stream{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
        return poll(&stream, 1, 0) != 0;  // an error too: writing will say what it is
    }

    std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace

void start_log(const std::string& program, const LogOptions& options) {
    std::vector<spdlog::sink_ptr> sinks{std::make_shared<ErrorStream>()};
    if (!options.file.empty()) {
        try {
            sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                options.file, file_octets_max, file_count_max));
        } catch (const spdlog::spdlog_ex& error) {
            throw std::runtime_error("cannot write the log file " + options.file + ": " +
                                     error.what());
        }
    }
    auto logger = std::make_shared<spdlog::logger>(program, sinks.begin(), sinks.end());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %n: %v");
    logger->set_level(spdlog::level::from_str(options.level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(logger);
}

}  // namespace xebec::runtime

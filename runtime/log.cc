#include "runtime/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace xebec::runtime {

namespace {

constexpr std::size_t file_octets_max = 10 << 20;
constexpr std::size_t file_count_max = 5;

}  // namespace

void start_log(const std::string& program, const LogOptions& options) {
    std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
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

#include "broker/options.h"

#include "runtime/command_line.h"
#include "runtime/sockets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <iostream>
#include <limits>
#include <string_view>

namespace xebec::broker {

namespace {

// Where a peer elsewhere could reach this broker, nothing keeps it from doing as it likes.
bool is_on_loopback(const Options& options) {
    return runtime::is_loopback(options.clients) && runtime::is_loopback(options.workers);
}

constexpr std::uint64_t memory_min = std::uint64_t{1} << 20;
constexpr std::uint64_t octets_in_memory_default = std::uint64_t{256} << 20;
constexpr std::uint64_t tasks_limit = 4'000'000'000;  // they are named by 32 bits

// `b`, or a letter with or without `b` or `ib`; all are powers of 1,024, and capitals do not count.
std::optional<unsigned> shift_of_unit(std::string unit) {
    constexpr std::string_view letters = "kmgtpe";
    constexpr unsigned shift_of_letter = 10;
    std::transform(unit.begin(), unit.end(), unit.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (unit.empty() || unit == "b") {
        return 0;
    }
    const std::size_t letter = letters.find(unit.front());
    const std::string_view rest = std::string_view(unit).substr(1);
    if (letter == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) {
        return std::nullopt;
    }
    return shift_of_letter * static_cast<unsigned>(letter + 1);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{}) {
        return std::nullopt;
    }
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
    const auto shift = shift_of_unit(std::string(unit));
    if (!shift || number > std::numeric_limits<std::uint64_t>::max() >> *shift) {
        return std::nullopt;
    }
    return number << *shift;
}

void add_memory(CLI::App& app, std::optional<std::uint64_t>& memory) {
    app.add_option_function<std::string>(
           "--memory",
           [&memory](const std::string& text) {
               const auto size = parse_size(text);
               if (!size) {
                   throw CLI::ValidationError("--memory",
                                              "\"" + text +
                                                  "\" is not a size: a whole number with KiB, MiB, "
                                                  "GiB or TiB, such as 512MiB");
               }
               if (*size < memory_min) {
                   throw CLI::ValidationError("--memory", "a broker needs at least 1MiB");
               }
               memory = *size;
           },
           "for payloads, results and ended tasks in memory, such as 512MiB or 4GiB; payloads and "
           "results over it stay in the journal and are read back. With --durability none: new "
           "tasks are refused beyond this much memory for tasks")
        ->type_name("SIZE")
        ->default_str("256MiB, or 2GiB with --durability none");
}

std::optional<int> refuse_open_network(const Options& options) {
    for (const std::string* endpoint : {&options.clients, &options.workers, &options.updates}) {
        if (!runtime::is_loopback(*endpoint) && !options.insecure_network) {
            std::cerr << "xebec-broker: " << *endpoint
                      << " can be reached from other machines, and there is no authentication yet: "
                         "anybody there could submit, run and cancel tasks. Use 127.0.0.1, or add "
                         "--insecure-network if that network is trusted.\n";
            return runtime::exit_usage;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, Options& options) {
    CLI::App app{"The broker: keeps tasks safe on the disk and hands them out to workers."};
    app.footer("Example: xebec-broker --data /var/lib/xebec --log-file /var/log/xebec.log");
    const CLI::Validator is_endpoint = runtime::is_endpoint(runtime::EndpointUse::listen);
    app.add_option("--clients", options.clients, "where clients connect")
        ->check(is_endpoint)
        ->capture_default_str();
    app.add_option("--workers", options.workers, "where workers connect")
        ->check(is_endpoint)
        ->capture_default_str();
    app.add_option("--updates", options.updates, "where watchers subscribe")
        ->check(is_endpoint)
        ->capture_default_str();
    app.add_option("--data", options.data, "the folder for the broker's files")
        ->capture_default_str();
    std::string durability = "sync";
    app.add_option("--durability", durability,
                   "sync: an answer leaves when its tasks are on the disk; relaxed: when they are "
                   "written, and a power cut can take what came last; none: in memory only, a "
                   "restart forgets everything")
        ->check(CLI::IsMember({"sync", "relaxed", "none"}))
        ->capture_default_str();
    runtime::add_duration(app, "--flush-every", options.flush_every,
                          "with relaxed: how much time a power cut can take back");
    app.add_flag("--repair", options.repair,
                 "say what would be cut off a damaged journal, change nothing, and end");
    app.add_flag("--repair-now", options.repair_now, "cut it, keep aside what is cut, and end");
    app.add_flag("--insecure-network", options.insecure_network,
                 "allow addresses that other machines can reach, without authentication");
    std::string plain = "auto";
    app.add_option("--plain", plain,
                   "serve plain pirates: Lazy Pirate clients and RFC 6 workers; auto: on loopback "
                   "only")
        ->check(CLI::IsMember({"auto", "on", "off"}))
        ->capture_default_str();
    std::optional<std::uint64_t> memory;
    add_memory(app, memory);
    app.add_option("--tasks-max", options.core.tasks_max, "refuse new tasks beyond so many")
        ->check(CLI::Range(std::uint64_t{1}, tasks_limit))
        ->capture_default_str();
    app.add_option("--log-level", options.log.level,
                   "trace, debug, info, warning, error, critical or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}))
        ->capture_default_str();
    app.add_option("--log-file", options.log.file,
                   "log to this file too, rotating at 10 MiB, five kept");
    runtime::add_conventions(app, "broker");
    if (const auto status = runtime::parse(app, argc, argv)) {
        return status;
    }
    options.durability = durability == "none"      ? Durability::none
                         : durability == "relaxed" ? Durability::relaxed
                                                   : Durability::sync;
    if (options.durability == Durability::none) {
        options.core.memory_max = memory.value_or(options.core.memory_max);
    } else {
        options.core.octets_in_memory_max = memory.value_or(octets_in_memory_default);
    }
    options.plain = plain == "on" || (plain == "auto" && is_on_loopback(options));
    return refuse_open_network(options);
}

}  // namespace xebec::broker

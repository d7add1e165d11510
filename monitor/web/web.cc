#include "monitor/web/web.h"

#include "monitor/web/board.h"
#include "monitor/web/broker.h"
#include "monitor/web/server.h"
#include "monitor/web/watcher.h"
#include "runtime/descriptors.h"
#include "runtime/exit_status.h"
#include "runtime/files.h"
#include "runtime/random.h"
#include "runtime/sockets.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>

#include <array>
#include <charconv>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>

namespace xebec::monitor::web {

namespace {

constexpr std::size_t token_characters_min = 16;

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

// "127.0.0.1:5580", "[::1]:5580"; port 0 leaves it to the system.
std::optional<Address> parse_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;  // where its port begins is anybody's guess
    }
    Address address{.host = std::string(host)};
    const auto [end, problem] =
        std::from_chars(port.data(), port.data() + port.size(), address.port);
    const bool is_number = problem == std::errc{} && end == port.data() + port.size();
    return is_number && !host.empty() ? std::optional(address) : std::nullopt;
}

std::string random_text() {
    std::array<std::uint8_t, 24> octets{};
    runtime::fill_random(octets);
    return absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(octets.data()), octets.size()));
}

std::string token_in(const std::string& file) {
    if (file.empty()) {
        return {};
    }
    const auto content = runtime::read_file(file);
    if (!content) {
        throw std::runtime_error("there is no file " + file);
    }
    const std::string token(absl::StripAsciiWhitespace(*content));
    if (token.size() < token_characters_min) {
        throw std::runtime_error("the token in " + file + " is shorter than " +
                                 std::to_string(token_characters_min) +
                                 " characters; make one with: openssl rand -hex 24");
    }
    return token;
}

int complain(std::string_view text) {
    std::cerr << "xebec-monitor: " << text << '\n';
    return runtime::exit_usage;
}

}  // namespace

int run(const WebOptions& options, const BrokerEndpoints& endpoints,
        const runtime::Signals& signals) {
    const auto address = parse_address(options.listen);
    if (!address) {
        return complain("--listen is an address and a port, such as 127.0.0.1:5580 or [::1]:5580");
    }
    GuardOptions guard{.token = token_in(options.token_file),
                       .session = random_text(),
                       .read_only = options.read_only};
    if (!is_loopback(address->host) && guard.token.empty()) {
        return complain(
            options.listen +
            " can be reached from other machines, and anybody there could submit, run "
            "and cancel tasks. Listen on 127.0.0.1, or give a token with --token-file.");
    }
    for (const std::string& host : options.allowed_hosts) {
        guard.hosts.push_back(absl::AsciiStrToLower(host));
    }
    runtime::raise_descriptor_limit();
    RemoteBroker broker(endpoints.broker);
    Board board;
    const Watcher watcher(
        {.updates = endpoints.updates, .broker = endpoints.broker, .read_only = options.read_only},
        broker, board);
    const Server server({.address = address->host,
                         .port = address->port,
                         .guard = std::move(guard),
                         .streams = {.updates = endpoints.updates, .broker = endpoints.broker}},
                        broker, board);
    std::cout << "http://" << host_and_port(address->host, server.port()) << "/" << std::endl;
    runtime::Poller poller;
    poller.add(signals.descriptor());
    while (!signals.take()) {
        poller.wait_until(std::nullopt);
    }
    return runtime::exit_done;
}

}  // namespace xebec::monitor::web

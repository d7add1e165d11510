#pragma once
// The HTTP server: guards, routes, limits.

#include "monitor/web/board.h"
#include "monitor/web/broker.h"
#include "monitor/web/guard.h"
#include "monitor/web/streams.h"

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace xebec::monitor::web {

struct ServerOptions {
    std::string address;     // an IP address, or "localhost"
    std::uint16_t port = 0;  // 0: the system's choice
    GuardOptions guard;      // without hosts: those of the address and the port
    StreamOptions streams;
};

bool is_loopback(const std::string& address);

// As it stands in a URL.
std::string host_and_port(const std::string& host, std::uint16_t port);

// What browsers call a server that listens there.
std::vector<std::string> hosts_of(const std::string& address, std::uint16_t port);

class Server {
public:
    // Listens. Throws std::runtime_error if the address cannot be had. Both must live longer.
    Server(ServerOptions options, Broker& broker, Board& board);

    // Ends all requests, streams too, within a second or two.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const { return port_; }

private:
    struct Http;

    void add_routes(Broker& broker);

    Board& board_;
    const StreamOptions streams_;
    std::uint16_t port_ = 0;
    std::unique_ptr<const Guard> guard_;
    std::unique_ptr<Http> http_;
    std::jthread thread_;
};

}  // namespace xebec::monitor::web

#include "tools/bench/dashboard.h"

#include "tools/bench/processes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <httplib.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

namespace xebec::bench {

using std::chrono::seconds;

namespace {

void follow(int port) {
    while (true) {
        httplib::Client client("127.0.0.1", port);
        client.set_read_timeout(seconds{30});
        client.Get("/api/v1/live", [](const char*, std::size_t) { return true; });
        sleep_for(seconds{1});
    }
}

bool ask(int port, const std::string& path) {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(seconds{30});
    const httplib::Result answer = client.Get("/api/v1" + path);
    return answer && answer->status == 200;
}

}  // namespace

int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    const bool is_bound = bind(socket, any, length) == 0 && getsockname(socket, any, &length) == 0;
    close(socket);
    if (!is_bound) {
        throw std::runtime_error("there is no free port on 127.0.0.1");
    }
    return ntohs(address.sin_port);
}

void look_at_dashboard(int port) {
    for (int tries = 0; !ask(port, "/queues"); ++tries) {
        if (tries == 100) {
            throw std::runtime_error("the dashboard does not answer");
        }
        sleep_for(std::chrono::milliseconds{100});
    }
    std::thread([port] { follow(port); }).detach();
    const auto must_answer = [port](const char* path) {
        if (!ask(port, path)) {
            throw std::runtime_error("the dashboard stopped answering");
        }
    };
    for (std::uint64_t second = 0;; ++second) {
        for (const char* path : {"/queues?spark=1", "/workers?recent=1", "/tasks?limit=50"}) {
            must_answer(path);
        }
        if (second % 10 == 0) {
            must_answer("/errors");
        }
        sleep_for(seconds{1});
    }
}

}  // namespace xebec::bench

#include "tools/bench/dashboard.h"

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

constexpr seconds answer_max{30};
constexpr int gone = 410;       // the payload of a task that has ended
constexpr int no_answer = 504;  // by the broker, in time

// Answers with whether it was told anything; `take` says whether to go on.
template <class Take>
bool follow(int port, Take take) {
    bool is_told = false;
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(answer_max);
    client.Get("/api/v1/live", [&](const char*, std::size_t) {
        is_told = true;
        return take();
    });
    return is_told;
}

httplib::Result ask(int port, const std::string& path) {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(answer_max);
    return client.Get(path);
}

bool is_there(int port) {
    const httplib::Result answer = ask(port, "/api/v1/queues");
    return answer && answer->status == 200;
}

std::string body_of(const httplib::Result& answer, const std::string& path) {
    if (!answer) {
        throw std::runtime_error("the dashboard does not answer " + path + ": " +
                                 to_string(answer.error()));
    }
    if (answer->status != 200 && answer->status != gone) {
        throw std::runtime_error("the dashboard answers " + path + " with status " +
                                 std::to_string(answer->status) + ": " + answer->body);
    }
    return answer->body;
}

// As a page does: what the broker was too busy to answer is asked for again a little later.
void ask_as_page(int port, const std::string& path) {
    constexpr int tries_max = 20;
    httplib::Result answer = ask(port, path);
    for (int tries = 1; answer && answer->status == no_answer && tries < tries_max; ++tries) {
        sleep_for(seconds{1});
        answer = ask(port, path);
    }
    body_of(answer, path);
}

// A port of this machine that nobody listens on now.
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

}  // namespace

Dashboard::Dashboard(const BrokerProcess& broker)
    : port_(free_port()),
      monitor_({sibling("xebec-monitor"), "--broker", broker.clients(), "--updates",
                broker.updates(), "web", "--listen", "127.0.0.1:" + std::to_string(port_)}) {
    for (int tries = 0; !is_there(port_); ++tries) {
        if (tries == 100) {
            throw std::runtime_error("the dashboard does not answer");
        }
        sleep_for(std::chrono::milliseconds{100});
    }
}

std::string Dashboard::get(const std::string& path) const {
    return body_of(ask(port_, path), path);
}

void Dashboard::wait_for_live() const {
    if (!follow(port_, [] { return false; })) {
        throw std::runtime_error("the dashboard's live stream tells nothing");
    }
}

void look_at_dashboard(int port) {
    std::thread([port] {
        while (true) {
            follow(port, [] { return true; });
            sleep_for(seconds{1});
        }
    }).detach();
    for (std::uint64_t second = 0;; ++second) {
        for (const char* path : {"/queues?spark=1", "/workers?recent=1", "/tasks?limit=50"}) {
            ask_as_page(port, std::string("/api/v1") + path);
        }
        if (second % 10 == 0) {
            ask_as_page(port, "/api/v1/errors");
        }
        sleep_for(seconds{1});
    }
}

OpenDashboard::OpenDashboard(const BrokerProcess& broker)
    : dashboard_(broker), browser_([this] { look_at_dashboard(dashboard_.port()); }) {
    sleep_for(seconds{2});
}

}  // namespace xebec::bench

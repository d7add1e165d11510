#include "monitor/web/server.h"

#include "monitor/web/answers.h"
#include "monitor/web/http_stream.h"
#include "monitor/web/lobby.h"
#include "monitor/web/metrics.h"
#include "monitor/web/pages.h"
#include "monitor/web/request_threads.h"
#include "monitor/web/system_api.h"
#include "monitor/web/tasks_api.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <httplib.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace xebec::monitor::web {

using httplib::Request;
using httplib::Response;

namespace {

// Room for short requests beside all streams and all who wait for a result.
constexpr std::size_t threads_max = live_streams_max + update_streams_max + result_waits_max + 64;
constexpr std::size_t body_octets_max = std::size_t{24} << 20;  // 16 MiB in Base64, and the rest
constexpr std::size_t head_octets_max = std::size_t{64} << 10;
constexpr int backlog = 1'024;
constexpr std::uint16_t http_port = 80;

const httplib::Headers safe_headers{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
     "frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"}};

// Every answer is whole, every body is JSON whatever it is said to be (programs say that it is a
// form), and without a length there is none.
void simplify(Request& request) {
    request.ranges.clear();
    request.headers.erase("Content-Type");
    if (!request.has_header("Content-Length")) {
        request.set_header("Content-Length", "0");
    }
}

Asked asked_by(const Request& request) {
    // The values live in the request; those of absent headers are empty.
    const auto header = [&request](const char* name) -> std::string_view {
        const auto found = request.headers.find(name);
        return found == request.headers.end() ? std::string_view{} : found->second;
    };
    return {.method = request.method,
            .path = request.path,
            .host = header("Host"),
            .origin = header("Origin"),
            .fetch_site = header("Sec-Fetch-Site"),
            .authorization = header("Authorization"),
            .cookie = header("Cookie")};
}

void set_session_cookie(Response& response, const std::string& value, const std::string& extra) {
    response.set_header("Set-Cookie", std::string(session_cookie) + "=" + value +
                                          "; Path=/; HttpOnly; SameSite=Strict" + extra);
}

// The page asks for the token once, and the browser shows the cookie from then on.
void add_session_routes(httplib::Server& server, const Guard& guard) {
    server.Post("/api/v1/session", [&guard](const Request& request, Response& response) {
        const auto body = client::parse_json(request.body);
        const bool has_token =
            body && body->is_object() && body->contains("token") && (*body)["token"].is_string();
        if (!has_token || !guard.is_token((*body)["token"].get<std::string>())) {
            return fail(response, 401, "unauthorized", "that is not the token");
        }
        set_session_cookie(response, guard.session(), "");
        response.status = 204;
    });
    server.Delete("/api/v1/session", [](const Request&, Response& response) {
        set_session_cookie(response, "", "; Max-Age=0");
        response.status = 204;
    });
}

void add_metrics_route(httplib::Server& server, const Board& board) {
    server.Get("/metrics", [&board](const Request&, Response& response) {
        response.set_content(metrics_text(*board.picture()), std::string(metrics_content_type));
    });
}

// For a connection for which there is no thread, and so no request that httplib has read. What has
// come of it is read all the same: octets left unread would take the answer with them.
void refuse(int socket) {
    static const std::string text = [] {
        Response response;
        fail(response, 503, "busy", "this monitor has too many requests at a time");
        std::string head = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n";
        for (const httplib::Headers& headers : {safe_headers, response.headers}) {
            for (const auto& [name, value] : headers) {
                head += name + ": " + value + "\r\n";
            }
        }
        head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
        return head + response.body;
    }();
    std::array<char, head_octets_max> unread;
    ::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT);
    ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
}

// httplib's way to a thread for each connection: they wait in the lobby first.
class Directly final : public httplib::TaskQueue {
public:
    void enqueue(std::function<void()> connection) override { connection(); }
    void shutdown() override {}
};

void fail_unrouted(const Request& request, Response& response) {
    if (!response.body.empty()) {
        return;  // it has said why
    }
    if (response.status == 404 && wants_page(request)) {
        return answer_missing(response);
    }
    const std::string what = request.method + " " + request.path;
    if (response.status == 404) {
        return fail(response, 404, "unknown_path", "there is no " + what);
    }
    if (response.status == 413) {
        return fail(response, 413, "too_large", "the body of this request is too large");
    }
    fail(response, response.status, "malformed", "this is not a request that HTTP knows");
}

}  // namespace

bool is_loopback(const std::string& address) {
    in_addr ip{};
    return (address.starts_with("127.") && inet_pton(AF_INET, address.c_str(), &ip) == 1) ||
           address == "::1" || address == "localhost";
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::vector<std::string> hosts_of(const std::string& address, std::uint16_t port) {
    std::vector<std::string> names{address};
    if (is_loopback(address)) {
        names = {"127.0.0.1", "localhost", "::1"};
        if (std::find(names.begin(), names.end(), address) == names.end()) {
            names.push_back(address);
        }
    }
    std::vector<std::string> hosts;
    for (const std::string& name : names) {
        const std::string host = host_and_port(name, port);
        hosts.push_back(host);
        if (port == http_port) {  // of which browsers do not speak
            hosts.push_back(host.substr(0, host.rfind(':')));
        }
    }
    return hosts;
}

struct Server::Http : httplib::Server {
    // Connections that wait to be accepted; httplib's own five are fewer than one page opens.
    void widen_backlog() { ::listen(svr_sock_, backlog); }

    // Takes no more requests, and waits for no more of those that have begun.
    void end() {
        stop();
        lobby_.end();
        connections_.end_reading();
        threads_.shutdown();
    }

private:
    bool process_and_close_socket(socket_t socket) override {
        lobby_.add(socket);
        return true;
    }

    // One request for each connection: httplib leaves the body of a refused request unread, and
    // would take it for the next one, whose headers a foreign page could have made up.
    void serve(int socket) {
        if (connections_.add(socket)) {
            HttpStream stream(socket, head_octets_max);
            bool is_closed = false;
            process_request(stream, true, is_closed, [&stream, socket](Request& request) {
                simplify(request);
                set_client(request, socket);
                stream.allow(2 * body_octets_max);  // one that is too large is read to be refused
            });
            connections_.remove(socket);
        }
        ::shutdown(socket, SHUT_RDWR);
        ::close(socket);
    }

    OpenConnections connections_;
    RequestThreads threads_{threads_max};
    Lobby lobby_{
        {},
        {.admit =
             [this](int socket) { return threads_.try_run([this, socket] { serve(socket); }); },
         .refuse = refuse}};
};

Server::Server(ServerOptions options, Broker& broker, Board& board)
    : board_(board), streams_(options.streams), http_(std::make_unique<Http>()) {
    Http& http = *http_;
    http.new_task_queue = [] { return new Directly; };  // httplib deletes it
    http.set_default_headers(safe_headers);
    http.set_payload_max_length(body_octets_max);
    http.set_tcp_nodelay(true);
    http.set_socket_options([](int socket) {
        // Not SO_REUSEPORT, with which two monitors would share a port without a word.
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    const int port = options.port == 0 ? http.bind_to_any_port(options.address)
                     : http.bind_to_port(options.address, options.port) ? options.port
                                                                        : -1;
    if (port <= 0) {
        throw std::runtime_error("cannot listen on " +
                                 host_and_port(options.address, options.port) +
                                 "; is another program using it?");
    }
    port_ = static_cast<std::uint16_t>(port);
    for (std::string& host : hosts_of(options.address, port_)) {
        options.guard.hosts.push_back(std::move(host));
    }
    options.guard.on_loopback = is_loopback(options.address);
    guard_ = std::make_unique<const Guard>(std::move(options.guard));
    add_routes(broker);
    http.widen_backlog();
    thread_ = std::jthread([this] { http_->listen_after_bind(); });
    while (!http.is_running()) {  // before that it cannot be stopped
        std::this_thread::yield();
    }
}

void Server::add_routes(Broker& broker) {
    Http& http = *http_;
    http.set_pre_routing_handler([this](const Request& request, Response& response) {
        if (const auto denial = guard_->check(asked_by(request))) {
            fail(response, denial->status, denial->error_class, denial->text);
            return httplib::Server::HandlerResponse::Handled;
        }
        if (request.has_header("Transfer-Encoding")) {  // whose body httplib reads without limit
            fail(response, 411, "malformed", "send the body with its Content-Length");
            return httplib::Server::HandlerResponse::Handled;
        }
        return httplib::Server::HandlerResponse::Unhandled;
    });
    http.set_error_handler(httplib::Server::Handler(fail_unrouted));
    http.set_exception_handler([](const Request&, Response& response, std::exception_ptr) {
        fail(response, 500, "internal", "this monitor could not answer");
    });
    add_session_routes(http, *guard_);
    add_task_routes(http, broker, board_);
    add_system_routes(http, broker, board_);
    add_stream_routes(http, streams_, board_);
    add_metrics_route(http, board_);
    add_page_routes(http);
}

Server::~Server() {
    board_.close();
    http_->end();
}

}  // namespace xebec::monitor::web

#include "runtime/sockets.h"

#include "protocol/check.h"
#include "protocol/names.h"
#include "runtime/clock.h"

#include <zmq.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <poll.h>
#include <stdexcept>

namespace xebec::runtime {

namespace {

constexpr std::size_t share_octets_min = 4096;  // below, a copy is cheaper than a shared buffer
// libzmq receives into buffers of so many octets (ZMQ_IN_BATCH_SIZE). A frame that fits into one is
// a piece of it, and whoever keeps that keeps the whole, with 10 KB of reference counts behind it.
constexpr std::size_t receive_buffer_octets = 8192;

int zmq_type(SocketType type) {
    switch (type) {
        case SocketType::router:
            return ZMQ_ROUTER;
        case SocketType::dealer:
            return ZMQ_DEALER;
        case SocketType::xpub:
            return ZMQ_XPUB;
        case SocketType::sub:
            return ZMQ_SUB;
        case SocketType::pair:
            return ZMQ_PAIR;
    }
    return -1;
}

template <class T>
void set(void* socket, int option, T value) {
    check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "a socket option is known");
}

void release_blob(void*, void* blob) {
    delete static_cast<Blob*>(blob);
}

void release_string(void*, void* string) {
    delete static_cast<std::string*>(string);
}

void release_message(void* message) noexcept {
    delete static_cast<zmq::message_t*>(message);
}

// A frame as libzmq takes it. Shared blobs are released on one of its I/O threads.
void make_message(zmq_msg_t& message, const FrameOut& frame) {
    if (frame.blob.size() >= share_octets_min) {
        frame.blob.share();
        auto* kept = new Blob(frame.blob);
        check(zmq_msg_init_data(&message, const_cast<char*>(kept->view().data()), kept->size(),
                                release_blob, kept) == 0,
              "memory is there");
        return;
    }
    if (frame.own != nullptr && frame.own->size() >= share_octets_min) {
        auto* kept = new std::string(std::move(*frame.own));
        check(zmq_msg_init_data(&message, kept->data(), kept->size(), release_string, kept) == 0,
              "memory is there");
        return;
    }
    const std::string_view octets = frame.blob.empty() ? frame.octets : frame.blob.view();
    check(zmq_msg_init_size(&message, octets.size()) == 0, "memory is there");
    std::copy(octets.begin(), octets.end(), static_cast<char*>(zmq_msg_data(&message)));
}

// For poll(2): -1 is for ever.
int timeout_until(std::optional<Instant> deadline) {
    if (!deadline) {
        return -1;
    }
    constexpr std::int64_t longest = 3'600'000;
    const auto left = std::chrono::ceil<milliseconds>(*deadline - now().steady).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, longest));
}

std::runtime_error start_error(const std::string& action, const std::string& endpoint) {
    const int error = zmq_errno();
    std::string text = "cannot " + action + " " + endpoint + ": " + zmq_strerror(error);
    if (error == EADDRINUSE) {
        text += "; is another broker running there?";
    } else if (error == EINVAL || error == EPROTONOSUPPORT) {
        text += "; an endpoint looks like tcp://127.0.0.1:5555";
    } else if (error == ENODEV || error == EADDRNOTAVAIL) {
        text += "; this machine has no such address";
    }
    return std::runtime_error(text);
}

}  // namespace

Context::Context(int sockets_max) : handle_(zmq_ctx_new()) {
    check(handle_ != nullptr, "memory is there");
    zmq_ctx_set(handle_, ZMQ_MAX_SOCKETS, sockets_max);
}

Context::~Context() {
    while (zmq_ctx_term(handle_) != 0 && zmq_errno() == EINTR) {
    }
}

struct Multipart::Frames {
    std::vector<zmq::message_t> messages;
    std::size_t used = 0;

    zmq::message_t& next() {
        if (used == messages.size()) {
            messages.emplace_back();
        }
        return messages[used++];
    }

    // Lets go of the octets, so that a large message does not live on behind smaller ones.
    void clear() {
        for (std::size_t i = 0; i < used; ++i) {
            messages[i].rebuild();
        }
        used = 0;
    }
};

Multipart::Multipart() : received_(std::make_unique<Frames>()) {}
Multipart::~Multipart() = default;

Blob Multipart::take(std::size_t index) {
    const std::string_view octets = views_[index];
    if (octets.size() < receive_buffer_octets) {
        Blob copy = Blob::copy_of(octets);
        views_[index] = copy.view();
        return copy;
    }
    auto* owner = new zmq::message_t(std::move(received_->messages[index]));
    return Blob::adopt({.data = static_cast<const char*>(owner->data()),
                        .size = owner->size(),
                        .release = release_message,
                        .owner = owner});
}

Socket::Socket(const Context& context, SocketType type, const SocketOptions& options)
    : handle_(zmq_socket(context.handle(), zmq_type(type))) {
    if (handle_ == nullptr) {
        throw std::runtime_error(std::string("cannot make a socket: ") + zmq_strerror(zmq_errno()));
    }
    std::size_t size = sizeof descriptor_;
    check(zmq_getsockopt(handle_, ZMQ_FD, &descriptor_, &size) == 0, "a socket has a descriptor");
    set(handle_, ZMQ_SNDHWM, options.send_messages_max);
    set(handle_, ZMQ_RCVHWM, options.receive_messages_max);
    set(handle_, ZMQ_MAXMSGSIZE, options.frame_octets_max);
    set(handle_, ZMQ_LINGER, static_cast<int>(options.linger.count()));
    set(handle_, ZMQ_SNDTIMEO, 0);
    set(handle_, ZMQ_HANDSHAKE_IVL, 5000);
    // Half-open links are found by the kernel: ZMTP heartbeats cost time with the square of peers.
    set(handle_, ZMQ_TCP_KEEPALIVE, 1);
    set(handle_, ZMQ_TCP_KEEPALIVE_IDLE, 30);
    set(handle_, ZMQ_TCP_KEEPALIVE_INTVL, 10);
    set(handle_, ZMQ_TCP_KEEPALIVE_CNT, 3);
    set(handle_, ZMQ_TCP_MAXRT, 20'000);
    set(handle_, ZMQ_BACKLOG, 4096);
    set(handle_, ZMQ_RECONNECT_IVL, 200);
    set(handle_, ZMQ_RECONNECT_IVL_MAX, 2'000);
    if (type == SocketType::router) {
        set(handle_, ZMQ_ROUTER_MANDATORY, 1);
    }
    if (type == SocketType::sub && !options.subscription.empty()) {
        subscribe(options.subscription);
    }
}

Socket::~Socket() {
    zmq_close(handle_);
}

std::string Socket::bind(const std::string& endpoint) {
    if (zmq_bind(handle_, endpoint.c_str()) != 0) {
        throw start_error("listen on", endpoint);
    }
    std::array<char, 256> bound{};
    std::size_t size = bound.size();
    check(zmq_getsockopt(handle_, ZMQ_LAST_ENDPOINT, bound.data(), &size) == 0,
          "a bound socket knows its endpoint");
    return bound.data();
}

void Socket::connect(const std::string& endpoint) {
    if (zmq_connect(handle_, endpoint.c_str()) != 0) {
        throw start_error("connect to", endpoint);
    }
}

void Socket::unbind(const std::string& endpoint) {
    zmq_unbind(handle_, endpoint.c_str());
}

std::string Socket::report_accept_failures() {
    static std::atomic<unsigned> last{0};
    std::string endpoint = "inproc://accept-failures-" + std::to_string(++last);
    check(zmq_socket_monitor(handle_, endpoint.c_str(), ZMQ_EVENT_ACCEPT_FAILED) == 0,
          "a socket's events can be reported");
    return endpoint;
}

void Socket::stop_reports() {
    zmq_socket_monitor(handle_, nullptr, 0);
}

void Socket::subscribe(std::string_view prefix) {
    zmq_setsockopt(handle_, ZMQ_SUBSCRIBE, prefix.data(), prefix.size());
}

void Socket::unsubscribe(std::string_view prefix) {
    zmq_setsockopt(handle_, ZMQ_UNSUBSCRIBE, prefix.data(), prefix.size());
}

void Socket::set_linger(milliseconds linger) {
    set(handle_, ZMQ_LINGER, static_cast<int>(linger.count()));
}

bool Socket::receive(Multipart& message) {
    Multipart::Frames& frames = *message.received_;
    frames.clear();
    message.dropped_ = 0;
    message.views_.clear();
    bool more = true;
    while (more) {
        const bool keep = frames.used < Multipart::frames_max;
        zmq::message_t surplus;
        zmq::message_t& frame = keep ? frames.next() : surplus;
        int got = -1;
        do {
            got = zmq_msg_recv(frame.handle(), handle_, ZMQ_DONTWAIT);
        } while (got < 0 && zmq_errno() == EINTR);
        if (got < 0) {
            is_touched_ = false;  // looked, and there was nothing
            return false;
        }
        is_touched_ = true;
        message.dropped_ += keep ? 0 : 1;
        more = frame.more();
    }
    for (std::size_t i = 0; i < frames.used; ++i) {
        message.views_.emplace_back(static_cast<const char*>(frames.messages[i].data()),
                                    frames.messages[i].size());
    }
    return true;
}

SendResult Socket::send(std::span<const FrameOut> frames) {
    is_touched_ = true;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        zmq_msg_t message;
        make_message(message, frames[i]);
        const int flags = ZMQ_DONTWAIT | (i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
        int sent = -1;
        do {
            sent = zmq_msg_send(&message, handle_, flags);
        } while (sent < 0 && zmq_errno() == EINTR);
        if (sent < 0) {
            const int error = zmq_errno();
            zmq_msg_close(&message);
            // Refusals come on the first frame only, so nothing is left half sent.
            return error == EAGAIN ? SendResult::stalled : SendResult::gone;
        }
    }
    return SendResult::sent;
}

SendResult Socket::send(std::span<const std::string> address, protocol::Packet packet) {
    const auto header = encode(packet.header);
    std::vector<FrameOut> frames;
    frames.reserve(address.size() + 3 + packet.payloads.size());
    for (const std::string& part : address) {
        frames.push_back({part, {}});
    }
    frames.push_back({});
    frames.push_back({std::string_view(header.data(), header.size()), {}});
    frames.push_back({packet.body, {}, &packet.body});
    for (const Blob& payload : packet.payloads) {
        frames.push_back({{}, payload});
    }
    return send(frames);
}

bool Socket::has_input() const {
    int events = 0;
    std::size_t size = sizeof events;
    is_touched_ =
        zmq_getsockopt(handle_, ZMQ_EVENTS, &events, &size) != 0 || (events & ZMQ_POLLIN) != 0;
    return is_touched_;
}

std::size_t Poller::add(const Socket& socket) {
    items_.push_back({.socket = &socket});
    return items_.size() - 1;
}

std::size_t Poller::add(int descriptor) {
    items_.push_back({.descriptor = descriptor});
    return items_.size() - 1;
}

void Poller::replace(std::size_t index, const Socket& socket) {
    items_[index].socket = &socket;
}

// The descriptor of a socket tells changes only, so a socket that was used since it was last asked
// is asked first (libzmq's manual, ZMQ_FD). And it tells changes of any kind: only the socket
// itself knows whether something has come.
void Poller::wait_until(std::optional<Instant> deadline) {
    bool is_any_ready = false;
    polled_.clear();
    for (Item& item : items_) {
        item.ready = item.socket != nullptr && item.socket->is_touched_ && item.socket->has_input();
        is_any_ready |= item.ready;
        polled_.push_back(
            {item.socket != nullptr ? item.socket->descriptor_ : item.descriptor, POLLIN, 0});
    }
    while (true) {
        const int signalled =
            poll(polled_.data(), polled_.size(), is_any_ready ? 0 : timeout_until(deadline));
        for (std::size_t i = 0; i < items_.size() && signalled > 0; ++i) {
            Item& item = items_[i];
            if (polled_[i].revents != 0 && !item.ready) {
                item.ready = item.socket == nullptr || item.socket->has_input();
                is_any_ready |= item.ready;
            }
        }
        if (is_any_ready || signalled <= 0) {
            return;
        }
    }
}

bool is_loopback(std::string_view endpoint) {
    constexpr std::string_view tcp = "tcp://";
    if (endpoint.starts_with("ipc://") || endpoint.starts_with("inproc://")) {
        return true;
    }
    if (!endpoint.starts_with(tcp) || endpoint.find(';') != std::string_view::npos) {
        return false;  // a semicolon puts another address in front of the one that counts
    }
    const std::string_view host = endpoint.substr(tcp.size(), endpoint.rfind(':') - tcp.size());
    // Digits and points only: 127.example.com is a name that may lie anywhere.
    return host == "localhost" || host == "[::1]" ||
           (host.starts_with("127.") &&
            host.find_first_not_of("0123456789.") == std::string_view::npos);
}

namespace {

constexpr std::size_t ipc_path_octets_max = 107;  // of a Unix socket, on Linux

std::optional<std::string> ipc_problem(std::string_view path) {
    if (path.empty() || path == "@") {
        return "it has no path";
    }
    if (path.size() > ipc_path_octets_max) {
        return "a path has at most " + std::to_string(ipc_path_octets_max) + " octets";
    }
    if (escape_controls(path) != path) {
        return "its path is not plain text";
    }
    return std::nullopt;
}

bool is_port(std::string_view text) {
    constexpr std::size_t digits_max = 5;
    std::uint32_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc{} && end == text.data() + text.size() &&
           text.size() <= digits_max && port >= 1 && port <= 65'535;
}

bool is_host(std::string_view text) {
    constexpr std::string_view others = ".-_";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               others.find(c) != std::string_view::npos;
    });
}

std::optional<std::string> tcp_problem(std::string_view address, EndpointUse use) {
    const std::size_t colon = address.rfind(':');
    if (address.starts_with('[') || address.find(':') != colon) {
        return "IPv6 is not there yet, use an IPv4 address such as 127.0.0.1";
    }
    if (colon == std::string_view::npos) {
        return "it has no port";
    }
    const std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    if (use == EndpointUse::listen && host == "localhost") {
        return "where to listen is an address and not a name, use 127.0.0.1";
    }
    if (!is_host(host) && !(use == EndpointUse::listen && host == "*")) {
        return "it has no host";
    }
    if (!is_port(port) && !(use == EndpointUse::listen && port == "*")) {
        return use == EndpointUse::listen ? "a port is 1 to 65535, or * for a free one"
                                          : "a port is 1 to 65535";
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> endpoint_problem(std::string_view endpoint, EndpointUse use) {
    constexpr std::string_view tcp = "tcp://";
    constexpr std::string_view ipc = "ipc://";
    const std::string quoted = "\"" + escape_controls(endpoint) + "\"";
    std::optional<std::string> problem;
    if (endpoint.starts_with(tcp)) {
        problem = tcp_problem(endpoint.substr(tcp.size()), use);
    } else if (endpoint.starts_with(ipc)) {
        problem = ipc_problem(endpoint.substr(ipc.size()));
    } else {
        return quoted +
               " is not an endpoint such as tcp://127.0.0.1:5555 or "
               "ipc:///run/xebec.sock";
    }
    if (problem) {
        return quoted + " is not an endpoint: " + *problem;
    }
    return std::nullopt;
}

}  // namespace xebec::runtime

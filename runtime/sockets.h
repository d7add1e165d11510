#pragma once
// ZeroMQ as this project uses it: no exceptions past start-up, no blocking, bounded frames. Each
// socket belongs to the thread that made it.

#include "protocol/blob.h"
#include "protocol/codec.h"
#include "protocol/time.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::runtime {

class Context {
public:
    explicit Context(int sockets_max = 64);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    void* handle() const { return handle_; }

private:
    void* handle_;
};

// One received message. Frames beyond `frames_max` are read and counted, not kept.
class Multipart {
public:
    static constexpr std::size_t frames_max = 1200;

    Multipart();
    ~Multipart();
    Multipart(const Multipart&) = delete;
    Multipart& operator=(const Multipart&) = delete;

    std::span<const std::string_view> frames() const { return views_; }
    bool is_cut() const { return dropped_ > 0; }

    // Moves a frame's octets into a blob without copying; its view stays valid as long as the blob.
    Blob take(std::size_t index);

private:
    friend class Socket;
    struct Frames;

    std::unique_ptr<Frames> received_;
    std::vector<std::string_view> views_;
    std::size_t dropped_ = 0;
};

// A frame to be sent: copied octets, or a shared blob (large ones travel without a copy).
struct FrameOut {
    std::string_view octets;
    Blob blob;
    std::string* own = nullptr;  // moved from instead, if it is large
};

enum class SocketType { router, dealer, xpub, sub, pair };

struct SocketOptions {
    int send_messages_max = 1000;     // per peer
    int receive_messages_max = 1000;  // per peer
    std::int64_t frame_octets_max = -1;
    milliseconds linger{0};
    std::string subscription;  // of a SUB socket, at the start
};

enum class SendResult {
    sent,     // handed to ZeroMQ, no more than that
    gone,     // there is no such peer
    stalled,  // the peer does not read
};

class Socket {
public:
    Socket(const Context& context, SocketType type, const SocketOptions& options = {});
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    // Throws std::runtime_error with a sentence for people. Returns the endpoint with its port.
    std::string bind(const std::string& endpoint);
    void connect(const std::string& endpoint);
    void unbind(const std::string& endpoint);  // endpoint as bind returned it
    // From now on a message comes to the endpoint returned, within this process, whenever a peer
    // could not be accepted. To a socket of type pair.
    std::string report_accept_failures();
    void stop_reports();
    void subscribe(std::string_view prefix);
    void unsubscribe(std::string_view prefix);
    // How long what was sent may still leave after the socket has been closed.
    void set_linger(milliseconds linger);

    // False if nothing is there.
    bool receive(Multipart& message);
    SendResult send(std::span<const FrameOut> frames);

    // [address …] [empty] [header] [body] [payload …]; `address` is empty on a DEALER.
    SendResult send(std::span<const std::string> address, protocol::Packet packet);

    void* handle() const { return handle_; }

private:
    friend class Poller;
    bool has_input() const;

    void* handle_;
    int descriptor_;  // becomes readable when something may have come
    // Something was done with this socket that may have taken a sign off its descriptor, so that it
    // must be asked before anybody waits for the next one.
    mutable bool is_touched_ = true;
};

// Waits for sockets and descriptors of one thread. zmq_poll would do, but it asks every socket
// twice in each wait, and each question costs two system calls.
class Poller {
public:
    // Both return an index for `is_ready`. A socket must live until it is replaced.
    std::size_t add(const Socket& socket);
    std::size_t add(int descriptor);
    void replace(std::size_t index, const Socket& socket);

    // Until one is readable, a signal interrupts, or `deadline` (none: for ever) has come.
    void wait_until(std::optional<Instant> deadline);
    bool is_ready(std::size_t index) const { return items_[index].ready; }

private:
    struct Item {
        const Socket* socket = nullptr;
        int descriptor = -1;
        bool ready = false;
    };
    std::vector<Item> items_;
    std::vector<pollfd> polled_;
};

// Whether `endpoint` is on this machine only: ipc, inproc, or tcp on 127.0.0.0/8 or [::1].
bool is_loopback(std::string_view endpoint);

enum class EndpointUse { listen, connect };

// Why `endpoint` cannot be used, as a sentence for people that is safe on a terminal; nothing if it
// is well-formed. libzmq takes much that is not: of port 99999 it uses the lower 16 bits.
std::optional<std::string> endpoint_problem(std::string_view endpoint, EndpointUse use);

}  // namespace xebec::runtime

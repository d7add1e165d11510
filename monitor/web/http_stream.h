#pragma once
// A connection of the web server as httplib reads a request from it and writes the answer. Unlike
// httplib's own it bounds how much is read and how long that may take.

#include "protocol/time.h"

#include <array>
#include <cstddef>
#include <httplib.h>
#include <mutex>
#include <set>
#include <string>

namespace xebec::monitor::web {

class HttpStream final : public httplib::Stream {
public:
    // Reads at most `octets_max`. The socket stays the caller's.
    HttpStream(int socket, std::size_t octets_max);

    // So much more may be read.
    void allow(std::size_t octets) { octets_left_ += octets; }

    bool is_readable() const override;
    bool is_writable() const override;
    ssize_t read(char* data, std::size_t size) override;
    ssize_t write(const char* data, std::size_t size) override;
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return socket_; }

private:
    bool fill();

    const int socket_;
    std::size_t octets_left_;
    Instant deadline_;  // for reading: later with every octet
    std::array<char, 8'192> buffer_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// httplib shows a handler its request only: so that says whose it is.
void set_client(httplib::Request& request, int socket);

// Whether whoever sent it has closed the connection, so that nobody waits for the answer.
bool is_client_gone(const httplib::Request& request);

// The connections that are open. Any thread.
class OpenConnections {
public:
    // False: the server ends, and there are to be no more.
    bool add(int socket);
    void remove(int socket);

    // Nobody reads any more; answers under way are still written.
    void end_reading();

private:
    std::mutex mutex_;
    std::set<int> sockets_;
    bool ends_ = false;
};

}  // namespace xebec::monitor::web

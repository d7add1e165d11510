#include "monitor/web/http_stream.h"

#include "runtime/clock.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <poll.h>

namespace xebec::monitor::web {

using std::chrono::milliseconds;

namespace {

// Whoever says nothing for so long has gone. Saying little does not help: what has come only
// lengthens it as if it had come slowly.
constexpr milliseconds patience{5'000};
constexpr std::chrono::microseconds patience_per_octet{250};

bool wait_for(int socket, short event, Instant deadline) {
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - runtime::now().steady).count();
        pollfd waiting{.fd = socket, .events = event, .revents = 0};
        const int count = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
        if (count >= 0 || errno != EINTR) {
            return count > 0;
        }
    }
}

}  // namespace

HttpStream::HttpStream(int socket, std::size_t octets_max)
    : socket_(socket), octets_left_(octets_max), deadline_(runtime::now().steady + patience) {}

bool HttpStream::is_readable() const {
    return begin_ < end_ || wait_for(socket_, POLLIN, deadline_);
}

bool HttpStream::is_writable() const {
    return wait_for(socket_, POLLOUT, runtime::now().steady + patience);
}

bool HttpStream::fill() {
    const std::size_t size = std::min(buffer_.size(), octets_left_);
    if (size == 0 || !wait_for(socket_, POLLIN, deadline_)) {
        return false;
    }
    const ssize_t count = ::recv(socket_, buffer_.data(), size, 0);
    if (count <= 0) {
        return false;
    }
    begin_ = 0;
    end_ = static_cast<std::size_t>(count);
    octets_left_ -= end_;
    deadline_ += count * patience_per_octet;
    return true;
}

ssize_t HttpStream::read(char* data, std::size_t size) {
    if (begin_ == end_ && !fill()) {
        return -1;
    }
    const std::size_t count = std::min(size, end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), count, data);
    begin_ += count;
    return static_cast<ssize_t>(count);
}

ssize_t HttpStream::write(const char* data, std::size_t size) {
    return is_writable() ? ::send(socket_, data, size, MSG_NOSIGNAL) : -1;
}

void set_client(httplib::Request& request, int socket) {
    request.progress = [socket](std::uint64_t, std::uint64_t) {
        pollfd state{.fd = socket, .events = POLLRDHUP, .revents = 0};
        return ::poll(&state, 1, 0) <= 0;
    };
}

bool is_client_gone(const httplib::Request& request) {
    return request.progress && !request.progress(0, 0);
}

bool OpenConnections::add(int socket) {
    const std::lock_guard lock(mutex_);
    return !ends_ && sockets_.insert(socket).second;
}

void OpenConnections::remove(int socket) {
    const std::lock_guard lock(mutex_);
    sockets_.erase(socket);
}

void OpenConnections::end_reading() {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    for (const int socket : sockets_) {
        ::shutdown(socket, SHUT_RD);
    }
}

}  // namespace xebec::monitor::web

#include "monitor/web/http_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>

namespace xebec::monitor::web {
namespace {

// Both ends of a connection.
class Pair {
public:
    Pair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) != 0) {
            throw std::runtime_error("no pair of sockets");
        }
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    int server() const { return ends_[0]; }
    void send(std::string_view text) const {
        ASSERT_EQ(::send(ends_[1], text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    std::string receive() const {
        std::array<char, 100> buffer{};
        const ssize_t count = ::recv(ends_[1], buffer.data(), buffer.size(), 0);
        return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
    }
    void hang_up() const { ::shutdown(ends_[1], SHUT_RDWR); }

private:
    std::array<int, 2> ends_{};
};

// At most so many octets; "-" if there are none to come.
std::string read(HttpStream& stream, std::size_t octets) {
    std::string text(octets, '\0');
    const ssize_t count = stream.read(text.data(), text.size());
    return count < 0 ? "-" : text.substr(0, static_cast<std::size_t>(count));
}

TEST(HttpStream, ReadsWhatComesInPieces) {
    const Pair pair;
    HttpStream stream(pair.server(), 100);
    pair.send("abcdef");

    EXPECT_TRUE(stream.is_readable());
    EXPECT_EQ(read(stream, 1), "a");
    EXPECT_EQ(read(stream, 2), "bc");
    EXPECT_EQ(read(stream, 50), "def");

    pair.send("g");
    EXPECT_EQ(read(stream, 50), "g");
}

TEST(HttpStream, ReadsNoMoreThanIsAllowed) {
    const Pair pair;
    HttpStream stream(pair.server(), 3);
    pair.send("abcdef");

    EXPECT_EQ(read(stream, 50), "abc");
    EXPECT_EQ(read(stream, 50), "-");

    stream.allow(2);
    EXPECT_EQ(read(stream, 50), "de");
    EXPECT_EQ(read(stream, 50), "-");
}

TEST(HttpStream, EndsWithTheOtherSide) {
    const Pair pair;
    HttpStream stream(pair.server(), 100);
    pair.send("a");
    pair.hang_up();

    EXPECT_EQ(read(stream, 50), "a");
    EXPECT_EQ(read(stream, 50), "-");
    EXPECT_EQ(stream.write("b", 1), -1);
}

TEST(HttpStream, Writes) {
    const Pair pair;
    HttpStream stream(pair.server(), 0);

    EXPECT_TRUE(stream.is_writable());
    EXPECT_EQ(stream.write("abc", 3), 3);
    EXPECT_EQ(pair.receive(), "abc");
}

TEST(OpenConnections, EndReadingButNotWriting) {
    const Pair pair;
    OpenConnections connections;
    ASSERT_TRUE(connections.add(pair.server()));
    HttpStream stream(pair.server(), 100);
    auto reader = std::async(std::launch::async, [&stream] { return read(stream, 50); });

    connections.end_reading();

    EXPECT_EQ(reader.get(), "-");
    EXPECT_EQ(stream.write("abc", 3), 3);
    EXPECT_EQ(pair.receive(), "abc");
}

TEST(OpenConnections, LeaveAloneThoseThatWereClosed) {
    const Pair pair;
    OpenConnections connections;
    ASSERT_TRUE(connections.add(pair.server()));
    connections.remove(pair.server());
    HttpStream stream(pair.server(), 100);

    connections.end_reading();

    pair.send("a");
    EXPECT_EQ(read(stream, 50), "a");
}

TEST(OpenConnections, AreNoMoreAfterTheEnd) {
    const Pair pair;
    OpenConnections connections;

    connections.end_reading();

    EXPECT_FALSE(connections.add(pair.server()));
}

}  // namespace
}  // namespace xebec::monitor::web

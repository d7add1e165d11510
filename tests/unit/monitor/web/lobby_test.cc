#include "monitor/web/lobby.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <poll.h>
#include <semaphore>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

// The client's end of a connection whose other end is in a lobby.
class Visitor {
public:
    explicit Visitor(Lobby& lobby, std::string_view at_once = {}) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
            throw std::runtime_error("no pair of sockets");
        }
        end_ = ends[0];
        say(at_once);
        lobby.add(ends[1]);
    }
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;
    ~Visitor() { ::close(end_); }

    void say(std::string_view text) const { ::send(end_, text.data(), text.size(), MSG_NOSIGNAL); }
    // After waiting for that.
    bool is_closed() const {
        pollfd waiting{.fd = end_, .events = POLLIN, .revents = 0};
        char octet = 0;
        return ::poll(&waiting, 1, 60'000) == 1 && ::recv(end_, &octet, 1, 0) <= 0;
    }

private:
    int end_;
};

constexpr LobbyLimits patient{.silence_max = 60s, .wait_max = 60s};

using Times = std::counting_semaphore<>;

// What a lobby's doors did.
struct Seen {
    Times admitted{0};
    Times refused{0};
    std::atomic<bool> has_room = true;
    std::atomic<int> tries = 0;

    Lobby::Doors doors() {
        return {.admit =
                    [this](int socket) {
                        ++tries;
                        if (!has_room) {
                            return false;
                        }
                        ::close(socket);
                        admitted.release();
                        return true;
                    },
                .refuse =
                    [this](int socket) {
                        ::close(socket);
                        refused.release();
                    }};
    }
};

bool comes(Times& times) {
    return times.try_acquire_for(60s);
}

TEST(Lobby, AdmitsWhoSpeaks) {
    Seen seen;
    Lobby lobby(patient, seen.doors());
    const Visitor silent(lobby);
    const Visitor speaker(lobby);

    speaker.say("GET");

    EXPECT_TRUE(comes(seen.admitted));
    EXPECT_EQ(seen.tries, 1);
}

TEST(Lobby, ClosesWhoSaysNothing) {
    Seen seen;
    Lobby lobby({.silence_max = 1ms}, seen.doors());
    const Visitor silent(lobby);

    EXPECT_TRUE(silent.is_closed());
    EXPECT_EQ(seen.tries, 0);
}

TEST(Lobby, KeepsSoManyWhoSayNothing) {
    Seen seen;
    Lobby lobby({.silent_max = 1, .silence_max = 60s}, seen.doors());
    const Visitor first(lobby);
    const Visitor second(lobby);

    EXPECT_TRUE(first.is_closed());

    second.say("GET");
    EXPECT_TRUE(comes(seen.admitted));
}

TEST(Lobby, SendsNobodyAwayWhoHasSpoken) {
    Seen seen;
    Lobby lobby({.silent_max = 0, .silence_max = 60s}, seen.doors());

    const Visitor speaker(lobby, "GET");

    EXPECT_TRUE(comes(seen.admitted));
}

TEST(Lobby, RefusesWhoWaitsTooLong) {
    Seen seen;
    seen.has_room = false;
    Lobby lobby({.wait_max = 1ms}, seen.doors());
    const Visitor speaker(lobby);

    speaker.say("GET");

    EXPECT_TRUE(comes(seen.refused));
    EXPECT_GE(seen.tries, 1);
}

TEST(Lobby, RefusesTheFirstWhenTooManyWait) {
    Seen seen;
    seen.has_room = false;
    Lobby lobby({.silence_max = 60s, .waiting_max = 1, .wait_max = 60s}, seen.doors());
    const Visitor first(lobby);
    const Visitor second(lobby);

    first.say("GET");
    while (seen.tries == 0) {
        std::this_thread::yield();
    }
    second.say("GET");

    EXPECT_TRUE(comes(seen.refused));
    EXPECT_TRUE(first.is_closed());
    seen.has_room = true;
    EXPECT_TRUE(comes(seen.admitted));
}

TEST(Lobby, AdmitsOnceThereIsRoom) {
    Seen seen;
    seen.has_room = false;
    Lobby lobby(patient, seen.doors());
    const Visitor speaker(lobby);
    speaker.say("GET");
    while (seen.tries == 0) {
        std::this_thread::yield();
    }

    seen.has_room = true;

    EXPECT_TRUE(comes(seen.admitted));
}

TEST(Lobby, ClosesAllAtItsEnd) {
    Seen seen;
    std::optional<Lobby> lobby;
    lobby.emplace(patient, seen.doors());
    const Visitor silent(*lobby);

    lobby.reset();

    EXPECT_TRUE(silent.is_closed());
}

}  // namespace
}  // namespace xebec::monitor::web

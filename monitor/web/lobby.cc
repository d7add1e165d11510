#include "monitor/web/lobby.h"

#include "runtime/clock.h"
#include "runtime/descriptors.h"

#include <unistd.h>
#include <utility>
#include <vector>

namespace xebec::monitor::web {

namespace {

constexpr int nobody = -1;                 // only wakes the thread
constexpr milliseconds full_interval{20};  // until the next try while there is no room

}  // namespace

Lobby::Lobby(LobbyLimits limits, Doors doors) : limits_(limits), doors_(std::move(doors)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Lobby::~Lobby() {
    end();
    take_arrived({});
    for (const Visitor& visitor : silent_) {
        ::close(visitor.socket);
    }
    for (const Visitor& visitor : speaking_) {
        ::close(visitor.socket);
    }
}

void Lobby::end() {
    if (thread_.joinable()) {
        thread_.request_stop();
        arrived_.put(nobody);
        thread_.join();
    }
}

void Lobby::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        runtime::DescriptorWait wait;
        wait.add_readable(arrived_.descriptor());
        std::vector<std::size_t> indexes;
        for (const Visitor& visitor : silent_) {
            indexes.push_back(wait.add_readable(visitor.socket));
        }
        wait.wait_until(next_look(runtime::now().steady));

        const Instant now = runtime::now().steady;
        auto index = indexes.begin();
        for (auto visitor = silent_.begin(); visitor != silent_.end();) {
            if (wait.is_ready(*index++)) {
                speaking_.push_back({visitor->socket, now + limits_.wait_max});
                visitor = silent_.erase(visitor);
            } else if (visitor->deadline <= now || silent_.size() > limits_.silent_max) {
                ::close(visitor->socket);
                visitor = silent_.erase(visitor);
            } else {
                ++visitor;
            }
        }
        take_arrived(now);
        admit_speaking(now);
    }
}

std::optional<Instant> Lobby::next_look(Instant now) const {
    if (silent_.size() > limits_.silent_max) {
        return now;  // who has not spoken by then goes
    }
    if (!speaking_.empty()) {
        return now + full_interval;
    }
    return silent_.empty() ? std::nullopt : std::optional(silent_.front().deadline);
}

void Lobby::take_arrived(Instant now) {
    for (const int socket : arrived_.take()) {
        if (socket != nobody) {
            silent_.push_back({socket, now + limits_.silence_max});
        }
    }
}

void Lobby::admit_speaking(Instant now) {
    while (!speaking_.empty() && doors_.admit(speaking_.front().socket)) {
        speaking_.pop_front();
    }
    while (!speaking_.empty() &&
           (speaking_.front().deadline <= now || speaking_.size() > limits_.waiting_max)) {
        doors_.refuse(speaking_.front().socket);
        speaking_.pop_front();
    }
}

}  // namespace xebec::monitor::web

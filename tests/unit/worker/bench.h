#pragma once
// A worker's core on a bench: the test is the broker, the executor and the clock.

#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/messages.h"
#include "protocol/names.h"
#include "worker/core.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::worker {

using namespace std::chrono_literals;

inline TaskId task_id(std::uint8_t n) {
    TaskId id;
    id.octets.fill(n);
    return id;
}

inline protocol::LeaseRef lease(std::uint8_t n, std::uint64_t fence = 1) {
    return {task_id(n), fence};
}

// Something the core sent, kept alive with the frames it borrows from.
struct Sent {
    std::unique_ptr<protocol::Packet> packet;
    protocol::Message message;

    const Header& header() const { return packet->header; }
};

class Bench {
public:
    static constexpr std::uint64_t session = 77;

    explicit Bench(CoreOptions options = {}) : core(with_names(std::move(options)), 1) {}

    static CoreOptions with_names(CoreOptions options) {
        options.name = "w-1";
        options.host = "host";
        options.process = 4711;
        options.kinds = {"add", "sleep"};
        return options;
    }

    // ---- the clock ----

    // Lets time pass in small steps, as a loop would.
    void pass(Duration duration) {
        const Instant end = now.steady + duration;
        while (now.steady < end) {
            const auto next = core.next_deadline();
            now.steady = std::min(end, std::max(now.steady + 1ms, next.value_or(end)));
            tick();
        }
    }
    // The clock jumps, as after a stall: nothing is done meanwhile.
    void stall(Duration duration) { now.steady += duration; }
    void tick() { apply(TimePassed{}); }

    void see_machine(const MachineUse& use) {
        apply(MachineSeen{use});
        tick();
    }

    // ---- the executor ----

    void begin(AttemptKey key) {
        apply(HandlerStarted{key, now.steady});
        tick();
    }
    void succeed(AttemptKey key, std::string_view result = "r", Duration run = 50ms,
                 bool was_stopped = false) {
        apply(HandlerFinished{key, Success{Blob::copy_of(result)}, run, was_stopped});
        tick();
    }
    void fail(AttemptKey key, Failure failure, bool was_stopped = false) {
        apply(HandlerFinished{key, std::move(failure), 50ms, was_stopped});
        tick();
    }
    void give(AttemptKey key) {
        apply(HandlerTakenBack{key});
        tick();
    }

    // ---- the broker ----

    void receive(const protocol::Message& message, std::uint64_t correlation = 0,
                 std::uint64_t in_session = session) {
        // Through the codec, so that what the core keeps is not borrowed from the test.
        protocol::Packet packet =
            protocol::encode({.correlation = correlation, .session = in_session}, message);
        const auto decoded = protocol::decode(packet.header, packet.body, packet.payloads);
        ASSERT_TRUE(decoded) << decoded.error().detail;
        apply(MessageReceived{packet.header, *decoded});
        tick();
    }

    // Starts the core and welcomes it; what it said is forgotten.
    void connect(protocol::Welcome welcome = {.epoch = 5}, std::uint64_t new_session = session) {
        apply(WorkerStarted{});
        tick();
        welcome_back(std::move(welcome), new_session);
        take<Connected>();
    }
    void welcome_back(protocol::Welcome welcome = {.epoch = 5},
                      std::uint64_t new_session = session) {
        auto hello = take_one<protocol::Hello>();
        ASSERT_TRUE(hello);
        receive(welcome, hello->header().correlation, new_session);
    }

    static protocol::AssignItem item(std::uint8_t n, std::uint64_t fence = 1) {
        return {.id = task_id(n),
                .fence = fence,
                .number = n,
                .kind = "add",
                .queue = "default",
                .payload = std::string_view("[1,2]"),
                .content_type = ContentType::json,
                .attempt = 1,
                .lease_ms = 30'000};
    }
    void assign(std::vector<protocol::AssignItem> items, std::uint64_t in_session = session) {
        receive(protocol::Assign{std::move(items)}, 0, in_session);
    }
    // Assigns one task and begins it.
    AttemptKey run(protocol::AssignItem item) {
        assign({std::move(item)});
        const auto started = take<Start>();
        EXPECT_EQ(started.size(), 1U);
        const AttemptKey key = started.empty() ? 0 : started.front().attempt;
        begin(key);
        return key;
    }

    // ---- what the core wanted, in order; taking removes it ----

    template <class E>
    std::vector<E> take() {
        std::vector<E> taken;
        std::deque<Effect> rest;
        for (Effect& effect : wanted_) {
            if (auto* one = std::get_if<E>(&effect)) {
                taken.push_back(std::move(*one));
            } else {
                rest.push_back(std::move(effect));
            }
        }
        wanted_ = std::move(rest);
        return taken;
    }

    // Messages of one type; others stay.
    template <class M>
    std::vector<Sent> take_sent() {
        std::vector<Sent> taken;
        std::deque<Effect> rest;
        for (Effect& effect : wanted_) {
            auto* send = std::get_if<Send>(&effect);
            if (send == nullptr || send->packet.header.type != M::type) {
                rest.push_back(std::move(effect));
                continue;
            }
            auto packet = std::make_unique<protocol::Packet>(std::move(send->packet));
            auto decoded = protocol::decode(packet->header, packet->body, packet->payloads);
            EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().detail);
            taken.push_back({std::move(packet), *decoded});
        }
        wanted_ = std::move(rest);
        return taken;
    }

    // The only message of this type; nothing if there is another number of them.
    template <class M>
    std::optional<Sent> take_one() {
        auto taken = take_sent<M>();
        EXPECT_EQ(taken.size(), 1U);
        if (taken.size() != 1) {
            return std::nullopt;
        }
        return std::move(taken.front());
    }
    template <class M>
    M take_message() {
        auto sent = take_one<M>();
        if (!sent) {
            return {};
        }
        kept_.push_back(std::move(*sent));
        return std::get<M>(kept_.back().message);
    }

    // "And nothing else happened", pings aside when time passed.
    bool is_quiet() const { return wanted_.empty(); }
    void ignore_pings() { take_sent<protocol::Ping>(); }
    // Lets time pass with a broker that answers pings.
    void pass_with_pongs(Duration duration) {
        const Instant end = now.steady + duration;
        while (now.steady < end) {
            pass(std::min<Duration>(end - now.steady, 100ms));
            for (const Sent& ping : take_sent<protocol::Ping>()) {
                receive(protocol::Pong{}, ping.header().correlation);
            }
        }
    }

    Core core;
    Now now{.steady = Instant{1h}, .wall = WallTime{}};

private:
    void apply(const Event& event) {
        Effects effects;
        core.apply(event, now, effects);
        core.check_invariants();
        for (Effect& effect : effects) {
            wanted_.push_back(std::move(effect));
        }
    }

    std::deque<Effect> wanted_;
    std::deque<Sent> kept_;
};

}  // namespace xebec::worker

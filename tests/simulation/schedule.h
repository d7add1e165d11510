#pragma once
// Simulated time: what happens when, in one thread, from one seed.

#include "protocol/time.h"

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>

namespace xebec::simulation {

// One generator for everything random in a world, so that a seed replays it exactly.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t number() { return engine_(); }
    std::uint64_t below(std::uint64_t end) { return end == 0 ? 0 : engine_() % end; }
    bool happens(double probability) {
        return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
    }
    Duration between(Duration least, Duration most) {
        const auto span = static_cast<std::uint64_t>((most - least).count());
        return least + Duration{static_cast<std::int64_t>(below(span + 1))};
    }

private:
    std::mt19937_64 engine_;
};

// How far a machine's clocks are from the world's. Its steady clock begins again somewhere when the
// machine does.
struct Clocks {
    milliseconds wall{0};
    Duration steady{0};
};

// Actions in the order of their instants; those of one instant in the order of being planned.
class Schedule {
public:
    using Action = std::function<void()>;

    void at(Instant instant, Action action) {
        actions_.emplace(std::pair{std::max(instant, now_), ++planned_}, std::move(action));
    }
    void after(Duration pause, Action action) { at(now_ + pause, std::move(action)); }

    // Does the next action if it comes before `end`; else it is `end`, and false.
    bool step(Instant end) {
        if (actions_.empty() || actions_.begin()->first.first > end) {
            now_ = end;
            return false;
        }
        auto next = actions_.extract(actions_.begin());
        now_ = next.key().first;
        next.mapped()();
        return true;
    }

    Instant now() const { return now_; }

private:
    Instant now_{std::chrono::seconds{1'000}};
    std::uint64_t planned_ = 0;
    std::map<std::pair<Instant, std::uint64_t>, Action> actions_;
};

}  // namespace xebec::simulation

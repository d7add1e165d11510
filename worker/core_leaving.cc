// How a worker leaves: what has not begun goes back, what runs may finish within the grace, the
// rest is stopped and goes back as well, and the last word waits for the last acknowledgement.

#include "protocol/check.h"
#include "worker/core.h"

#include <algorithm>
#include <utility>

namespace xebec::worker {

namespace {

// While leaving, assignments can still arrive. They go back at this pace, so that they do not fly
// to and fro between a broker that sees room and a worker that has none.
constexpr Duration release_pause = milliseconds(100);

}  // namespace

void Core::on(const DrainRequested& event, Now now, Effects& effects) {
    if (!departure_) {
        start_leaving(event.reason, options_.grace, now, effects);
    }
}

void Core::on(const StopRequested& event, Now now, Effects& effects) {
    if (!departure_) {
        start_leaving(event.reason, {}, now, effects);
    }
    departure_->grace_ends = std::min(departure_->grace_ends, now.steady);
}

void Core::receive(const protocol::Drain&, Now now, Effects& effects) {
    if (!departure_) {
        start_leaving("the broker asks", options_.grace, now, effects);
    }
}

void Core::start_leaving(std::string reason, milliseconds grace, Now now, Effects& effects) {
    departure_ = Departure{.grace_ends = now.steady + grace,
                           .stop_ends = now.steady + grace + options_.stop_max,
                           .release_due = now.steady};
    for (auto& [key, attempt] : attempts_.all()) {
        if (attempt.stage == Stage::handed) {
            attempt.is_wanted_back = true;
            effects.push_back(TakeBack{key});
        }
    }
    effects.push_back(Leaving{std::move(reason), attempts_.size()});
    if (link_.is_open()) {
        link_.tell(protocol::Drain{}, effects);
    }
}

void Core::keep_leaving(Now now, Effects& effects) {
    if (!departure_) {
        return;
    }
    Departure& leaving = *departure_;
    if (leaving.release_due <= now.steady && !waiting_.empty()) {
        give_back_waiting();
        leaving.release_due = now.steady + release_pause;
    }
    if (!leaving.is_cancelled && leaving.grace_ends <= now.steady) {
        leaving.is_cancelled = true;
        leaving.stop_ends = now.steady + options_.stop_max;
        cancel_rest(effects);
    }
    if (leaving.is_cancelled && leaving.stop_ends <= now.steady) {
        leaving.stop_ends = Instant::max();
        give_up_rest();
    }
    if (in_executor_ > 0) {
        return;
    }
    if (!leaving.farewell_ends) {
        leaving.farewell_ends = now.steady + options_.farewell_max;
    }
    give_back_waiting();
    const bool may_go = link_.is_open() ? !has_outcomes() : attempts_.empty();
    if (may_go || *leaving.farewell_ends <= now.steady) {
        flush(now, effects);
        if (link_.is_open()) {
            link_.tell(protocol::Bye{"draining"}, effects);
        }
        finish_worker(std::nullopt, effects);
    }
}

void Core::give_back_waiting() {
    for (const AttemptKey key : std::exchange(waiting_, {})) {
        finish(key, *attempts_.find(key), GivenBack{false});
    }
}

void Core::cancel_rest(Effects& effects) {
    for (auto& [key, attempt] : attempts_.all()) {
        if (attempt.is_in_executor() && !attempt.stop) {
            stop(key, attempt, StopReason::leaving, effects);
        }
    }
}

// Handlers that do not return although asked to are left behind; their tasks go back all the same.
void Core::give_up_rest() {
    std::vector<AttemptKey> unknown;
    for (auto& [key, attempt] : attempts_.all()) {
        if (!attempt.is_in_executor()) {
            continue;
        }
        leave_executor(attempt);
        if (attempt.is_unknown) {
            unknown.push_back(key);
        } else {
            finish(key, attempt, GivenBack{true});
        }
    }
    for (const AttemptKey key : unknown) {
        attempts_.remove(key);
    }
}

// Results and failures must be acknowledged. What goes back need not be: the releases travel in
// front of the good-bye, and that would give them back as well.
bool Core::has_outcomes() const {
    return std::any_of(attempts_.all().begin(), attempts_.all().end(), [](const auto& held) {
        return !std::holds_alternative<GivenBack>(held.second.outcome);
    });
}

void Core::finish_worker(std::optional<Error> error, Effects& effects) {
    is_finished_ = true;
    effects.push_back(Finished{std::move(error)});
}

void Core::check_invariants() const {
    std::uint32_t in_executor = 0;
    std::uint32_t running = 0;
    std::size_t waiting = 0;
    for (const auto& [key, attempt] : attempts_.all()) {
        in_executor += attempt.is_in_executor() ? 1 : 0;
        running += attempt.stage == Stage::running ? 1 : 0;
        waiting += attempt.stage == Stage::waiting ? 1 : 0;
        check(attempts_.find(attempt.lease()) == key, "an attempt is found by its lease");
        check(!attempt.is_over || attempt.is_in_executor(),
              "a lease that is over is kept only for its handler");
    }
    check(in_executor == in_executor_, "what the executor has is counted");
    check(running == running_, "what runs is counted");
    check(waiting == waiting_.size(), "what waits is in the line");
    check(std::is_sorted(waiting_.begin(), waiting_.end()), "the line is in order of assignment");
    check(credit_.wanted() >= options_.slots, "the credit is never below the slots");
}

}  // namespace xebec::worker

#include "worker/core.h"

#include "protocol/check.h"
#include "protocol/errors.h"
#include "protocol/time_text.h"
#include "worker/outcomes.h"

#include <algorithm>
#include <random>
#include <utility>

namespace xebec::worker {

namespace {

constexpr std::size_t early_max = 256;  // messages

}  // namespace

Core::Core(CoreOptions options, std::uint64_t seed)
    : options_(std::move(options)),
      instance_(std::mt19937_64(seed)() | 1),
      link_(options_.link, seed),
      credit_(options_.slots),
      credit_told_(options_.slots) {
    check(options_.slots > 0, "a worker has a slot");
}

void Core::apply(const Event& event, Now now, Effects& effects) {
    if (!is_finished_) {
        std::visit([&](const auto& happened) { on(happened, now, effects); }, event);
    }
}

void Core::on(const WorkerStarted&, Now now, Effects& effects) {
    introduce(now, effects);
}

void Core::on(const MessageReceived& event, Now now, Effects& effects) {
    using namespace protocol;
    const Header& header = event.header;
    if (const auto* welcome = std::get_if<Welcome>(&event.message)) {
        if (const auto hello = link_.welcome(header, *welcome, now)) {
            accept(*hello, *welcome, now, effects);
            take_early(now, effects);
        }
        return;
    }
    if (const auto* error = std::get_if<ErrorAnswer>(&event.message)) {
        receive_error(header, *error, now, effects);
        return;
    }
    if (!link_.is_current(header)) {
        keep_early(header, event.message);
        return;
    }
    link_.note_heard(now);
    if (std::holds_alternative<Ping>(event.message)) {
        link_.answer(header.correlation, Pong{}, effects);
        return;
    }
    std::visit(
        [&](const auto& message) {
            if constexpr (requires { receive(message, now, effects); }) {
                receive(message, now, effects);
            } else if (const auto question = link_.take_question(header.correlation)) {
                accept_answer(*question, message, now, effects);
            }
        },
        event.message);
}

template <class M>
void Core::accept_answer(const Question& question, const M& message, Now now, Effects& effects) {
    if (question.type + 1 != M::type) {
        ask_again(question);
    } else if constexpr (std::is_same_v<M, protocol::ExtendAnswer>) {
        accept(question, message, now, effects);
    } else if constexpr (requires { message.statuses; }) {
        acknowledge(question, message.statuses.size(), now);
    }
}

void Core::on(const TimePassed&, Now now, Effects& effects) {
    keep_link(now, effects);
    watch_leases(now, effects);
    keep_leaving(now, effects);
    if (is_finished_) {
        return;
    }
    hand_over(now, effects);
    flush(now, effects);
    tell_credit(now, effects);
    ping(now, effects);
}

std::optional<Instant> Core::next_deadline() const {
    if (is_finished_) {
        return std::nullopt;
    }
    Instant next = std::min(watch_due_, link_.next_deadline().value_or(Instant::max()));
    if (resend_due_) {
        next = std::min(next, *resend_due_);
    }
    if (is_stuck_watch()) {
        next = std::min(next, last_start_ + CreditRule::wait_max);
    }
    if (departure_) {
        const Departure& leaving = *departure_;
        next = std::min(next, leaving.is_cancelled ? leaving.stop_ends : leaving.grace_ends);
        next = std::min(next, leaving.farewell_ends.value_or(Instant::max()));
        next = std::min(next, waiting_.empty() ? Instant::max() : leaving.release_due);
    }
    return next == Instant::max() ? std::nullopt : std::optional(next);
}

// ---- the session ----

// A welcome waits at the broker until what it says is durable, and assignments do not: they can
// come before it. Which session it will be is known only then; all others are over.
void Core::keep_early(const Header& header, const protocol::Message& message) {
    if (link_.is_introducing() && header.session != 0 && early_.size() < early_max) {
        early_.push_back(protocol::encode(header, message, link_.limits().inline_octets_max));
    }
}

void Core::take_early(Now now, Effects& effects) {
    for (const protocol::Packet& packet : std::exchange(early_, {})) {
        const auto message =
            protocol::decode(packet.header, packet.body, packet.payloads, link_.limits());
        if (message && link_.is_current(packet.header)) {
            on(MessageReceived{packet.header, *message}, now, effects);
        }
    }
}

void Core::introduce(Now now, Effects& effects) {
    protocol::Hello hello{.role = protocol::Role::worker,
                          .name = options_.name,
                          .kinds = {options_.kinds.begin(), options_.kinds.end()},
                          .queues = {options_.queues.begin(), options_.queues.end()},
                          .slots = options_.slots,
                          .host = options_.host,
                          .process = options_.process,
                          .instance = instance_};
    std::vector<AttemptKey> held;
    for (const auto& [key, attempt] : attempts_.all()) {
        if (!attempt.is_over) {
            hello.held.push_back(attempt.lease());
            held.push_back(key);
        }
    }
    // The broker confirms no more leases than there is credit for.
    hello.credit = std::min(std::max(credit_.wanted(), static_cast<std::uint32_t>(held.size())),
                            worker_credit_max);
    credit_told_ = hello.credit;
    early_.clear();
    link_.introduce(std::move(hello), std::move(held), now, effects);
}

void Core::keep_link(Now now, Effects& effects) {
    for (const Question& question : link_.take_overdue(now)) {
        ask_again(question);
    }
    if (link_.is_silent(now)) {
        link_.lose("the broker is silent", {}, now, effects);
    }
    if (link_.is_rested(now)) {
        effects.push_back(Reconnect{});
        introduce(now, effects);
    }
}

void Core::accept(const Question& hello, const protocol::Welcome& welcome, Now now,
                  Effects& effects) {
    effects.push_back(Connected{welcome.epoch});
    credit_.set_max(welcome.credit_max);
    for (std::size_t i = 0; i < hello.attempts.size(); ++i) {
        const AttemptKey key = hello.attempts[i];
        Attempt* attempt = attempts_.find(key);
        if (attempt == nullptr || attempt->is_over || attempt->stage == Stage::finished) {
            continue;
        }
        const std::uint64_t left_ms = i < welcome.held_ms.size() ? welcome.held_ms[i] : 0;
        if (left_ms == 0) {
            attempt->is_unknown = true;
            lose_lease(key, *attempt, StopReason::lease_lost, effects);
        } else {
            attempt->lease_time = milliseconds(left_ms);
            attempt->leased_at = hello.sent;
            attempt->expires = hello.sent + attempt->lease_time;
        }
    }
    unsent_.clear();
    resend_due_.reset();
    is_machine_told_ = !machine_;
    for (auto& [key, attempt] : attempts_.all()) {
        attempt.is_extending = false;
        attempt.is_unknown = attempt.is_unknown || attempt.is_over;
        if (attempt.stage == Stage::finished) {
            unsent_.push_back(key);
        }
    }
    watch_due_ = now.steady;
}

void Core::receive_error(const Header& header, const protocol::ErrorAnswer& error, Now now,
                         Effects& effects) {
    if (link_.answers_hello(header)) {
        receive_refused_hello(error, now, effects);
        return;
    }
    if (!link_.is_current_error(header)) {
        return;
    }
    link_.note_heard(now);
    const auto refusal = static_cast<Refusal>(error.code);
    if (refusal == Refusal::not_registered) {
        if (link_.was_introduced_lately(now)) {
            link_.lose("the broker does not know this worker", {}, now, effects);
        } else {
            introduce(now, effects);
        }
        return;
    }
    const auto question = link_.take_question(header.correlation);
    if (!question) {
        return;
    }
    if (error.retryable || can_retry(refusal)) {
        resend_due_ =
            now.steady + std::clamp<Duration>(milliseconds(error.retry_after_ms),
                                              options_.link.pause_first, options_.link.pause_max);
        ask_again(*question);
    } else if (question->type != protocol::Extend::type) {
        // The broker will never take these: their leases end by themselves.
        acknowledge(*question, question->attempts.size(), now);
    }
}

void Core::receive_refused_hello(const protocol::ErrorAnswer& error, Now now, Effects& effects) {
    const auto refusal = static_cast<Refusal>(error.code);
    const bool can_change = error.retryable || can_retry(refusal) ||
                            refusal == Refusal::shutting_down || refusal == Refusal::internal ||
                            refusal == Refusal::not_registered;
    if (!can_change) {
        finish_worker(to_error(refusal, error.text), effects);
        return;
    }
    constexpr std::uint64_t pause_most_ms = 60'000;
    link_.lose("the broker refused: " + std::string(error.text),
               milliseconds(std::min(error.retry_after_ms, pause_most_ms)), now, effects);
}

void Core::receive(const protocol::Bye& message, Now now, Effects& effects) {
    link_.lose("the broker left: " + std::string(message.reason), {}, now, effects);
}

// An answer did not come, or came too late to be recognised.
void Core::ask_again(const Question& question) {
    for (const AttemptKey key : question.attempts) {
        Attempt* attempt = attempts_.find(key);
        if (attempt == nullptr) {
            continue;
        }
        if (question.type == protocol::Extend::type) {
            attempt->is_extending = false;
            watch_due_ = Instant::min();
        } else if (attempt->stage == Stage::finished) {
            unsent_.push_back(key);
        }
    }
}

void Core::on(const MachineSeen& event, Now, Effects&) {
    machine_ = event.use;
    is_machine_told_ = false;
}

void Core::ping(Now now, Effects& effects) {
    if (link_.is_open() && !is_machine_told_) {
        is_machine_told_ = true;
        link_.ask(protocol::Ping{machine_->view()}, {}, now, effects);
    } else if (link_.is_ping_due(now)) {
        link_.ask(protocol::Ping{}, {}, now, effects);
    }
}

// ---- handlers ----

void Core::on(const HandlerStarted& event, Now now, Effects&) {
    Attempt* attempt = attempts_.find(event.attempt);
    if (attempt == nullptr || attempt->stage != Stage::handed) {
        return;
    }
    attempt->stage = Stage::running;
    attempt->started = event.at;
    last_start_ = std::max(last_start_, event.at);
    ++running_;
    const bool has_ended = attempt->expires <= now.steady;
    watch_due_ = std::min(watch_due_, has_ended ? now.steady : next_watch(*attempt, now));
}

void Core::on(const HandlerFinished& event, Now, Effects&) {
    Attempt* attempt = attempts_.find(event.attempt);
    if (attempt == nullptr || !attempt->is_in_executor()) {
        return;  // given up while leaving
    }
    leave_executor(*attempt);
    attempt->run = event.run;
    HandlerOutcome outcome = within_limits(event.outcome, link_.limits());
    const auto* success = std::get_if<Success>(&outcome);
    if (!event.was_stopped) {
        credit_.note_finished(event.run, success != nullptr ? success->result.size() : 0);
        // Finished before we could stop it. If its lease is over the broker says so by the fence.
        finish(
            event.attempt, *attempt,
            std::visit([](auto&& one) -> Outcome { return std::move(one); }, std::move(outcome)));
    } else if (attempt->is_unknown) {
        attempts_.remove(event.attempt);
    } else if (attempt->stop == StopReason::run_limit) {
        const auto limit =
            std::chrono::duration_cast<std::chrono::microseconds>(attempt->assignment.run_max);
        finish(event.attempt, *attempt,
               Failure{.error_class = "timed_out",
                       .text = "stopped at its run limit of " + format_duration(limit)});
    } else {
        finish(event.attempt, *attempt, GivenBack{true});
    }
}

void Core::on(const HandlerTakenBack& event, Now, Effects&) {
    Attempt* attempt = attempts_.find(event.attempt);
    if (attempt == nullptr || !attempt->is_in_executor()) {
        return;
    }
    leave_executor(*attempt);
    if (attempt->is_unknown) {
        attempts_.remove(event.attempt);
    } else if (attempt->is_wanted_back || attempt->is_over || departure_) {
        finish(event.attempt, *attempt, GivenBack{false});
    } else {
        attempt->stage = Stage::waiting;
        waiting_.insert(std::lower_bound(waiting_.begin(), waiting_.end(), event.attempt),
                        event.attempt);
    }
}

void Core::leave_executor(Attempt& attempt) {
    --in_executor_;
    running_ -= attempt.stage == Stage::running ? 1 : 0;
}

void Core::finish(AttemptKey key, Attempt& attempt, Outcome outcome) {
    attempt.stage = Stage::finished;
    attempt.is_over = false;
    attempt.outcome = std::move(outcome);
    attempt.assignment.payload = {};
    unsent_.push_back(key);
}

// ---- what the broker hears ----

void Core::flush(Now now, Effects& effects) {
    if (resend_due_ && *resend_due_ <= now.steady) {
        resend_due_.reset();
    }
    if (!link_.is_open() || unsent_.empty() || resend_due_) {
        return;
    }
    std::vector<FinishedAttempt> finished;
    finished.reserve(unsent_.size());
    for (const AttemptKey key : unsent_) {
        const Attempt* attempt = attempts_.find(key);
        if (attempt != nullptr && attempt->stage == Stage::finished) {
            finished.push_back({key, attempt});
        }
    }
    unsent_.clear();
    for (OutcomeBatch& batch : batch_outcomes(finished, link_.limits())) {
        link_.ask(batch.message, std::move(batch.attempts), now, effects);
    }
}

// Whatever the broker says of an outcome, it has it: accepted or refused, it is kept no longer.
void Core::acknowledge(const Question& question, std::size_t statuses, Now now) {
    for (std::size_t i = 0; i < question.attempts.size(); ++i) {
        const AttemptKey key = question.attempts[i];
        const Attempt* attempt = attempts_.find(key);
        if (attempt == nullptr || attempt->stage != Stage::finished) {
            continue;
        }
        if (i < statuses) {
            attempts_.remove(key);
        } else {
            unsent_.push_back(key);
            resend_due_ = now.steady + options_.link.pause_first;
        }
    }
}

bool Core::is_stuck_watch() const {
    return running_ >= options_.slots && credit_.wanted() > credit_.slots();
}

void Core::tell_credit(Now now, Effects& effects) {
    if (is_stuck_watch() && last_start_ + CreditRule::wait_max <= now.steady) {
        credit_.note_stuck(now.steady - last_start_);
    }
    if (link_.is_open() && credit_.is_worth_telling(credit_told_)) {
        credit_told_ = credit_.wanted();
        link_.tell(protocol::Credit{credit_told_}, effects);
    }
}

}  // namespace xebec::worker

#include "client/core.h"

#include "protocol/check.h"
#include "protocol/errors.h"

#include <algorithm>

namespace xebec::client {

namespace {

Limits limits_from(const protocol::LimitsView& view) {
    const auto or_default = [](std::uint64_t value, std::uint64_t standard) {
        return value == 0 ? standard : value;
    };
    const Limits standard;
    return {
        .payload_octets_max = or_default(view.payload_octets_max, standard.payload_octets_max),
        .result_octets_max = or_default(view.result_octets_max, standard.result_octets_max),
        .body_octets_max = or_default(view.body_octets_max, standard.body_octets_max),
        .batch_items_max = or_default(view.batch_items_max, standard.batch_items_max),
        .inline_octets_max = or_default(view.inline_octets_max, standard.inline_octets_max),
        .payload_frames_max = or_default(view.payload_frames_max, standard.payload_frames_max),
        .message_octets_max = or_default(view.message_octets_max, standard.message_octets_max),
    };
}

// Milliseconds as the broker names them; absurd values must not overflow an instant.
milliseconds bounded(std::uint64_t ms) {
    constexpr std::uint64_t day_ms = 86'400'000;
    return milliseconds{std::min(ms, day_ms)};
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::min(a, b) : (a ? a : b);
}

constexpr std::string_view no_answer = "no answer from the broker in time";

Error deadline_error(bool was_sent) {
    return {.code = ErrorCode::timed_out,
            .detail = std::string(no_answer) + (was_sent ? "; the request may have taken effect"
                                                         : "; the request was not sent"),
            .is_unsent = !was_sent};
}

}  // namespace

bool is_no_answer(const Error& error) {
    return error.code == ErrorCode::timed_out && error.detail.starts_with(no_answer);
}

Core::Core(CoreOptions options, std::uint64_t seed) : options_(std::move(options)), random_(seed) {
    check(options_.window > 0, "at least one request may be in flight");
}

// ---- what the shell says ----

RequestId Core::request(const protocol::Message& message, std::optional<Instant> deadline, Now now,
                        Effects& effects) {
    const RequestId id = ++correlation_last_;
    Request& request = requests_[id];
    request.packet = encode(Header{.correlation = id}, message, limits_.inline_octets_max);
    request.deadline = deadline;
    enter(id, request, Stage::queued, std::nullopt);
    go_on(now, effects);
    return id;
}

void Core::abandon(RequestId request) {
    const auto found = requests_.find(request);
    if (found != requests_.end()) {
        forget(found);
    }
}

void Core::receive(const Header& header, std::string_view body, std::span<const Blob> payloads,
                   Now now, Effects& effects) {
    const Result<protocol::Message> message = protocol::decode(header, body, payloads, limits_);
    if (!message) {
        return;
    }
    if (const auto* welcome = std::get_if<protocol::Welcome>(&*message)) {
        on_welcome(header, *welcome, now, effects);
    } else if (const auto* error = std::get_if<protocol::ErrorAnswer>(&*message)) {
        on_error(header, *error, now, effects);
    } else if (session_ != 0 && header.session == session_) {
        heard_at_ = now.steady;
        if (std::holds_alternative<protocol::Bye>(*message)) {
            lose_broker(now, effects);
        } else if (std::holds_alternative<protocol::Ping>(*message)) {
            send(encode(Header{.correlation = header.correlation}, protocol::Pong{}), now, effects);
        } else if (const auto* pong = std::get_if<protocol::Pong>(&*message);
                   pong != nullptr && !requests_.contains(header.correlation)) {
            on_pong(*pong, effects);
        } else {
            if (const auto* outcomes = std::get_if<protocol::Outcomes>(&*message)) {
                on_outcomes(*outcomes, effects);
            }
            on_work({header, std::string(body), {payloads.begin(), payloads.end()}}, effects);
        }
    }
    go_on(now, effects);
}

void Core::pass(Now now, Effects& effects) {
    wake_requests(now, effects);
    watch_broker(now, effects);
    go_on(now, effects);
}

void Core::leave(Effects& effects) {
    if (session_ != 0) {
        effects.push_back(Send{encode(Header{.session = session_}, protocol::Bye{})});
    }
    end_session();
}

std::optional<Instant> Core::next_deadline() const {
    std::optional<Instant> next;
    if (!wakes_.empty()) {
        next = wakes_.begin()->first;
    }
    return is_needed() ? earlier(next, watch_deadline()) : next;
}

// ---- what the broker says ----

void Core::on_welcome(const Header& header, const protocol::Welcome& welcome, Now now,
                      Effects& effects) {
    if (hello_correlation_ == 0 || header.correlation != hello_correlation_ ||
        header.session == 0) {
        return;
    }
    hello_correlation_ = 0;
    session_ = header.session;
    session_previous_ = header.session;
    epoch_seen_ = std::max(epoch_seen_, welcome.epoch);
    heartbeat_ = bounded(welcome.heartbeat_ms);
    liveness_ = bounded(welcome.liveness_ms);
    limits_ = limits_from(welcome.limits);
    heard_at_ = now.steady;
    outcomes_seen_ = 0;
    outcomes_awaited_ = 0;
    effects.push_back(SessionStarted{welcome.epoch, limits_});
}

void Core::on_error(const Header& header, const protocol::ErrorAnswer& answer, Now now,
                    Effects& effects) {
    const auto refusal = static_cast<Refusal>(answer.code);
    const bool can_help = answer.retryable || can_retry(refusal);
    const Error error = to_error(refusal, answer.text);
    epoch_seen_ = std::max(epoch_seen_, answer.epoch);
    if (hello_correlation_ != 0 && header.correlation == hello_correlation_) {
        end_session();
        hello_at_ = now.steady + std::max(bounded(answer.retry_after_ms), pause_after(failures_++));
        if (!can_help) {
            fail_all(error, effects);  // nothing can be asked without a session
        }
        return;
    }
    if (session_ == 0 || (header.session != 0 && header.session != session_)) {
        return;  // about a session that is over already
    }
    heard_at_ = now.steady;
    if (refusal == Refusal::not_registered) {
        end_session();
        // At once, unless sessions are forgotten as soon as they are given.
        if (failures_++ > 0) {
            hello_at_ = now.steady + pause_after(failures_);
        }
        return;
    }
    failures_ = 0;
    const auto found = requests_.find(header.correlation);
    if (found == requests_.end() || found->second.stage != Stage::sent) {
        return;
    }
    Request& request = found->second;
    if (!can_help) {
        effects.push_back(Failed{found->first, error});
        forget(found);
        return;
    }
    request.refusal = error;
    const milliseconds pause =
        std::max(bounded(answer.retry_after_ms), pause_after(request.refusals++));
    enter(found->first, request, Stage::paused, now.steady + pause);
}

// A broker that answers pings and nothing else does not do its work.
void Core::on_pong(const protocol::Pong& pong, Effects& effects) {
    if (requests_.empty()) {
        failures_ = 0;
    }
    // A pong may overtake outcomes that wait for the broker's disk; but not for a whole heartbeat.
    if (outcomes_awaited_ > outcomes_seen_) {
        outcomes_seen_ = outcomes_awaited_;
        effects.push_back(NotificationsMissed{});
    }
    outcomes_awaited_ = pong.outcomes;
}

void Core::on_outcomes(const protocol::Outcomes& outcomes, Effects& effects) {
    if (outcomes.sequence > outcomes_seen_ + 1) {
        effects.push_back(NotificationsMissed{});
    }
    outcomes_seen_ = std::max(outcomes_seen_, outcomes.sequence);
}

void Core::on_work(protocol::Packet packet, Effects& effects) {
    if (packet.header.correlation == 0) {
        failures_ = 0;
        effects.push_back(Notified{std::move(packet)});
        return;
    }
    const auto found = requests_.find(packet.header.correlation);
    if (found == requests_.end() || packet.header.type != found->second.packet.header.type + 1) {
        return;
    }
    failures_ = 0;
    effects.push_back(Answered{found->first, std::move(packet)});
    forget(found);
}

// ---- time ----

void Core::wake_requests(Now now, Effects& effects) {
    bool is_unanswered = false;
    while (!wakes_.empty() && wakes_.begin()->first <= now.steady) {
        const auto found = requests_.find(wakes_.begin()->second);
        Request& request = found->second;
        if (request.deadline && *request.deadline <= now.steady) {
            effects.push_back(
                Failed{found->first, request.refusal.value_or(deadline_error(request.was_sent))});
            forget(found);
        } else {
            is_unanswered = is_unanswered || request.stage == Stage::sent;
            enter(found->first, request, Stage::queued, std::nullopt);
        }
    }
    if (is_unanswered) {
        lose_broker(now, effects);
    }
}

// Silence counts only while somebody listens: an idle client sends nothing and hears nothing.
void Core::watch_broker(Now now, Effects& effects) {
    if (is_needed() && !is_watching_) {
        heard_at_ = now.steady;
    }
    is_watching_ = is_needed();
    if (!is_watching_) {
        return;
    }
    const bool is_unwelcome =
        hello_correlation_ != 0 && sent_at_ + options_.answer_timeout <= now.steady;
    const bool is_silent =
        session_ != 0 && liveness_.count() > 0 && heard_at_ + liveness_ <= now.steady;
    if (is_unwelcome || is_silent) {
        lose_broker(now, effects);
    }
}

std::optional<Instant> Core::watch_deadline() const {
    if (hello_correlation_ != 0) {
        return sent_at_ + options_.answer_timeout;
    }
    if (session_ == 0) {
        return hello_at_.value_or(Instant{});
    }
    std::optional<Instant> next;
    if (heartbeat_.count() > 0) {
        next = sent_at_ + heartbeat_;
    }
    if (liveness_.count() > 0 && is_watching_) {
        next = earlier(next, heard_at_ + liveness_);
    }
    return next;
}

// Does whatever may be done now: hello, requests whose turn has come, a ping.
void Core::go_on(Now now, Effects& effects) {
    if (!is_needed()) {
        is_watching_ = false;
        return;
    }
    if (!is_watching_) {
        is_watching_ = true;
        heard_at_ = now.steady;
    }
    if (session_ == 0) {
        if (hello_correlation_ == 0 && (!hello_at_ || *hello_at_ <= now.steady)) {
            say_hello(now, effects);
        }
        return;
    }
    ask_queued(now, effects);
    if (heartbeat_.count() > 0 && sent_at_ + heartbeat_ <= now.steady) {
        send(encode(Header{.correlation = ++correlation_last_}, protocol::Ping{}), now, effects);
    }
}

void Core::say_hello(Now now, Effects& effects) {
    hello_at_.reset();
    hello_correlation_ = ++correlation_last_;
    send(encode(Header{.correlation = hello_correlation_},
                protocol::Hello{.role = options_.role,
                                .name = options_.name,
                                .epoch_seen = epoch_seen_,
                                .session_previous = session_previous_}),
         now, effects);
}

void Core::ask_queued(Now now, Effects& effects) {
    while (!queued_.empty() && sent_count_ < options_.window) {
        const RequestId id = *queued_.begin();
        Request& request = requests_.at(id);
        request.was_sent = true;
        request.refusal.reset();
        enter(id, request, Stage::sent, now.steady + options_.answer_timeout);
        send(request.packet, now, effects);
    }
}

void Core::send(protocol::Packet packet, Now now, Effects& effects) {
    packet.header.session = session_;
    sent_at_ = now.steady;
    effects.push_back(Send{std::move(packet)});
}

// ---- sessions that end ----

void Core::lose_broker(Now now, Effects& effects) {
    end_session();
    effects.push_back(Reconnect{});
    hello_at_ = now.steady + pause_after(failures_++);
}

// Whatever was asked is asked again in the next session.
void Core::end_session() {
    session_ = 0;
    hello_correlation_ = 0;
    for (auto& [id, request] : requests_) {
        if (request.stage == Stage::sent) {
            enter(id, request, Stage::queued, std::nullopt);
        }
    }
}

void Core::fail_all(const Error& error, Effects& effects) {
    while (!requests_.empty()) {
        effects.push_back(Failed{requests_.begin()->first, error});
        forget(requests_.begin());
    }
}

milliseconds Core::pause_after(std::uint32_t failures) {
    const milliseconds longest = std::max(options_.pause_max, options_.pause_first);
    const milliseconds grown = options_.pause_first * (1LL << std::min(failures, 20U));
    const auto half = static_cast<std::uint64_t>(std::min(longest, grown).count()) / 2;
    return milliseconds{half + random_() % (half + 1)};
}

// ---- requests ----

void Core::enter(RequestId id, Request& request, Stage stage, std::optional<Instant> due) {
    sent_count_ -= request.stage == Stage::sent ? 1 : 0;
    sent_count_ += stage == Stage::sent ? 1 : 0;
    request.stage = stage;
    request.due = due;
    if (stage == Stage::queued) {
        queued_.insert(id);
    } else {
        queued_.erase(id);
    }
    if (request.wakes_at) {
        wakes_.erase({*request.wakes_at, id});
    }
    request.wakes_at = earlier(request.due, request.deadline);
    if (request.wakes_at) {
        wakes_.emplace(*request.wakes_at, id);
    }
}

void Core::forget(Requests::iterator request) {
    sent_count_ -= request->second.stage == Stage::sent ? 1 : 0;
    queued_.erase(request->first);
    if (request->second.wakes_at) {
        wakes_.erase({*request->second.wakes_at, request->first});
    }
    requests_.erase(request);
}

void Core::check_invariants() const {
    std::size_t sent = 0;
    std::size_t queued = 0;
    std::size_t wakes = 0;
    for (const auto& [id, request] : requests_) {
        sent += request.stage == Stage::sent ? 1 : 0;
        queued += request.stage == Stage::queued ? 1 : 0;
        wakes += request.wakes_at ? 1 : 0;
        check(request.stage != Stage::queued || queued_.contains(id), "a queued request is listed");
        check(request.stage == Stage::queued || request.due, "a sent or paused request has a time");
        check(!request.wakes_at || wakes_.contains({*request.wakes_at, id}),
              "a request that waits for a time is woken");
    }
    check(sent == sent_count_, "the count of sent requests is right");
    check(queued == queued_.size(), "only queued requests are listed as such");
    check(wakes == wakes_.size(), "only requests that wait for a time are woken");
    check(sent_count_ <= options_.window, "no more than the window is in flight");
    check(session_ != 0 || sent_count_ == 0, "without a session nothing is in flight");
    check(session_ == 0 || hello_correlation_ == 0, "a session begins once");
}

}  // namespace xebec::client

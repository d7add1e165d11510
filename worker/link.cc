#include "worker/link.h"

#include <algorithm>
#include <utility>

namespace xebec::worker {

namespace {

Limits to_limits(const protocol::LimitsView& view) {
    const auto or_default = [](std::uint64_t value, std::uint64_t otherwise) {
        return value == 0 ? otherwise : value;
    };
    const Limits usual;
    return {
        .payload_octets_max = or_default(view.payload_octets_max, usual.payload_octets_max),
        .result_octets_max = or_default(view.result_octets_max, usual.result_octets_max),
        .body_octets_max = or_default(view.body_octets_max, usual.body_octets_max),
        .batch_items_max = or_default(view.batch_items_max, usual.batch_items_max),
        .inline_octets_max = or_default(view.inline_octets_max, usual.inline_octets_max),
        .payload_frames_max = or_default(view.payload_frames_max, usual.payload_frames_max),
        .message_octets_max = or_default(view.message_octets_max, usual.message_octets_max),
    };
}

milliseconds to_duration(std::uint64_t ms, milliseconds otherwise) {
    constexpr std::uint64_t most = 86'400'000;
    return ms == 0 ? otherwise : milliseconds(std::min(ms, most));
}

}  // namespace

Link::Link(const LinkOptions& options, std::uint64_t seed)
    : options_(options),
      random_(seed),
      heartbeat_(options.heartbeat),
      liveness_(options.liveness),
      pause_(options.pause_first) {}

void Link::introduce(protocol::Hello hello, std::vector<AttemptKey> held, Now now,
                     Effects& effects) {
    if (session_ != 0) {
        session_previous_ = std::exchange(session_, 0);
    }
    questions_.clear();
    phase_ = Phase::introducing;
    introduced_at_ = now.steady;
    hello.session_previous = session_previous_;
    hello.epoch_seen = epoch_seen_;
    ask(hello, std::move(held), now, effects);
    hello_correlation_ = correlation_;
}

std::optional<Question> Link::welcome(const Header& header, const protocol::Welcome& welcome,
                                      Now now) {
    if (!answers_hello(header) || header.session == 0) {
        return std::nullopt;
    }
    phase_ = Phase::open;
    is_loss_told_ = false;
    session_ = header.session;
    epoch_seen_ = std::max(epoch_seen_, welcome.epoch);
    limits_ = to_limits(welcome.limits);
    heartbeat_ =
        std::min(options_.heartbeat, to_duration(welcome.heartbeat_ms, options_.heartbeat));
    liveness_ = to_duration(welcome.liveness_ms, options_.liveness);
    pause_ = options_.pause_first;
    heard_at_ = now.steady;
    return take_question(header.correlation);
}

void Link::lose(std::string reason, milliseconds pause_min, Now now, Effects& effects) {
    if (!std::exchange(is_loss_told_, true)) {
        effects.push_back(Disconnected{std::move(reason)});
    }
    if (session_ != 0) {
        session_previous_ = std::exchange(session_, 0);
    }
    questions_.clear();
    phase_ = Phase::resting;
    rested_at_ = now.steady + std::max<Duration>(next_pause(), pause_min);
}

void Link::ask(const protocol::Message& message, std::vector<AttemptKey> attempts, Now now,
               Effects& effects) {
    const std::uint8_t type =
        std::visit([](const auto& body) { return std::decay_t<decltype(body)>::type; }, message);
    const std::uint64_t correlation = send(message, effects);
    questions_.emplace_hint(questions_.end(), correlation,
                            Question{type, now.steady, std::move(attempts)});
    asked_at_ = now.steady;
}

void Link::tell(const protocol::Message& message, Effects& effects) {
    send(message, effects);
}

void Link::answer(std::uint64_t correlation, const protocol::Message& message, Effects& effects) {
    effects.push_back(Send{protocol::encode({.correlation = correlation, .session = session_},
                                            message, limits_.inline_octets_max)});
}

std::uint64_t Link::send(const protocol::Message& message, Effects& effects) {
    ++correlation_;
    answer(correlation_, message, effects);
    return correlation_;
}

std::optional<Question> Link::take_question(std::uint64_t correlation) {
    const auto found = questions_.find(correlation);
    if (found == questions_.end()) {
        return std::nullopt;
    }
    Question question = std::move(found->second);
    questions_.erase(found);
    answered_since_ = std::max(answered_since_, question.sent);
    return question;
}

std::vector<Question> Link::take_overdue(Now now) {
    std::vector<Question> overdue;
    while (!questions_.empty() &&
           questions_.begin()->second.sent + options_.answer_timeout <= now.steady) {
        overdue.push_back(std::move(questions_.begin()->second));
        questions_.erase(questions_.begin());
    }
    return overdue;
}

bool Link::is_current(const Header& header) const {
    return phase_ == Phase::open && header.session == session_;
}

bool Link::is_current_error(const Header& header) const {
    return phase_ == Phase::open &&
           (header.session == session_ || header.correlation > hello_correlation_);
}

bool Link::answers_hello(const Header& header) const {
    return phase_ == Phase::introducing && header.correlation == hello_correlation_;
}

bool Link::is_silent(Now now) const {
    return (phase_ == Phase::open && heard_at_ + liveness_ <= now.steady) ||
           (phase_ == Phase::introducing && introduced_at_ + options_.hello_timeout <= now.steady);
}

bool Link::is_rested(Now now) const {
    return phase_ == Phase::resting && rested_at_ <= now.steady;
}

bool Link::is_ping_due(Now now) const {
    return phase_ == Phase::open && asked_at_ + heartbeat_ <= now.steady;
}

bool Link::was_introduced_lately(Now now) const {
    return introduced_at_ + options_.pause_first > now.steady;
}

std::optional<Instant> Link::next_deadline() const {
    switch (phase_) {
        case Phase::closed:
            return std::nullopt;
        case Phase::introducing:
            return introduced_at_ + options_.hello_timeout;
        case Phase::resting:
            return rested_at_;
        case Phase::open:
            break;
    }
    Instant next = std::min(heard_at_ + liveness_, asked_at_ + heartbeat_);
    if (!questions_.empty()) {
        next = std::min(next, questions_.begin()->second.sent + options_.answer_timeout);
    }
    return next;
}

// Between three and five quarters of the pause, so that a thousand workers do not come at once.
Duration Link::next_pause() {
    const auto percent = static_cast<std::int64_t>(75 + random_() % 51);
    const Duration pause = pause_ * percent / 100;
    pause_ = std::min<Duration>(2 * pause_, options_.pause_max);
    return pause;
}

}  // namespace xebec::worker

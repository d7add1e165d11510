#include "worker/outcomes.h"

#include "protocol/names.h"

#include <chrono>
#include <string>
#include <utility>

namespace xebec::worker {

namespace {

// More than any item needs in the body beyond its octets and texts.
constexpr std::size_t item_octets = 64;
constexpr std::size_t body_reserve_octets = 64;

std::uint64_t microseconds_of(Duration run) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(run).count());
}

void append(protocol::Done& message, const Attempt& attempt) {
    const auto& success = std::get<Success>(attempt.outcome);
    message.items.push_back({.id = attempt.lease().id,
                             .fence = attempt.lease().fence,
                             .result = Octets(success.result),
                             .content_type = success.content_type,
                             .run_us = microseconds_of(attempt.run)});
}

void append(protocol::Fail& message, const Attempt& attempt) {
    const auto& failure = std::get<Failure>(attempt.outcome);
    message.items.push_back({.id = attempt.lease().id,
                             .fence = attempt.lease().fence,
                             .error = {failure.error_class, failure.text},
                             .useless = failure.useless,
                             .run_us = microseconds_of(attempt.run)});
}

void append(protocol::Release& message, const Attempt& attempt) {
    message.leases.push_back(attempt.lease());
    message.started = std::get<GivenBack>(attempt.outcome).started;
}

// What one message has used of its limits.
class Budget {
public:
    explicit Budget(const Limits& limits) : limits_(limits) {}

    // Takes an outcome in, or says that the message is full. An empty message takes anything.
    bool take(const Outcome& outcome) {
        Budget after = *this;
        after.add(outcome);
        if (items_ > 0 && after.is_over()) {
            return false;
        }
        *this = after;
        return true;
    }

private:
    void add(const Outcome& outcome) {
        ++items_;
        body_ += item_octets;
        if (const auto* success = std::get_if<Success>(&outcome)) {
            const std::size_t size = success->result.size();
            const bool is_frame = size > limits_.inline_octets_max;
            body_ += is_frame ? 0 : size;
            frames_ += is_frame ? 1 : 0;
            frame_octets_ += is_frame ? size : 0;
        } else if (const auto* failure = std::get_if<Failure>(&outcome)) {
            body_ += failure->error_class.size() + failure->text.size();
        }
    }

    bool is_over() const {
        return items_ > limits_.batch_items_max ||
               body_ + body_reserve_octets > limits_.body_octets_max ||
               frames_ > limits_.payload_frames_max || frame_octets_ > limits_.message_octets_max;
    }

    Limits limits_;
    std::uint64_t items_ = 0;
    std::uint64_t body_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t frame_octets_ = 0;
};

// Gathers the outcomes that one type of message carries.
template <class M>
class Batcher {
public:
    Batcher(const Limits& limits, std::vector<OutcomeBatch>& batches)
        : limits_(limits), batches_(batches), budget_(limits) {}

    void add(const FinishedAttempt& finished) {
        if (!budget_.take(finished.attempt->outcome)) {
            close();
            budget_ = Budget(limits_);
            budget_.take(finished.attempt->outcome);
        }
        append(message_, *finished.attempt);
        keys_.push_back(finished.key);
    }

    void close() {
        if (!keys_.empty()) {
            batches_.push_back({std::exchange(message_, {}), std::exchange(keys_, {})});
        }
    }

private:
    const Limits& limits_;
    std::vector<OutcomeBatch>& batches_;
    Budget budget_;
    M message_;
    std::vector<AttemptKey> keys_;
};

}  // namespace

std::vector<OutcomeBatch> batch_outcomes(std::span<const FinishedAttempt> finished,
                                         const Limits& limits) {
    std::vector<OutcomeBatch> batches;
    Batcher<protocol::Done> done(limits, batches);
    Batcher<protocol::Fail> failed(limits, batches);
    Batcher<protocol::Release> unstarted(limits, batches);
    Batcher<protocol::Release> started(limits, batches);
    for (const FinishedAttempt& one : finished) {
        const Outcome& outcome = one.attempt->outcome;
        if (std::holds_alternative<Success>(outcome)) {
            done.add(one);
        } else if (std::holds_alternative<Failure>(outcome)) {
            failed.add(one);
        } else if (std::get<GivenBack>(outcome).started) {
            started.add(one);
        } else {
            unstarted.add(one);
        }
    }
    done.close();
    failed.close();
    unstarted.close();
    started.close();
    return batches;
}

HandlerOutcome within_limits(HandlerOutcome outcome, const Limits& limits) {
    if (auto* failure = std::get_if<Failure>(&outcome)) {
        failure->error_class = to_utf8(failure->error_class, kind_octets_max);
        failure->text = to_utf8(failure->text, error_text_octets_max);
        if (failure->error_class.empty()) {
            failure->error_class = "failed";
        }
        return outcome;
    }
    const std::size_t size = std::get<Success>(outcome).result.size();
    if (size > limits.result_octets_max) {
        return Failure{.error_class = "too_large",
                       .text = "the result has " + std::to_string(size) + " octets, the limit is " +
                               std::to_string(limits.result_octets_max),
                       .useless = true};
    }
    return outcome;
}

}  // namespace xebec::worker

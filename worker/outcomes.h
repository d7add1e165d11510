#pragma once
// Puts outcomes into as few messages as the limits of the protocol allow.

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "worker/attempt.h"

#include <span>
#include <vector>

namespace xebec::worker {

struct FinishedAttempt {
    AttemptKey key = 0;
    const Attempt* attempt = nullptr;
};

// One message, borrowing from its attempts; the items of its answer stand for `attempts` in order.
struct OutcomeBatch {
    protocol::Message message;
    std::vector<AttemptKey> attempts;
};

std::vector<OutcomeBatch> batch_outcomes(std::span<const FinishedAttempt> finished,
                                         const Limits& limits);

// An outcome that the protocol can carry: results within their limit, texts in UTF-8 and cut.
HandlerOutcome within_limits(HandlerOutcome outcome, const Limits& limits);

}  // namespace xebec::worker

// Leases: taken, begun in order, extended in time, and given up when they are over.

#include "worker/core.h"

#include <algorithm>
#include <utility>

namespace xebec::worker {

using protocol::LeaseRef;

namespace {

// However short a lease is, its extension is not asked for more often.
constexpr Duration renewal_min = milliseconds(10);

}  // namespace

void Core::receive(const protocol::Assign& message, Now now, Effects&) {
    for (const protocol::AssignItem& item : message.items) {
        assign(item, now);
    }
}

void Core::assign(const protocol::AssignItem& item, Now now) {
    const LeaseRef lease{item.id, item.fence};
    if (attempts_.find(lease) || attempts_.has_ended(lease)) {
        return;  // said before
    }
    Attempt attempt;
    attempt.assignment = {.lease = lease,
                          .number = item.number,
                          .kind = std::string(item.kind),
                          .queue = std::string(item.queue),
                          .payload = item.payload.keep(),
                          .content_type = item.content_type,
                          .attempt = item.attempt,
                          .run_max = milliseconds(item.run_max_ms)};
    if (item.deadline != 0) {
        attempt.assignment.deadline = WallTime(milliseconds(item.deadline));
    }
    attempt.lease_time = milliseconds(item.lease_ms);
    attempt.leased_at = link_.answered_since();
    attempt.expires = attempt.leased_at + attempt.lease_time;
    watch_due_ = std::min(watch_due_, next_watch(attempt, now));
    waiting_.push_back(attempts_.add(std::move(attempt)));
    credit_.note_assigned(item.payload.view.size(), attempts_.size());
}

// What we never got, or no longer have, is given back all the same: the broker counts it as held.
void Core::receive(const protocol::Revoke& message, Now, Effects& effects) {
    protocol::Release missing;
    for (const LeaseRef& lease : message.leases) {
        const auto key = attempts_.find(lease);
        Attempt* attempt = key ? attempts_.find(*key) : nullptr;
        if (attempt == nullptr) {
            attempts_.note_ended(lease);
            missing.leases.push_back(lease);
        } else if (attempt->stage == Stage::waiting) {
            forget_waiting(*key);
            finish(*key, *attempt, GivenBack{false});
        } else if (attempt->is_in_executor()) {
            attempt->is_over = true;
            stop(*key, *attempt, StopReason::revoked, effects);
        }
    }
    if (!missing.leases.empty()) {
        link_.tell(missing, effects);
    }
}

void Core::receive(const protocol::Recall& message, Now, Effects& effects) {
    protocol::Release missing;
    for (const LeaseRef& lease : message.leases) {
        const auto key = attempts_.find(lease);
        Attempt* attempt = key ? attempts_.find(*key) : nullptr;
        if (attempt == nullptr && !attempts_.has_ended(lease)) {
            attempts_.note_ended(lease);
            missing.leases.push_back(lease);
        } else if (attempt != nullptr && attempt->stage == Stage::waiting) {
            forget_waiting(*key);
            finish(*key, *attempt, GivenBack{false});
        } else if (attempt != nullptr && attempt->stage == Stage::handed) {
            attempt->is_wanted_back = true;
            effects.push_back(TakeBack{*key});
        }
    }
    if (!missing.leases.empty()) {
        link_.tell(missing, effects);
    }
}

// ---- leases ----

void Core::accept(const Question& question, const protocol::ExtendAnswer& answer, Now now,
                  Effects& effects) {
    for (std::size_t i = 0; i < question.attempts.size(); ++i) {
        const AttemptKey key = question.attempts[i];
        Attempt* attempt = attempts_.find(key);
        if (attempt == nullptr) {
            continue;
        }
        attempt->is_extending = false;
        if (attempt->stage == Stage::finished || attempt->is_over || i >= answer.lease_ms.size()) {
            continue;
        }
        if (answer.lease_ms[i] == 0) {
            lose_lease(key, *attempt, StopReason::lease_lost, effects);
        } else if (question.sent >= attempt->leased_at) {
            attempt->lease_time = milliseconds(answer.lease_ms[i]);
            attempt->leased_at = question.sent;
            attempt->expires = question.sent + attempt->lease_time;
        }
    }
    watch_due_ = now.steady;
}

// The next instant at which something is to be done for this lease.
Instant Core::next_watch(const Attempt& attempt, Now now) const {
    Instant next = Instant::max();
    if (attempt.stage == Stage::finished || attempt.is_over) {
        return next;
    }
    if (link_.is_open() && !attempt.is_extending) {
        next = attempt.leased_at + std::max(attempt.lease_time / 3, renewal_min);
    }
    if (attempt.stage != Stage::waiting && attempt.expires > now.steady) {
        next = std::min(next, attempt.expires);
    }
    if (attempt.stage == Stage::running && attempt.assignment.run_max > Duration{0} &&
        !attempt.stop) {
        next = std::min(next, attempt.started + attempt.assignment.run_max);
    }
    return next;
}

void Core::watch_leases(Now now, Effects& effects) {
    if (now.steady < watch_due_) {
        return;
    }
    watch_due_ = Instant::max();
    std::vector<AttemptKey> due;
    for (auto& [key, attempt] : attempts_.all()) {
        if (attempt.stage == Stage::finished || attempt.is_over) {
            continue;
        }
        if (attempt.is_in_executor() && attempt.expires <= now.steady) {
            end_by_clock(key, attempt, effects);
        }
        const bool has_limit = attempt.assignment.run_max > Duration{0};
        if (attempt.stage == Stage::running && !attempt.stop && has_limit &&
            attempt.started + attempt.assignment.run_max <= now.steady) {
            stop(key, attempt, StopReason::run_limit, effects);
        }
        // Those that are half way to their turn come along, so that the next turn is a while away.
        if (link_.is_open() && !attempt.is_extending && !attempt.is_over &&
            attempt.leased_at + std::max(attempt.lease_time / 6, renewal_min) <= now.steady) {
            attempt.is_extending = true;
            due.push_back(key);
        }
        watch_due_ = std::min(watch_due_, next_watch(attempt, now));
    }
    extend(due, now, effects);
}

void Core::extend(const std::vector<AttemptKey>& due, Now now, Effects& effects) {
    const std::size_t batch = std::max<std::size_t>(1, link_.limits().batch_items_max);
    for (std::size_t first = 0; first < due.size(); first += batch) {
        const std::size_t last = std::min(due.size(), first + batch);
        protocol::Extend message;
        std::vector<AttemptKey> keys;
        for (std::size_t i = first; i < last; ++i) {
            message.leases.push_back(attempts_.find(due[i])->lease());
            keys.push_back(due[i]);
        }
        link_.ask(message, std::move(keys), now, effects);
    }
}

void Core::end_by_clock(AttemptKey key, Attempt& attempt, Effects& effects) {
    if (attempt.stage == Stage::running) {
        lose_lease(key, attempt, StopReason::lease_ended, effects);
    } else {
        effects.push_back(TakeBack{key});  // to wait for the broker's word
    }
}

void Core::stop(AttemptKey key, Attempt& attempt, StopReason reason, Effects& effects) {
    attempt.stop = reason;
    effects.push_back(Cancel{key, attempt.assignment.number, reason});
}

void Core::lose_lease(AttemptKey key, Attempt& attempt, StopReason reason, Effects& effects) {
    if (attempt.stage == Stage::waiting) {
        forget_waiting(key);
        attempts_.remove(key);
        return;
    }
    attempt.is_over = true;
    stop(key, attempt, reason, effects);
}

void Core::forget_waiting(AttemptKey key) {
    std::erase(waiting_, key);
}

void Core::hand_over(Now now, Effects& effects) {
    while (!departure_ && !waiting_.empty() && in_executor_ < credit_.wanted()) {
        const AttemptKey key = waiting_.front();
        Attempt& attempt = *attempts_.find(key);
        if (attempt.expires <= now.steady) {
            return;  // the broker is asked first; those behind keep their order
        }
        waiting_.pop_front();
        attempt.stage = Stage::handed;
        ++in_executor_;
        effects.push_back(Start{key, attempt.assignment});
        watch_due_ = std::min(watch_due_, next_watch(attempt, now));
    }
}

}  // namespace xebec::worker

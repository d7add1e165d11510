// Workers: credit, extensions, outcomes, and leases that end by themselves.

#include "broker/core/core.h"
#include "protocol/check.h"
#include "protocol/names.h"

#include <algorithm>
#include <cmath>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr int unclaimed_per_step_max = 1'000;

std::uint16_t limit_of(const Task& task) {
    return task.attempts_max;
}

std::string_view or_default(std::string_view text, std::string_view otherwise) {
    return text.empty() ? otherwise : text;
}

}  // namespace

// ---- leases ----

// A task that a worker speaks of. Most often it is the one that it was given first: then no table
// has to be asked.
TaskIndex Core::find_held(SessionIndex session, const TaskId& id) const {
    const TaskIndex oldest = sessions_[session].worker.held.head();
    return oldest != no_task && state_.tasks()[oldest].id == id ? oldest : state_.tasks().find(id);
}

bool Core::holds(SessionIndex session, TaskIndex index, std::uint64_t fence) const {
    const Task& task = state_.tasks()[index];
    const Details* details = state_.tasks().find_details(task);
    return task.state == TaskState::leased && details->holder == session &&
           details->fence.value() == fence;
}

// Takes a lease off its session; a record that ends it for the task follows.
void Core::end_lease(TaskIndex index) {
    check(state_.tasks()[index].state == TaskState::leased, "a lease to be ended is there");
    SessionIndex& holder = state_.tasks().details(state_.tasks()[index]).holder;
    if (holder == no_session) {
        unclaimed_.remove(state_.tasks(), index);
        --unclaimed_count_;
        return;
    }
    if (recent_until_) {
        ended_ = {holder, index};
    }
    WorkerPart& worker = sessions_[holder].worker;
    worker.held.remove(state_.tasks(), index);
    --worker.held_count;
    offers_.update_room(holder);
    holder = no_session;
}

// Of an earlier run of the broker: a worker that names the fence is the one that has it.
bool Core::is_unclaimed(TaskIndex index, std::uint64_t fence) const {
    return holds(no_session, index, fence);
}

// Nobody came back for them. No attempt is charged: it was this broker that went away.
void Core::end_unclaimed() {
    if (unclaimed_.empty() || step_.now.steady < std::max(unclaimed_until_, grace_until_)) {
        return;
    }
    for (int i = 0; i < unclaimed_per_step_max && !unclaimed_.empty(); ++i) {
        return_attempt(unclaimed_.head(), false, {}, {});
        ++unclaimed_ended_;
    }
    if (unclaimed_.empty()) {
        step_.effects->notices.push_back(
            LeasesUnclaimed{.count = std::exchange(unclaimed_ended_, 0)});
    } else {
        has_more_work_ = true;
    }
}

// Ends the lease if there is one and tells the worker to stop. The slot stays taken until the
// worker has answered.
void Core::revoke(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    if (task.state != TaskState::leased) {
        return;
    }
    const SessionIndex holder = state_.tasks().holder_of(task);
    if (holder == no_session) {
        end_lease(index);
        return;
    }
    const std::uint64_t fence = state_.tasks().fence_of(task).value();
    WorkerPart& worker = sessions_[holder].worker;
    worker.revoked.emplace(task.id, fence);
    worker.revoking.push_back({.id = task.id, .fence = fence});
    touch(holder);
    end_lease(index);
}

bool Core::give_back_revoked(SessionIndex session, const TaskId& id, std::uint64_t fence) {
    WorkerPart& worker = sessions_[session].worker;
    if (worker.revoked.erase({id, fence}) == 0) {
        return false;
    }
    offers_.update_room(session);
    return true;
}

void Core::on(const Request& request, const Credit& message) {
    Session& session = sessions_[request.session];
    if (!session.is_worker()) {
        refuse(request, Refusal::unsupported, "only workers have credit");
        return;
    }
    session.worker.credit = std::clamp(message.credit, session.worker.slots,
                                       std::max(session.worker.slots, options_.credit_max));
    offers_.update_room(request.session);
}

void Core::on(const Request& request, const Extend& message) {
    if (is_too_many(request, message.leases.size())) {
        return;
    }
    ExtendAnswer reply;
    for (const LeaseRef& lease : message.leases) {
        const TaskIndex index = state_.tasks().find(lease.id);
        if (index == no_task || !holds(request.session, index, lease.fence)) {
            reply.lease_ms.push_back(0);
            continue;
        }
        Task& task = state_.tasks()[index];
        const milliseconds length = state_.queue_of(task).settings.lease;
        state_.tasks().details(task).lease_ends = step_.now.steady + length;
        reply.lease_ms.push_back(static_cast<std::uint64_t>(length.count()));
    }
    answer(request, std::move(reply), Leaves::at_once);  // the disk ends no lease (F10)
}

// ---- outcomes ----

void Core::on(const Request& request, const Done& message) {
    if (is_too_many(request, message.items.size())) {
        return;
    }
    DoneAnswer reply;
    reply.statuses.reserve(message.items.size());
    for (const DoneItem& item : message.items) {
        reply.statuses.push_back(finish(request.session, item));
    }
    answer(request, std::move(reply), Leaves::patiently);  // the worker only forgets by it
}

void Core::on(const Request& request, const Fail& message) {
    if (is_too_many(request, message.items.size())) {
        return;
    }
    FailAnswer reply;
    for (const FailItem& item : message.items) {
        reply.statuses.push_back(finish(request.session, item));
    }
    answer(request, std::move(reply));
}

void Core::on(const Request& request, const Release& message) {
    if (is_too_many(request, message.leases.size())) {
        return;
    }
    ReleaseAnswer reply;
    for (const LeaseRef& lease : message.leases) {
        reply.statuses.push_back(release(request.session, lease, message.started));
    }
    sessions_[request.session].worker.recall_rests_until = {};
    answer(request, std::move(reply));
}

FinishStatus Core::finish(SessionIndex session, const DoneItem& item) {
    const TaskIndex index = find_held(session, item.id);
    if (index == no_task || !holds(session, index, item.fence)) {
        give_back_revoked(session, item.id, item.fence);
        return status_without_lease(item.id, item.fence);
    }
    if (item.result.view.size() > options_.limits.result_octets_max) {
        fail_attempt(index, "too_large", "the result is over its limit", true, item.run_us);
        return FinishStatus::accepted;
    }
    WorkerPart& worker = sessions_[session].worker;
    worker.last_progress = step_.now.steady;
    worker.recall_rests_until = {};
    ++worker.succeeded;
    end_lease(index);
    commit(TaskSucceeded{.number = state_.tasks()[index].number,
                         .result = Octets(item.result.keep_confined()),
                         .result_type = item.content_type,
                         .run_us = item.run_us,
                         .at = step_.now.wall});
    conclude(index);
    return FinishStatus::accepted;
}

FinishStatus Core::finish(SessionIndex session, const FailItem& item) {
    const TaskIndex index = find_held(session, item.id);
    if (index == no_task || !holds(session, index, item.fence)) {
        give_back_revoked(session, item.id, item.fence);
        return status_without_lease(item.id, item.fence);
    }
    fail_attempt(index, or_default(item.error.error_class, "failed"), item.error.text, item.useless,
                 item.run_us);
    return FinishStatus::accepted;
}

FinishStatus Core::release(SessionIndex session, const LeaseRef& lease, bool started) {
    const TaskIndex index = state_.tasks().find(lease.id);
    if (index == no_task || !holds(session, index, lease.fence)) {
        return give_back_revoked(session, lease.id, lease.fence)
                   ? FinishStatus::accepted
                   : status_without_lease(lease.id, lease.fence);
    }
    const bool lives =
        return_attempt(index, started, "worker_left", "its worker left before it was finished");
    WorkerPart& worker = sessions_[session].worker;
    if (worker.is_draining) {
        ++(lives ? worker.given_back : worker.died_back);
    }
    return FinishStatus::accepted;
}

// An outcome without the current lease changes nothing (I7); a repeat of the accepted one is told
// apart from a stale one (I9).
FinishStatus Core::status_without_lease(const TaskId& id, std::uint64_t fence) {
    const TaskIndex index = state_.tasks().find(id);
    const Tombstone* tombstone = index == no_task ? state_.tombstones().find(id) : nullptr;
    if (index == no_task && tombstone == nullptr) {
        return FinishStatus::unknown;
    }
    const TaskState state = index == no_task ? tombstone->state : state_.tasks()[index].state;
    const Fence last =
        index == no_task ? tombstone->fence : state_.tasks().fence_of(state_.tasks()[index]);
    if (state == TaskState::succeeded && last.value() == fence) {
        return FinishStatus::repeat;
    }
    ++stale_;
    return FinishStatus::stale;
}

void Core::fail_attempt(TaskIndex index, std::string_view error_class, std::string_view error_text,
                        bool useless, std::uint64_t run_us) {
    const Task& task = state_.tasks()[index];
    WorkerPart& worker = sessions_[state_.tasks().holder_of(task)].worker;
    worker.last_progress = step_.now.steady;
    worker.recall_rests_until = {};
    ++worker.failed;
    end_lease(index);
    if (expire_if_late(index)) {
        return;
    }
    const std::uint32_t failures = state_.tasks().attempts_of(task) + 1U;
    if (useless || failures >= limit_of(task)) {
        die(index, error_class, error_text, run_us);
        return;
    }
    // Doubling from the first pause up to the longest, and a quarter either way, so that tasks that
    // failed together do not come back together.
    const Settings& settings = state_.queue_of(task).settings;
    const double doubled = std::ldexp(static_cast<double>(settings.pause_first.count()),
                                      static_cast<int>(std::min(failures - 1, 40U)));
    const double pause = std::min(doubled, static_cast<double>(settings.pause_max.count()));
    const double jitter = 0.75 + 0.5 * static_cast<double>(random_() >> 11) * 0x1.0p-53;
    commit(AttemptFailed{.number = task.number,
                         .error_class = Blob::copy_of(to_utf8(error_class, 64)),
                         .error_text = Blob::copy_of(to_utf8(error_text, error_text_octets_max)),
                         .pause = milliseconds{std::llround(pause * jitter)},
                         .run_us = run_us,
                         .at = step_.now.wall});
}

bool Core::return_attempt(TaskIndex index, bool charged, std::string_view error_class,
                          std::string_view error_text) {
    const Task& task = state_.tasks()[index];
    if (task.state == TaskState::leased) {
        end_lease(index);
    }
    if (expire_if_late(index)) {
        return false;
    }
    if (charged && state_.tasks().attempts_of(task) + 1U >= limit_of(task)) {
        die(index, error_class, error_text, 0);
        return false;
    }
    AttemptReturned record{.number = task.number, .is_charged = charged, .at = step_.now.wall};
    if (charged) {
        record.error_class = Blob::copy_of(to_utf8(error_class, 64));
        record.error_text = Blob::copy_of(to_utf8(error_text, history_text_octets_max));
    }
    commit(std::move(record));
    return true;
}

void Core::die(TaskIndex index, std::string_view error_class, std::string_view error_text,
               std::uint64_t run_us) {
    const Task& task = state_.tasks()[index];
    const TaskDied record{.number = task.number,
                          .error_class = Blob::copy_of(to_utf8(error_class, 64)),
                          .error_text = Blob::copy_of(to_utf8(error_text, error_text_octets_max)),
                          .run_us = run_us,
                          .at = step_.now.wall};
    commit(record);
    const Lane& lane = state_.queues()[task.lane];
    step_.effects->notices.push_back(
        TaskDead{.number = task.number_shown(),
                 .kind = std::string(state_.queues().name(lane.kind())),
                 .queue = state_.queues()[lane.queue()].name,
                 .attempts = state_.tasks().attempts_of(task),
                 .error_class = std::string(record.error_class.view()),
                 .error_text = std::string(record.error_text.view())});
    conclude(index);
}

// ---- leases that nobody ends ----

// Ends those leases of a worker whose time is over, and those attempts that the worker itself
// should have ended at their run limit. Comes again when the next is due.
void Core::check_leases(SessionIndex index) {
    const Instant now = step_.now.steady;
    WorkerPart& worker = sessions_[index].worker;
    Instant next = Instant::max();
    std::uint32_t position = 0;
    TaskIndex following = no_task;
    for (TaskIndex at = worker.held.head(); at != no_task; at = following) {
        Task& task = state_.tasks()[at];
        following = task.next;
        Details& details = state_.tasks().details(task);
        const Settings& settings = state_.queue_of(task).settings;
        // Only the oldest `slots` can be running; the run limit of the others has not begun.
        const bool may_run = position++ < worker.slots;
        if (may_run && details.run_ends == Instant::max()) {
            const milliseconds run_max =
                details.run_max.count() > 0 ? details.run_max : settings.run_max;
            details.run_ends = now + run_max + settings.lease;
        }
        const Instant lease_ends = std::max(details.lease_ends, grace_until_);
        const Instant run_ends = std::max(details.run_ends, grace_until_);
        if (now >= lease_ends || now >= run_ends) {
            const bool too_long = now >= run_ends;
            step_.effects->notices.push_back(
                LeaseExpired{.number = task.number_shown(),
                             .worker = std::string(sessions_[index].name.view()),
                             .reason = too_long ? "run limit passed" : "not extended in time"});
            worker.revoked.emplace(task.id, details.fence.value());
            worker.revoking.push_back({.id = task.id, .fence = details.fence.value()});
            touch(index);
            if (too_long) {
                fail_attempt(at, "timed_out", "the attempt ran longer than its limit", false, 0);
            } else {
                return_attempt(at, may_run, "lease_expired", "its worker did not extend the lease");
            }
            continue;
        }
        next = std::min({next, lease_ends, run_ends});
    }
    arm(index, SessionTimer::leases, next);
}

}  // namespace xebec::broker

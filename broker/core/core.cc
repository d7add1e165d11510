#include "broker/core/core.h"

#include "protocol/check.h"

#include <algorithm>
#include <utility>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr Duration stall_min = std::chrono::seconds{2};  // later than planned by more: a stall
constexpr Duration figures_interval = std::chrono::seconds{1};
constexpr int timers_per_step_max = 2'000;

// Bodies that a peer has not proven to have read: asked for a proof, and refused anything more. The
// upper one is far beyond what is under way to a peer that reads.
constexpr std::uint64_t unread_octets_proof = 4 << 20;
constexpr std::uint64_t unread_octets_max = 32 << 20;

constexpr bool is_for_clients(std::uint8_t type) {
    const bool is_for_workers = type >= Credit::type && type < Queues::type;
    return type >= Submit::type && !is_for_workers && type != Drain::type;
}

}  // namespace

Core::Core(const CoreOptions& options, std::uint32_t epoch, std::uint64_t seed, Now now)
    : options_(options),
      epoch_(epoch),
      epoch_at_start_(epoch),
      random_(seed),
      started_(now),
      offers_(state_.queues(), sessions_),
      grace_until_(Instant::min()),
      figures_due_(now.steady) {}

void Core::prefetch(std::uint64_t number, const std::optional<TaskId>& id) const {
    if (const TaskIndex index = state_.tasks().find(number); index != no_task) {
        state_.tasks().prefetch(index);
    } else if (id) {
        state_.tasks().prefetch(*id);
    }
}

void Core::replay(const Record& record, const Places& places) {
    const TaskIndex task = state_.replay(record, places);
    if (task != no_task && is_over_memory()) {
        state_.put_away(task);  // the oldest stay: they are the first to be needed
    }
}

void Core::resume(Now now) {
    state_.settle(now);
    offer_new_lanes(0);
    for (std::size_t i = 0; i < state_.queues().lane_count(); ++i) {
        offers_.update_lane(static_cast<LaneIndex>(i));
    }
    if (state_.counts()[static_cast<std::size_t>(TaskState::leased)] > 0) {
        const NumberIndex& numbers = state_.tasks().numbers();
        for (auto entry = numbers.find_below(state_.number_last() + 1); entry;
             entry = numbers.find_below(entry->number)) {
            if (state_.tasks()[entry->task].state == TaskState::leased) {
                unclaimed_.push_back(state_.tasks(), entry->task);
                ++unclaimed_count_;
            }
        }
    }
    ended_before_ = state_.ended_total();
    unclaimed_until_ = now.steady + options_.return_grace;
    step_ = {now, nullptr};
    plan();
}

void Core::apply(const Event& event, Now now, Effects& effects) {
    step_ = {now, &effects};
    std::visit([this](const auto& fact) { on(fact); }, event);
    step_.effects = nullptr;
}

// ---- events ----

void Core::on(const Received& event) {
    Request request{event.peer, event.header, sessions_.find(event.header.session)};
    const bool opens = std::holds_alternative<Hello>(event.message) ||
                       (std::holds_alternative<Ping>(event.message) && event.header.session == 0);
    // A session belongs to the connection on which it was opened: whoever comes with a known number
    // from elsewhere is asked to introduce itself (I16).
    if (request.session != no_session && sessions_[request.session].peer != event.peer) {
        request.session = no_session;
    }
    if (request.session == no_session && !opens) {
        if (!std::holds_alternative<ErrorAnswer>(event.message)) {  // never answered by an error
            refuse(request, Refusal::not_registered);
        }
        return;
    }
    if (request.session != no_session) {
        sessions_[request.session].last_heard = step_.now.steady;
        sessions_[request.session].is_pinged = false;
    }
    const bool is_worker = request.session != no_session && sessions_[request.session].is_worker();
    if (is_worker && is_for_clients(event.header.type)) {
        refuse(request, Refusal::unsupported,
               "a worker cannot ask this: open a session of role client on the clients' port");
        return;
    }
    const bool asks =
        request.session != no_session && !is_worker && event.header.type >= Submit::type;
    if (asks && reads_too_little(request.session)) {
        refuse(request, Refusal::retry_later,
               "read first what was sent, and answer the ping behind it");
        return;
    }
    std::visit([&](const auto& message) { on(request, message); }, event.message);
}

void Core::on(const ReceivedMalformed& event) {
    ++malformed_;
    ErrorAnswer error = event.error;
    error.epoch = epoch_;
    if (event.header.type != ErrorAnswer::type) {  // an error never answers an error
        send(event.peer, event.header.correlation, event.header.session, error, Leaves::at_once);
    }
}

void Core::on(const ReceivedForeign&) {
    ++malformed_;
}

void Core::on(const PeerLost& event) {
    const SessionIndex index = sessions_.find(event.peer);
    if (index == no_session) {
        return;
    }
    // This becomes known behind the end of a step: what goes back is given out by the next, at
    // once.
    planned_ = std::min(planned_.value_or(step_.now.steady), step_.now.steady);
    // While everybody is given time after a stall of our own, a closed connection says little: its
    // worker waited for us in vain and has opened another.
    Session& session = sessions_[index];
    if (session.is_worker() && step_.now.steady < grace_until_ && !event.is_stalled) {
        session.worker.is_gone = true;
        offers_.update_room(index);
        return;
    }
    close(index, event.is_stalled ? "it does not read" : "its connection is gone", Ending::lost);
}

void Core::on(const StepMeasured& event) {
    step_max_ = std::max(step_max_, event.took);
}

void Core::on(const ResourcesMeasured& event) {
    resources_ = event.resources;
}

void Core::on(const JournalChanged& event) {
    if (event.is_full && !is_disk_full_) {
        end_all_backups("the disk is full");  // what they hold may be what fills it
    }
    is_disk_full_ = event.is_full;
    is_disk_behind_ = event.is_behind;
    carry_due_ = event.carry_due;
}

void Core::on(const WatchersChanged& event) {
    if (event.figures && !watched_figures_) {
        figures_due_ = step_.now.steady;
    }
    watched_tasks_ = event.tasks;
    watched_figures_ = event.figures;
    state_.set_watching(event.tasks);
}

void Core::on(const StopRequested&) {
    is_stopping_ = true;
    for (std::uint32_t i = 0; i < sessions_.used(); ++i) {
        const auto index = static_cast<SessionIndex>(i);
        const Session& session = sessions_[index];
        if (session.id == 0 || session.worker.plain) {  // those understand no good-bye
            continue;
        }
        if (session.waits > 0 || !session.owed.empty()) {
            send(index, ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::shutting_down),
                                    .name = to_string(Refusal::shutting_down),
                                    .text = "the broker is shutting down",
                                    .retryable = true,
                                    .epoch = epoch_});
        }
        send(index, Bye{.reason = "shutting_down"});
    }
    for (const Scan& scan : scans_) {
        const SessionIndex asker = sessions_.find(scan.asker.id);
        if (asker != no_session) {
            send(sessions_[asker].peer, scan.correlation, scan.asker.id,
                 ErrorAnswer{.code = static_cast<std::uint16_t>(Refusal::shutting_down),
                             .name = to_string(Refusal::shutting_down),
                             .retryable = true,
                             .epoch = epoch_});
        }
    }
    scans_.clear();
}

void Core::on(const TimePassed&) {
    note_stall();
    has_more_work_ = false;
    run_timers();
    end_unclaimed();
    expire_plain_requests();
    remove_final_tasks();
    drop_tombstones();
    run_scans();
    end_silent_backups();
    forget_attempts();
    if (!is_stopping_) {
        dispatch();
    }
    flush();
    carry();
    put_away();
    publish();
    plan();
}

// ---- what a peer may not say ----

template <class Other>
void Core::on(const Request& request, const Other&) {
    if (!std::is_same_v<Other, ErrorAnswer>) {
        refuse(request, Refusal::unsupported, "only a broker says this");
    }
}

// ---- the step ----

void Core::update_touched_lanes() {
    for (const LaneIndex lane : state_.touched_lanes()) {
        offers_.update_lane(lane);
    }
    state_.forget_touched_lanes();
}

// The record keeps to what the state owns.
void Core::own(TaskAccepted& fact) {
    const Task& task = state_.tasks()[state_.tasks().find(fact.number)];
    const Lane& lane = state_.queues()[task.lane];
    fact.queue = state_.queues()[lane.queue()].name;
    fact.kind = state_.queues().name(lane.kind());
    fact.payload = Octets(task.payload);
}

void Core::own(QueueChanged& fact) {
    fact.queue = state_.queues()[*state_.queues().find(fact.queue)].name;
}

void Core::send(const Peer& peer, std::uint64_t correlation, std::uint64_t session,
                const Message& message, Leaves leaves) {
    const Header header{.correlation = correlation, .session = session};
    step_.effects->sends.push_back(
        {.peer = peer,
         .packet = encode(header, message, options_.limits.inline_octets_max),
         .records_before = step_.effects->records.size(),
         .leaves = leaves});
}

void Core::send(SessionIndex session, const Message& message, Leaves leaves) {
    send(sessions_[session].peer, 0, sessions_[session].id, message, leaves);
    note_sent(session, step_.effects->sends.back().packet);
}

void Core::answer(const Request& request, const Message& message, Leaves leaves) {
    const std::uint64_t session =
        request.session == no_session ? request.header.session : sessions_[request.session].id;
    send(request.peer, request.header.correlation, session, message, leaves);
    if (request.session != no_session) {
        note_sent(request.session, step_.effects->sends.back().packet);
    }
}

// What a client is sent may have been read from the journal for it alone; a task's payload is there
// for its worker.
void Core::note_sent(SessionIndex index, const Packet& packet) {
    std::size_t octets = packet.body.size();
    if (!sessions_[index].is_worker()) {
        for (const Blob& payload : packet.payloads) {
            octets += payload.size();
        }
    }
    note_sent(index, octets);
}

// A peer that asks for much and reads nothing would make this process hold it all.
bool Core::reads_too_little(SessionIndex session) const {
    return sessions_[session].unread.octets > unread_octets_max;
}

void Core::note_sent(SessionIndex index, std::size_t octets) {
    Session& session = sessions_[index];
    Unread& unread = session.unread;
    unread.octets += octets;
    if (unread.proof != 0) {
        unread.octets_behind += octets;
    } else if (unread.octets >= unread_octets_proof || !session.owed.empty()) {
        unread.proof = random_() | 1;
        unread.octets_behind = 0;
        send(session.peer, unread.proof, session.id, Ping{});
    }
}

void Core::refuse(const Request& request, Refusal refusal, std::string_view text) {
    ++refused_;
    constexpr std::uint64_t retry_after_ms = 200;
    const Error error = to_error(refusal, text);
    answer(request, ErrorAnswer{.code = static_cast<std::uint16_t>(refusal),
                                .name = to_string(refusal),
                                .text = error.detail,
                                .retryable = can_retry(refusal),
                                .retry_after_ms = can_retry(refusal) ? retry_after_ms : 0,
                                .epoch = epoch_});
}

bool Core::is_too_many(const Request& request, std::size_t items) {
    if (items > options_.limits.batch_items_max) {
        refuse(request, Refusal::too_large, "there are more items than one message may have");
        return true;
    }
    return false;
}

void Core::note_stall() {
    // After a stall of this process nobody can be blamed for silence: everybody gets a round of
    // heartbeats to be heard before a lease or a session ends (F17).
    if (planned_ && step_.now.steady - *planned_ > stall_min) {
        grace_until_ = step_.now.steady + options_.worker_liveness;
    }
}

void Core::run_timers() {
    int left = timers_per_step_max;
    while (left-- > 0) {
        const auto timer = timers_.take_due(step_.now.steady);
        if (!timer) {
            break;
        }
        sessions_[timer->first].timers[static_cast<std::size_t>(timer->second)] = Instant::max();
        switch (timer->second) {
            case SessionTimer::liveness:
                check_liveness(timer->first);
                break;
            case SessionTimer::leases:
                check_leases(timer->first);
                break;
            case SessionTimer::recall:
                check_recall(timer->first);
                break;
        }
    }
    while (left-- > 0) {
        const auto due = state_.take_due(step_.now);
        if (!due) {
            break;
        }
        if (due->is_deadline) {
            expire(due->task);
        } else {
            commit(TaskDue{.number = state_.tasks()[due->task].number, .at = step_.now.wall});
        }
    }
}

void Core::publish() {
    publish_updates();
    if (watched_figures_ && step_.now.steady >= figures_due_) {
        publish_figures();
        figures_due_ = step_.now.steady + figures_interval;
    }
}

void Core::plan() {
    const Now now = step_.now;
    planned_.reset();
    const auto at = [this](std::optional<Instant> instant) {
        if (instant && (!planned_ || *instant < *planned_)) {
            planned_ = instant;
        }
    };
    at(timers_.next());
    at(state_.next_due_steady());
    if (const auto wall = state_.next_due_wall()) {
        // Looked at again within a second, in case the wall clock jumps.
        at(now.steady + std::clamp(*wall - now.wall, milliseconds{0}, milliseconds{1'000}));
    }
    at(state_.next_retention_end());
    if (!unclaimed_.empty()) {
        at(std::max(unclaimed_until_, grace_until_));
    }
    if (!plain_expiries_.empty()) {
        at(plain_expiries_.front().at);
    }
    at(state_.tombstones().next_deadline(now));
    for (const auto& [number, backup] : backups_) {
        at(std::max(backup.ends_at, grace_until_));
    }
    if (watched_figures_) {
        at(figures_due_);
    }
    at(recent_until_);
    if (has_more_work_ || !scans_.empty()) {
        at(now.steady);
    }
    if (planned_) {
        planned_ = std::max(*planned_, now.steady);
    }
}

void Core::arm(SessionIndex session, SessionTimer timer, Instant at) {
    Instant& armed = sessions_[session].timers[static_cast<std::size_t>(timer)];
    timers_.cancel(armed, {session, timer});
    armed = at;
    if (at != Instant::max()) {
        timers_.arm(at, {session, timer});
    }
}

void Core::check_invariants() const {
    state_.check_invariants();
    check_sessions();
}

void Core::check_sessions() const {
    offers_.check_invariants();
    const State& state = state_;
    std::uint64_t held = 0;
    for (std::uint32_t i = 0; i < sessions_.used(); ++i) {
        const auto index = static_cast<SessionIndex>(i);
        const Session& session = sessions_[index];
        if (session.id == 0 || !session.is_worker()) {
            continue;
        }
        std::uint32_t count = 0;
        for (TaskIndex task = session.worker.held.head(); task != no_task;
             task = state.tasks()[task].next) {
            check(state.tasks().holder_of(state.tasks()[task]) == index &&
                      state.tasks()[task].state == TaskState::leased,
                  "a held task is leased to its holder (I6)");
            ++count;
        }
        check(count == session.worker.held_count, "a worker's leases are counted");
        check(count <= std::max(session.worker.credit, options_.credit_max),
              "credit is never exceeded (I15)");
        held += count;
    }
    std::uint64_t unclaimed = 0;
    for (TaskIndex task = unclaimed_.head(); task != no_task; task = state.tasks()[task].next) {
        check(state.tasks().holder_of(state.tasks()[task]) == no_session &&
                  state.tasks()[task].state == TaskState::leased,
              "an unclaimed lease has no holder (I6)");
        ++unclaimed;
    }
    check(unclaimed == unclaimed_count_, "unclaimed leases are counted");
    check(held + unclaimed == state.counts()[static_cast<std::size_t>(TaskState::leased)],
          "every lease has one holder (I6)");
    for (const auto& [task, waiters] : waiters_) {
        check(state.tasks()[task].is_waited_for && !is_final(state.tasks()[task].state),
              "waiters wait for tasks that have not ended (L3)");
    }
    for (const auto& [number, backup] : backups_) {
        const auto pieces = std::count_if(pieces_.begin(), pieces_.end(), [&](const auto& entry) {
            return entry.second.backup == number;
        });
        check(static_cast<std::size_t>(pieces) == backup.pieces, "a backup's pieces are counted");
    }
}

}  // namespace xebec::broker

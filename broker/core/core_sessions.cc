// Sessions: hello, heartbeats, farewell and silence.

#include "broker/core/core.h"
#include "protocol/names.h"

#include <algorithm>

namespace xebec::broker {

using namespace protocol;

namespace {

// How far ahead of the clock a boot epoch may lie that a peer claims to have seen. Epochs are wall
// clock seconds at first, so an honest one lies ahead only by the error of some machine's clock.
constexpr std::uint64_t epoch_lead_max = 400 * 86'400;

std::string join(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
        text += text.empty() ? "" : ",";
        text += part;
    }
    return text;
}

std::vector<std::string> to_strings(const std::vector<std::string_view>& views) {
    std::vector<std::string> strings(views.begin(), views.end());
    std::sort(strings.begin(), strings.end());
    strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
    return strings;
}

}  // namespace

std::string_view Core::hello_problem(const Request& request, const Hello& hello) const {
    if (hello.major_min > protocol_major || hello.major_max < protocol_major) {
        return "this broker speaks version 1 of the protocol only";
    }
    const bool on_worker_port = request.peer.port == Port::workers;
    if ((hello.role == Role::worker) != on_worker_port) {
        return on_worker_port ? "only workers connect to this port; clients have another"
                              : "workers connect to another port";
    }
    if (hello.host.size() > 255 || (!hello.name.empty() && !is_worker_name(hello.name))) {
        return "a name is 1 to 128 visible ASCII characters without spaces";
    }
    if (hello.role != Role::worker) {
        return {};
    }
    if (hello.name.empty() || hello.kinds.empty()) {
        return "a worker says its name and at least one kind";
    }
    if (hello.kinds.size() > worker_kinds_max || hello.queues.size() > worker_queues_max) {
        return "a worker serves at most 256 kinds and names at most 256 queues";
    }
    if (!std::all_of(hello.kinds.begin(), hello.kinds.end(), is_kind)) {
        return "a kind is 1 to 48 of A-Z a-z 0-9 _ . : -";
    }
    if (!std::all_of(hello.queues.begin(), hello.queues.end(), is_queue_name)) {
        return "a queue's name is 1 to 48 of A-Z a-z 0-9 _ -";
    }
    if (hello.slots == 0 || hello.slots > worker_slots_max) {
        return "a worker has 1 to 4096 slots";
    }
    return {};
}

void Core::on(const Request& request, const Hello& hello) {
    const std::string_view problem = hello_problem(request, hello);
    if (!problem.empty()) {
        refuse(request, Refusal::bad_value, problem);
        return;
    }
    if (is_stopping_) {
        refuse(request, Refusal::shutting_down);
        return;
    }
    if (sessions_.size() >= Sessions::count_max) {
        refuse(request, Refusal::retry_later, "there are too many sessions");
        return;
    }
    learn_epoch(hello.epoch_seen);

    std::uint64_t id = 0;
    while (id == 0 || sessions_.find(id) != no_session) {
        id = random_();
    }
    // Whatever this connection or this peer was before, it is no longer.
    // What fills its connection does not go away by a hello.
    const SessionIndex bound = sessions_.find(request.peer);
    const Unread unread = bound == no_session ? Unread{} : sessions_[bound].unread;
    const SessionIndex previous = previous_of(request, hello);
    if (previous != no_session) {
        sessions_.unbind(previous);
    }
    const SessionIndex other = sessions_.find(request.peer);
    if (other != no_session) {
        close(other, "replaced by a new session", Ending::replaced);
    }
    const SessionIndex index = sessions_.open(id, request.peer);
    Session& session = sessions_[index];
    session.role = hello.role;
    session.name = Blob::confined_copy_of(hello.name);
    session.host = to_utf8(hello.host, 255);
    session.unread = unread;
    session.process = hello.process;
    sessions_.set_instance(index, hello.instance);
    session.last_heard = step_.now.steady;
    session.since = step_.now.wall;

    const Duration liveness =
        session.is_worker() ? options_.worker_liveness : options_.client_liveness;
    const Limits& limits = options_.limits;
    Welcome welcome{
        .epoch = epoch_,
        .time = static_cast<std::uint64_t>(step_.now.wall.time_since_epoch().count()),
        .heartbeat_ms =
            static_cast<std::uint64_t>(session.is_worker() ? options_.heartbeat.count()
                                                           : options_.client_liveness.count() / 5),
        .liveness_ms =
            static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(liveness).count()),
        .limits = {.payload_octets_max = limits.payload_octets_max,
                   .result_octets_max = limits.result_octets_max,
                   .body_octets_max = limits.body_octets_max,
                   .batch_items_max = limits.batch_items_max,
                   .inline_octets_max = limits.inline_octets_max,
                   .payload_frames_max = limits.payload_frames_max,
                   .message_octets_max = limits.message_octets_max}};
    if (session.is_worker()) {
        start_worker(index, previous, hello, welcome);
    }
    if (previous != no_session) {
        close(previous, "replaced by a new session", Ending::replaced);
    }
    arm(index, SessionTimer::liveness,
        step_.now.steady +
            (session.is_worker() ? 2 * options_.heartbeat : options_.client_liveness));
    // At once, because assignments to this session leave at once as well, and must come behind it.
    send(request.peer, request.header.correlation, id, welcome, Leaves::at_once);
}

// The session that a hello replaces: the one it names, the one this run of the peer had, or the one
// its connection had.
SessionIndex Core::previous_of(const Request& request, const Hello& hello) const {
    for (const SessionIndex candidate :
         {sessions_.find_instance(hello.instance), sessions_.find(hello.session_previous)}) {
        if (candidate != no_session && sessions_[candidate].role == hello.role &&
            sessions_[candidate].name.view() == hello.name) {
            return candidate;
        }
    }
    return sessions_.find(request.peer);
}

// A lease passes to the new session if its worker proves by naming the fence that it is the holder;
// what it does not name it has lost.
void Core::start_worker(SessionIndex index, SessionIndex previous, const Hello& hello,
                        Welcome& welcome) {
    Session& session = sessions_[index];
    WorkerPart& worker = session.worker;
    worker.kinds = to_strings(hello.kinds);
    worker.queues = to_strings(hello.queues);
    worker.slots = hello.slots;
    worker.credit =
        std::clamp(hello.credit, hello.slots, std::max(hello.slots, options_.credit_max));
    worker.last_progress = step_.now.steady;
    welcome.credit_max = options_.credit_max;
    offers_.join(index);

    std::uint32_t confirmed = 0;
    for (const LeaseRef& lease : hello.held) {
        const TaskIndex task = state_.tasks().find(lease.id);
        const bool is_its =
            task != no_task && ((previous != no_session && holds(previous, task, lease.fence)) ||
                                is_unclaimed(task, lease.fence));
        const bool keeps = is_its && worker.occupied() < worker.credit;
        if (keeps) {
            end_lease(task);
            ended_.reset();  // it goes on
            worker.held.push_back(state_.tasks(), task);
            ++worker.held_count;
            state_.tasks().details(state_.tasks()[task]).holder = index;
            const milliseconds length = state_.queue_of(state_.tasks()[task]).settings.lease;
            state_.tasks().details(state_.tasks()[task]).lease_ends = step_.now.steady + length;
            welcome.held_ms.push_back(static_cast<std::uint64_t>(length.count()));
            ++confirmed;
        } else {
            welcome.held_ms.push_back(0);
        }
    }
    if (confirmed > 0) {
        offers_.update_room(index);
        arm(index, SessionTimer::leases, step_.now.steady);
        watch_waiting(index);
    }
    step_.effects->notices.push_back(WorkerCame{.name = std::string(hello.name),
                                                .host = sessions_[index].host,
                                                .process = hello.process,
                                                .slots = hello.slots,
                                                .kinds = join(worker.kinds),
                                                .leases_confirmed = confirmed});
}

void Core::learn_epoch(std::uint64_t seen) {
    const auto wall_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
        0, std::chrono::floor<std::chrono::seconds>(step_.now.wall).time_since_epoch().count()));
    // Not ahead of the epoch as it is now: else hello by hello it could be led to its end.
    const std::uint64_t highest =
        std::max<std::uint64_t>(epoch_at_start_, wall_seconds) + epoch_lead_max;
    // A higher epoch than our own means that this broker runs on an old copy of its data.
    if (seen > epoch_ && seen < std::min<std::uint64_t>(highest, UINT32_MAX)) {
        epoch_ = static_cast<std::uint32_t>(seen + 1);
        step_.effects->epoch_raised = epoch_;
    }
}

void Core::on(const Request& request, const Ping& message) {
    const bool is_known = request.session != no_session;
    if (is_known && message.resources && sessions_[request.session].is_worker()) {
        sessions_[request.session].worker.machine = std::make_unique<Machine>(*message.resources);
    }
    answer(request, Pong{.outcomes = is_known ? sessions_[request.session].outcomes_sent : 0},
           Leaves::at_once);
}

void Core::on(const Request& request, const Pong&) {
    Unread& unread = sessions_[request.session].unread;
    if (unread.proof != 0 && request.header.correlation == unread.proof) {
        unread = {.octets = unread.octets_behind};
        note_sent(request.session, 0);
        if (!reads_too_little(request.session)) {
            tell_owed(request.session);
        }
    }
}

void Core::on(const Request& request, const Bye& bye) {
    const bool is_reason = !bye.reason.empty() && bye.reason.size() <= 64;
    close(request.session, is_reason ? bye.reason : "it said good-bye", Ending::left);
}

void Core::close(SessionIndex index, std::string_view reason, Ending ending) {
    Session& session = sessions_[index];
    for (const auto timer : {SessionTimer::liveness, SessionTimer::leases, SessionTimer::recall}) {
        arm(index, timer, Instant::max());
    }
    if (session.is_worker()) {
        WorkerLeft notice{.name = std::string(session.name.view()),
                          .reason = std::string(reason),
                          .was_lost = ending == Ending::lost,
                          .returned = session.worker.given_back,
                          .died = session.worker.died_back};
        workers_lost_ += notice.was_lost ? 1 : 0;
        session.worker.is_draining = true;
        // Tasks start in the order of assignment: only the oldest ones can have been started, and
        // one of those may be what killed the worker. A worker that comes back names all it has, so
        // the rest never reached it.
        std::uint32_t position = 0;
        while (!session.worker.held.empty()) {
            const TaskIndex task = session.worker.held.head();
            const bool charged = ending != Ending::replaced && position++ < session.worker.slots;
            const bool lives =
                return_attempt(task, charged, "worker_lost",
                               "worker " + notice.name + " was lost with it: " + notice.reason);
            ++(lives ? notice.returned : notice.died);
        }
        offers_.leave(index);
        step_.effects->notices.push_back(std::move(notice));
    }
    if (ending != Ending::replaced) {
        end_backups_of(session.id);
    }
    sessions_.close(index);
}

void Core::check_liveness(SessionIndex index) {
    Session& session = sessions_[index];
    if (session.worker.plain) {
        check_plain_liveness(index);
        return;
    }
    const Duration limit =
        session.is_worker() ? options_.worker_liveness : options_.client_liveness;
    const Duration ping_after = 2 * options_.heartbeat;
    const Instant lost_at = std::max(session.last_heard + limit, grace_until_);
    if (step_.now.steady >= lost_at) {
        close(index,
              "silent for " +
                  std::to_string(std::chrono::duration_cast<milliseconds>(step_.now.steady -
                                                                          session.last_heard)
                                     .count()) +
                  " ms",
              Ending::lost);
        return;
    }
    if (!session.is_worker()) {
        arm(index, SessionTimer::liveness, lost_at);
        return;
    }
    // A ping to a connection that is gone fails, and ends the session sooner than silence would.
    if (!session.is_pinged && step_.now.steady >= session.last_heard + ping_after) {
        session.is_pinged = true;
        send(index, Ping{}, Leaves::at_once);
    }
    arm(index, SessionTimer::liveness,
        session.is_pinged ? lost_at : session.last_heard + ping_after);
}

}  // namespace xebec::broker

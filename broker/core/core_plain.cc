// Plain peers: clients that only ask and wait, and workers of the Paranoid Pirate Protocol. Both
// can only waste their own time: what a plain client asks for is never promised to be kept, and
// what a plain worker says counts only with the token that it was given.

#include "broker/core/core.h"
#include "protocol/ids.h"

#include <algorithm>
#include <array>

namespace xebec::broker {

using namespace protocol;

namespace {

// A busy worker reads nothing: more would only fill its pipe, and keep the next request out.
constexpr std::uint32_t probes_max = 300;

std::string plain_name(const Peer& peer) {
    std::string name = "plain-";
    const std::string& id = peer.address.front();
    const bool is_text =
        std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (is_text) {
        return name + id.substr(0, 64);
    }
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : id.substr(0, 16)) {
        const auto octet = static_cast<std::uint8_t>(c);
        name += digits[octet >> 4];
        name += digits[octet & 15];
    }
    return name;
}

// 26 letters and digits behind a letter: printable and without zeros, for peers that handle it as a
// C string; neither 17 nor 33 long, which the C++ peers would rewrite.
std::string make_token(std::uint64_t number, std::uint64_t attempt, std::uint64_t random) {
    constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
    std::string token = "x";
    const std::array<std::uint64_t, 2> parts{number, (attempt << 48) | (random >> 16)};
    for (std::uint64_t part : parts) {
        for (int i = 0; i < 13; ++i) {
            token += digits[part & 31];
            part >>= 5;
        }
    }
    return token;
}

}  // namespace

// ---- clients ----

void Core::on(const PlainRequested& event) {
    const std::uint64_t octets = event.body.size();
    if (is_stopping_ || octets > options_.limits.payload_octets_max || !has_room_for(octets) ||
        !state_.queues().has_room_for(plain_queue, plain_kind) || is_full(plain_queue)) {
        ++refused_;  // silence is the only refusal that such a client understands
        return;
    }
    TaskId id;
    for (std::size_t i = 0; i < id.octets.size(); i += 8) {
        const std::uint64_t random = random_();
        for (std::size_t k = 0; k < 8; ++k) {
            id.octets[i + k] = static_cast<std::uint8_t>(random >> (8 * k));
        }
    }
    if (state_.tasks().find(id) != no_task) {
        return;
    }
    id.octets[6] = static_cast<std::uint8_t>((id.octets[6] & 0x0F) | 0x40);  // says no time
    const std::uint64_t number = state_.number_last() + 1;
    const std::size_t lanes = state_.queues().lane_count();
    commit(TaskAccepted{
        .number = number,
        .id = id,
        .kind = plain_kind,
        .queue = plain_queue,
        .payload = Octets(event.body),
        .attempts_max = static_cast<std::uint16_t>(settings_of(plain_queue).attempts_max),
        .at = step_.now.wall,
        .is_volatile = true});
    offer_new_lanes(lanes);
    const Instant expires = step_.now.steady + options_.plain_patience;
    plain_askers_.emplace(state_.tasks().find(id), PlainAsker{event.peer, expires});
    plain_expiries_.push_back({expires, number});
}

void Core::expire_plain_requests() {
    while (!plain_expiries_.empty() && plain_expiries_.front().at <= step_.now.steady) {
        const TaskIndex task = state_.tasks().find(plain_expiries_.front().number);
        plain_expiries_.pop_front();
        // One that is with a worker may still end well: its client may have patience of its own.
        if (task != no_task && state_.tasks()[task].state != TaskState::leased) {
            expire(task);
        }
    }
}

bool Core::expire_if_late(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    if (!task.is_volatile || plain_askers_.at(index).expires > step_.now.steady) {
        return false;
    }
    commit(TaskExpired{.number = task.number, .at = step_.now.wall});
    conclude(index);
    return true;
}

void Core::conclude_plain(TaskIndex index) {
    const Task& task = state_.tasks()[index];
    const auto asker = plain_askers_.find(index);
    if (task.state == TaskState::succeeded) {
        send_plain(asker->second.peer, {Blob{}, state_.tasks().find_details(task)->result});
    }
    plain_askers_.erase(asker);
    commit(state_.removal(task, step_.now.wall));
}

void Core::send_plain(const Peer& peer, std::vector<Blob> frames) {
    step_.effects->plain_sends.push_back({peer, std::move(frames)});
}

// ---- workers ----

void Core::on(const PlainSignalled& event) {
    const SessionIndex index = sessions_.find(event.peer);
    const bool is_plain = index != no_session && sessions_[index].worker.plain;
    if (is_plain) {
        sessions_[index].last_heard = step_.now.steady;
    }
    if (index != no_session && !event.signal.is_ready) {
        malformed_ += is_plain ? 0 : 1;  // a sign of life: it says nothing about being ready
        return;
    }
    if (is_plain && sessions_[index].worker.occupied() == 0) {
        sessions_[index].worker.plain->dialect = event.signal.dialect;
        return;
    }
    if (is_stopping_ || sessions_.size() >= Sessions::count_max) {
        ++refused_;
        return;
    }
    if (index != no_session) {  // what it was working on, it has forgotten
        close(index, "it began again", Ending::lost);
    }
    open_plain(event.peer, event.signal.dialect);
}

void Core::open_plain(const Peer& peer, PlainDialect dialect) {
    std::uint64_t id = 0;
    while (id == 0 || sessions_.find(id) != no_session) {
        id = random_();
    }
    const SessionIndex index = sessions_.open(id, peer);
    Session& session = sessions_[index];
    session.role = Role::worker;
    session.name = Blob::confined_copy_of(plain_name(peer));
    session.last_heard = step_.now.steady;
    session.since = step_.now.wall;
    WorkerPart& worker = session.worker;
    worker.plain = PlainWorker{.dialect = dialect};
    worker.kinds = {std::string(plain_kind)};
    worker.queues = {std::string(plain_queue)};
    worker.slots = 1;
    worker.credit = 1;
    worker.last_progress = step_.now.steady;
    offers_.join(index);
    arm(index, SessionTimer::liveness, step_.now.steady);
    step_.effects->notices.push_back(
        WorkerCame{.name = std::string(session.name.view()), .slots = 1, .is_plain = true});
}

void Core::assign_plain(SessionIndex index, const AssignItem& item) {
    const Session& session = sessions_[index];
    PlainWorker& plain = *sessions_[index].worker.plain;
    const TaskIndex task = state_.tasks().find(item.id);
    const std::uint64_t number = task == no_task ? 0 : state_.tasks()[task].number;
    plain.token = make_token(number, item.attempt, random_());
    plain.task = item.id;
    plain.fence = item.fence;
    plain.probes = 0;
    send_plain(session.peer, {Blob::copy_of(plain.token), Blob{}, item.payload.keep()});
}

void Core::on(const PlainReplied& event) {
    const SessionIndex index = sessions_.find(event.peer);
    if (index == no_session || !sessions_[index].worker.plain) {
        ++stale_;
        return;
    }
    Session& session = sessions_[index];
    session.last_heard = step_.now.steady;
    PlainWorker& plain = *session.worker.plain;
    if (plain.token.empty() || event.token != plain.token) {
        ++stale_;  // of an earlier request: it says nothing about the one under way
        return;
    }
    plain.token.clear();
    const TaskId id = plain.task;
    const std::uint64_t fence = plain.fence;
    const TaskIndex task = state_.tasks().find(id);
    const Duration ran =
        task == no_task ? Duration{} : step_.now.steady - state_.tasks()[task].since;
    const auto run_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(ran).count());
    if (event.body) {
        finish(index,
               DoneItem{.id = id, .fence = fence, .result = Octets(*event.body), .run_us = run_us});
    } else {
        finish(index, FailItem{.id = id,
                               .fence = fence,
                               .error = {.error_class = "bad_reply",
                                         .text = "the reply is not one frame behind its address"},
                               .run_us = run_us});
    }
}

// An idle worker must be heard, and hears us. A busy one is silent because it has one thread: its
// lease decides. It is sent a heartbeat now and then all the same: if its connection is gone, the
// attempt to send says so.
void Core::check_plain_liveness(SessionIndex index) {
    Session& session = sessions_[index];
    PlainWorker& plain = *session.worker.plain;
    const Instant now = step_.now.steady;
    const bool is_busy = session.worker.occupied() > 0;
    if (!is_busy && now >= std::max(session.last_heard + options_.worker_liveness, grace_until_)) {
        close(index, "idle and silent", Ending::left);
        return;
    }
    // Its answer may have been lost on the way, or it may be gone without anybody noticing. If it
    // lives, its next heartbeat makes it known again.
    if (is_busy && session.worker.held_count == 0 && plain.probes >= probes_max) {
        close(index, "it never answered", Ending::left);
        return;
    }
    if (!is_busy || plain.probes++ < probes_max) {
        send_plain(session.peer, {Blob::copy_of(plain_heartbeat(plain.dialect))});
    }
    arm(index, SessionTimer::liveness, now + (is_busy ? 2 : 1) * options_.heartbeat);
}

}  // namespace xebec::broker

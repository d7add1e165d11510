#include "tests/simulation/broker_node.h"

#include "protocol/check.h"
#include "protocol/envelope.h"
#include "tests/support/journal_records.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace xebec::simulation {

using namespace std::chrono_literals;

BrokerNode::BrokerNode(Surroundings& surroundings, const broker::CoreOptions& options, Ended ended)
    : Node(surroundings, surroundings.machine.clocks),
      ended_(std::move(ended)),
      core_(options, surroundings.machine.epoch, surroundings.dice.number(), now()),
      store_(surroundings.machine, surroundings.schedule, surroundings.dice,
             {.later = [this](Duration pause,
                              std::function<void()> action) { later(pause, std::move(action)); },
              .has_news = [this] { wake_at(surroundings_.schedule.now()); },
              .is_killed = [this] { end(); }}),
      plain_patience_(options.plain_patience) {
    if (surroundings.machine.options.has_journal) {
        start();
    }
    surroundings.network.set_broker(
        [this](const Route& route, const Wire& wire) { receive(route, wire); });
    wake_at(surroundings.schedule.now());
}

void BrokerNode::start() {
    std::vector<std::string> replayed;
    Machine& machine = surroundings_.machine;
    const auto stop_at = std::exchange(machine.stop_at_record, std::nullopt);
    const bool was_closed = std::exchange(machine.was_closed, false);
    store_.open([&](const broker::Record& record, const broker::journal::Places& places) {
        if (stop_at == replayed.size()) {
            throw StoppedAtStart{};
        }
        core_.replay(record, places);
        if (!places.is_shelved) {
            replayed.push_back(
                testing::fingerprint(record, places.payload_octets, places.result_octets));
        }
    });
    check(!was_closed || store_.was_stopped_cleanly(), "a stop closes the journal (F27)");
    surroundings_.ledger.restarted(store_.end(), replayed);
    core_.resume(now());
    core_.check_invariants();
    surroundings_.ledger.check_restored(core_.state());
    core_.apply(broker::WatchersChanged{.tasks = true}, now(), effects_);
}

void BrokerNode::end() {
    if (!has_ended_) {
        has_ended_ = true;
        core_.check_invariants();
        ended_();
    }
}

// One of the points at which the process may be killed.
void BrokerNode::survive() {
    if (killed_after_ && (*killed_after_)-- == 0) {
        throw testing::Killed{};
    }
}

void BrokerNode::receive(const Route& route, const Wire& wire) {
    inbox_.emplace_back(route, wire);
    wake_at(surroundings_.schedule.now() + 20us);
}

void BrokerNode::step() {
    if (has_ended_) {
        return;
    }
    try {
        turn();
    } catch (const testing::Killed&) {
        end();
    }
}

// To look at every task after every turn takes most of the time of a scenario with many tasks. What
// is counted wrongly stays so: it is seen some turns later, and a replay of its seed says after
// which.
std::size_t BrokerNode::turns_per_check() {
    static const bool is_replay = std::getenv("XEBEC_SEED") != nullptr;
    return is_replay ? 1 : 8;
}

void BrokerNode::turn() {
    if (store_.has_failed()) {
        end();  // nothing leaves any more (I23)
        return;
    }
    if (is_closing_) {
        finish();
        return;
    }
    take_signals();
    if (has_ended_) {
        return;
    }
    look_after_store();
    constexpr std::size_t messages_per_step = 64;
    for (std::size_t i = 0; i < messages_per_step && !inbox_.empty(); ++i) {
        const auto [route, wire] = std::move(inbox_.front());
        inbox_.pop_front();
        take(route, wire);
        survive();
    }
    core_.apply(broker::TimePassed{}, now(), effects_);
    perform();
    release();
    if (turns_++ % turns_per_check() == 0) {
        core_.check_invariants();
    } else {
        core_.check_sessions();
    }
    check_plain_peers();
    measure_disk();
    if (is_stopping_ && (outbox_.empty() || now().steady > stops_by_)) {
        stop();
    }
    if (!inbox_.empty()) {
        wake_at(surroundings_.schedule.now() + 20us);
    }
}

// ---- SIGTERM ----

void BrokerNode::signal() {
    ++signals_;
    wake_at(surroundings_.schedule.now());
}

void BrokerNode::take_signals() {
    constexpr Duration stopping_max = 2'500ms;
    for (; signals_ > 0 && !has_ended_; --signals_) {
        if (is_stopping_) {
            end();
            return;
        }
        is_stopping_ = true;
        stops_by_ = now().steady + stopping_max;
        core_.apply(broker::StopRequested{}, now(), effects_);
    }
}

// Everything has been said, or there is no more time for it.
void BrokerNode::stop() {
    constexpr Duration closing_max = 1s;
    stops_by_ += closing_max;
    if (store_.owner() == nullptr) {
        end();
        return;
    }
    is_closing_ = true;
    store_.close();
}

void BrokerNode::finish() {
    if (store_.is_closed()) {
        surroundings_.machine.was_closed = true;
        ++surroundings_.machine.stops;
        surroundings_.ledger.durable(store_.end());
    }
    if (store_.is_closed() || now().steady > stops_by_ || signals_ > 0) {
        end();
    }
}

// ---- the journal ----

void BrokerNode::measure_disk() {
    if (store_.owner() != nullptr) {
        Machine& machine = surroundings_.machine;
        const auto excess = static_cast<std::int64_t>(machine.disk.octets()) -
                            static_cast<std::int64_t>(2 * core_.state().live_octets() +
                                                      2 * machine.options.segment_octets);
        machine.excess_octets_max = std::max(machine.excess_octets_max, excess);
    }
}

void BrokerNode::look_after_store() {
    if (broker::journal::Owner* owner = store_.owner()) {
        look_after(*owner);
        for (const broker::journal::PieceAnswer& piece : store_.journal()->take_pieces()) {
            core_.apply(broker::PieceRead{piece.token, piece.octets, piece.fault}, now(), effects_);
        }
    }
    surroundings_.ledger.durable(store_.durable_position());
}

void BrokerNode::look_after(broker::journal::Owner& owner) {
    for (const broker::journal::ReadAnswer& answer : owner.take_answers()) {
        check(answer.fault.empty(), "what is in the journal can be read (I1)");
        core_.apply(broker::OctetsRead{answer.token, answer.octets, answer.fault}, now(), effects_);
    }
    const broker::State& state = core_.state();
    const auto chosen = owner.look_for_garbage(
        {state.live_octets(), state.segments(), state.shelves(), state.tombstones()}, now().steady);
    if (chosen) {
        core_.apply(*chosen, now(), effects_);
    }
    if (const auto change = owner.take_change()) {
        core_.apply(*change, now(), effects_);
    }
}

void BrokerNode::take(const Route& route, const Wire& wire) {
    std::vector<std::string_view> frames{route};
    frames.insert(frames.end(), wire.frames.begin(), wire.frames.end());
    if (!protocol::parse_envelope(frames)) {
        take_plain(route, frames);
        return;
    }
    const Read message = read(wire);
    const auto decoded = protocol::decode(message.header, message.body, message.payloads);
    check(decoded.has_value(), "what a program sent can be read");
    const auto* hello = std::get_if<protocol::Hello>(&*decoded);
    if (hello != nullptr && hello->role == protocol::Role::worker) {
        surroundings_.machine.worker_routes.insert(route);
    }
    const broker::Peer peer{.port = surroundings_.machine.worker_routes.contains(route)
                                        ? broker::Port::workers
                                        : broker::Port::clients,
                            .address = {route}};
    core_.apply(broker::Received{peer, message.header, *decoded}, now(), effects_);
}

// ---- plain peers ----

void BrokerNode::take_plain(const Route& route, const std::vector<std::string_view>& frames) {
    if (!route.starts_with(plain_worker_prefix)) {
        const auto request = protocol::parse_plain_request(frames);
        check(request.has_value(), "what a plain client sent is a request");
        broker::Peer peer{.port = broker::Port::clients};
        peer.address.assign(frames.begin(),
                            frames.begin() + static_cast<std::ptrdiff_t>(request->address_count));
        asked_at_[std::string(frames[request->body])] = now().steady;
        core_.apply(broker::PlainRequested{peer, Blob::copy_of(frames[request->body])}, now(),
                    effects_);
        return;
    }
    const broker::Peer peer{.port = broker::Port::workers, .address = {route}};
    if (const auto signal = protocol::parse_plain_signal(frames)) {
        take_signal(peer, *signal);
        return;
    }
    const auto reply = protocol::parse_plain_reply(frames);
    check(reply.has_value(), "what a plain worker sent is a signal or a reply");
    take_reply(peer, *reply, frames);
}

void BrokerNode::take_signal(const broker::Peer& peer, const protocol::PlainSignal& signal) {
    const broker::PlainSignalled event{peer, signal};
    const auto session = core_.sessions().find(peer);
    if (!signal.is_ready && session != broker::no_session) {
        apply_without_effect(event);  // a heartbeat never makes a busy worker ready
        return;
    }
    const auto leases = [this] {
        return core_.state().counts()[static_cast<std::size_t>(TaskState::leased)];
    };
    const std::uint64_t before = leases();
    const std::uint32_t held =
        session == broker::no_session ? 0 : core_.sessions()[session].worker.held_count;
    core_.apply(event, now(), effects_);
    check(leases() + held == before, "a worker that begins again has forgotten its task");
}

void BrokerNode::take_reply(const broker::Peer& peer, const protocol::PlainReply& reply,
                            const std::vector<std::string_view>& frames) {
    const broker::PlainReplied event{
        peer, reply.token,
        reply.body ? std::optional(Blob::copy_of(frames[*reply.body])) : std::nullopt};
    const auto session = core_.sessions().find(peer);
    const auto token = tokens_.find(peer.address.front());
    const bool is_current = token != tokens_.end() && token->second == reply.token &&
                            session != broker::no_session &&
                            core_.sessions()[session].worker.held_count > 0;
    if (is_current) {
        tokens_.erase(token);
        core_.apply(event, now(), effects_);
    } else {
        apply_without_effect(event);  // old, invented, or its lease has ended
    }
}

// Nothing is committed, sent or said, and no task changes its state (I7, I25).
void BrokerNode::apply_without_effect(const broker::Event& event) {
    const auto volume = [this] {
        return std::array{effects_.records.size(), effects_.sends.size(),
                          effects_.plain_sends.size(), effects_.publications.size(),
                          effects_.notices.size()};
    };
    const auto effects = volume();
    const auto counts = core_.state().counts();
    const auto totals = core_.state().totals();
    core_.apply(event, now(), effects_);
    check(effects == volume() && counts == core_.state().counts() &&
              totals.succeeded == core_.state().totals().succeeded &&
              totals.failed == core_.state().totals().failed &&
              totals.returned == core_.state().totals().returned,
          "what a plain worker may not say changes nothing (I25)");
}

void BrokerNode::check_plain_peers() {
    if (asked_at_.empty() && tokens_.empty()) {
        return;
    }
    const broker::Sessions& sessions = core_.sessions();
    for (std::uint32_t i = 0; i < sessions.used(); ++i) {
        const broker::Session& session = sessions[static_cast<broker::SessionIndex>(i)];
        check(session.id == 0 || !session.worker.plain || session.worker.occupied() <= 1,
              "a plain worker has one task at most (I15)");
    }
    // Now and then, because it takes time: what is wrong with a request stays so for long.
    if (now().steady < plain_requests_seen_at_ + 250ms) {
        return;
    }
    plain_requests_seen_at_ = now().steady;
    const broker::TaskTable& tasks = core_.state().tasks();
    for (auto at = tasks.numbers().find_below(UINT64_MAX); at;
         at = tasks.numbers().find_below(at->number)) {
        const broker::Task& task = tasks[at->task];
        if (!task.is_volatile) {
            continue;
        }
        check(!is_final(task.state), "a plain request that has ended is gone");
        check(task.number_shown() == 0, "a plain request has no number that people see");
        const Instant asked = asked_at_.at(std::string(task.payload.view()));
        check(task.state == TaskState::leased || now().steady < asked + plain_patience_,
              "a plain request does not wait for longer than its client");
    }
}

// With XEBEC_TRACE in the environment, what an operator would read in the log.
void BrokerNode::trace() const {
    static const bool is_wanted = std::getenv("XEBEC_TRACE") != nullptr;
    if (!is_wanted) {
        return;
    }
    const double at = std::chrono::duration<double>(now().steady.time_since_epoch()).count();
    for (const broker::Notice& notice : effects_.notices) {
        if (const auto* came = std::get_if<broker::WorkerCame>(&notice)) {
            std::printf("%10.3f %s came, %u leases confirmed\n", at, came->name.c_str(),
                        came->leases_confirmed);
        } else if (const auto* left = std::get_if<broker::WorkerLeft>(&notice)) {
            std::printf("%10.3f %s left: %s; %u tasks returned, %u died\n", at, left->name.c_str(),
                        left->reason.c_str(), left->returned, left->died);
        } else if (const auto* expired = std::get_if<broker::LeaseExpired>(&notice)) {
            std::printf("%10.3f lease of task %llu at %s ended: %s\n", at,
                        static_cast<unsigned long long>(expired->number), expired->worker.c_str(),
                        expired->reason.c_str());
        }
    }
}

void BrokerNode::perform() {
    trace();
    if (effects_.epoch_raised) {
        surroundings_.machine.epoch = *effects_.epoch_raised;
    }
    survive();
    const broker::Position first = store_.end();
    append(effects_.records);
    core_.locate(effects_.records, store_.places());
    survive();
    if (store_.owner() != nullptr) {
        keep_house(*store_.owner());
    }
    for (broker::Send& message : effects_.sends) {
        const broker::Position at = first + message.records_before;
        if (message.leaves == broker::Leaves::at_once) {
            outbox_.put_at_once(std::move(message));
        } else if (message.leaves == broker::Leaves::patiently && !is_stopping_) {
            outbox_.put_patient(at, now().steady, std::move(message));
        } else {
            outbox_.put(at, std::move(message));
        }
    }
    for (broker::SendPlain& message : effects_.plain_sends) {
        if (message.frames.size() == 3 && message.peer.port == broker::Port::workers) {
            tokens_[message.peer.address.front()] = message.frames[0].view();
        }
        outbox_.put_at_once(std::move(message));
    }
    for (broker::Publish& message : effects_.publications) {
        const broker::Position at = first + message.records_before;
        outbox_.put(at, std::move(message));
    }
    const std::vector<broker::BackupHeld> backups = hold_backups();
    effects_.clear();
    for (const broker::BackupHeld& backup : backups) {
        core_.apply(backup, now(), effects_);
    }
    if (!backups.empty()) {
        perform();
    }
}

std::vector<broker::BackupHeld> BrokerNode::hold_backups() {
    broker::journal::Journal* journal = store_.journal();
    std::vector<broker::BackupHeld> held;
    for (const std::uint64_t backup : effects_.backups_begun) {
        held.push_back({backup, journal != nullptr ? journal->hold(backup)
                                                   : std::vector<broker::SegmentUse>{}});
    }
    if (journal == nullptr) {
        return held;
    }
    for (const std::uint64_t backup : effects_.backups_ended) {
        journal->release(backup);
    }
    for (const broker::ReadPiece& piece : effects_.pieces) {
        journal->read_pieces({{{piece.at, piece.octets, piece.token}}});
    }
    return held;
}

void BrokerNode::keep_house(broker::journal::Owner& owner) {
    owner.read(effects_.reads);
    check(!effects_.segment_kept, "what is in the journal can be read (I1)");
    using Before = broker::journal::Journal::Before;
    for (const std::uint32_t segment : effects_.shelves_done) {
        owner.unshelve(segment);
    }
    if (const auto segment = effects_.segment_done) {
        owner.trim_to(*segment + 1,
                      effects_.is_segment_shelved ? Before::is_shelved : Before::goes);
    }
    if (owner.take_segment_change()) {
        append(core_.state().bases());
    }
    survive();
}

void BrokerNode::append(std::vector<broker::Record> records) {
    if (store_.is_durable()) {
        check(store_.end() == surroundings_.ledger.records(), "no record is lost on its way");
    }
    for (const broker::Record& record : records) {
        surroundings_.ledger.committed(record, now(), surroundings_.schedule.now());
    }
    store_.append(records);
}

std::optional<Instant> BrokerNode::next_deadline() const {
    if (is_stopping_) {
        return now().steady + 10ms;
    }
    const auto core = core_.next_deadline();
    const auto patient = outbox_.next_deadline(store_.durable_position(), now().steady);
    return core && patient ? std::min(core, patient) : (core ? core : patient);
}

void BrokerNode::release() {
    surroundings_.ledger.durable(store_.durable_position());
    while (auto message = outbox_.take(store_.durable_position(), now().steady)) {
        survive();
        if (const auto* send = std::get_if<broker::Send>(&*message)) {
            transmit(send->peer, to_wire(send->packet));
        } else if (const auto* plain = std::get_if<broker::SendPlain>(&*message)) {
            const std::vector<std::string>& address = plain->peer.address;
            Wire wire{{address.begin() + 1, address.end()}};
            for (const Blob& frame : plain->frames) {
                wire.frames.emplace_back(frame.view());
            }
            transmit(plain->peer, wire);
        } else {
            transmit(std::get<broker::Publish>(*message));
        }
    }
}

void BrokerNode::transmit(const broker::Peer& peer, const Wire& wire) {
    if (!surroundings_.network.send_to_peer(peer.address.front(), wire)) {
        core_.apply(broker::PeerLost{peer}, now(), effects_);
        perform();
    }
}

// A watcher that misses nothing.
void BrokerNode::transmit(const broker::Publish& message) {
    const std::string_view topic = message.frames.front();
    if (!topic.starts_with(protocol::task_topic_prefix)) {
        return;
    }
    const auto header = protocol::decode_updates_header(message.frames.at(1));
    const auto updates = protocol::decode_updates(message.frames.at(2));
    check(header.has_value() && updates.has_value(), "updates can be read");
    surroundings_.ledger.updated(std::string(topic), *header, *updates);
}

}  // namespace xebec::simulation

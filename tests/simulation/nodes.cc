#include "tests/simulation/nodes.h"

#include "protocol/check.h"
#include "protocol/envelope.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace xebec::simulation {

using namespace std::chrono_literals;

// ---- any node ----

Now Node::now() const {
    const Instant steady = surroundings_.schedule.now();
    const WallTime epoch{std::chrono::hours{24 * 365 * 56}};
    return {
        .steady = steady,
        .wall = epoch + wall_offset_ + std::chrono::floor<milliseconds>(steady.time_since_epoch())};
}

void Node::stall(Duration length) {
    stalled_until_ = surroundings_.schedule.now() + length;
}

void Node::later(Duration pause, std::function<void()> action) {
    surroundings_.schedule.after(pause, [alive = is_alive_, action = std::move(action)] {
        if (*alive) {
            action();
        }
    });
}

void Node::wake_at(Instant instant) {
    const Instant at = std::max({instant, surroundings_.schedule.now(), stalled_until_});
    if (wakes_at_ && *wakes_at_ <= at) {
        return;
    }
    wakes_at_ = at;
    surroundings_.schedule.at(at, [this, at, alive = is_alive_] {
        if (*alive && wakes_at_ == at) {
            wakes_at_.reset();
            run_step();
        }
    });
}

void Node::run_step() {
    if (surroundings_.schedule.now() < stalled_until_) {
        wake_at(stalled_until_);
        return;
    }
    ++surroundings_.steps;
    const std::shared_ptr<bool> alive = is_alive_;
    step();
    if (*alive) {
        if (const auto next = next_deadline()) {
            wake_at(*next);
        }
    }
}

// ---- broker ----

BrokerNode::BrokerNode(Surroundings& surroundings, const broker::CoreOptions& options,
                       std::uint32_t epoch)
    : Node(surroundings),
      core_(options, epoch, surroundings.dice.number(), now()),
      plain_patience_(options.plain_patience) {
    surroundings_.network.set_broker(
        [this](const Route& route, const Wire& wire) { receive(route, wire); });
    wake_at(surroundings_.schedule.now());
}

void BrokerNode::receive(const Route& route, const Wire& wire) {
    inbox_.emplace_back(route, wire);
    wake_at(surroundings_.schedule.now() + 20us);
}

void BrokerNode::step() {
    constexpr std::size_t messages_per_step = 64;
    for (std::size_t i = 0; i < messages_per_step && !inbox_.empty(); ++i) {
        const auto [route, wire] = std::move(inbox_.front());
        inbox_.pop_front();
        take(route, wire);
    }
    core_.apply(broker::TimePassed{}, now(), effects_);
    perform();
    release();
    core_.check_invariants();
    check_plain_peers();
    if (!inbox_.empty()) {
        wake_at(surroundings_.schedule.now() + 20us);
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
        worker_routes_.insert(route);
    }
    const broker::Peer peer{
        .port = worker_routes_.contains(route) ? broker::Port::workers : broker::Port::clients,
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
    // Every 50 ms, because it takes time: what is wrong with a request stays wrong.
    if (now().steady < plain_requests_seen_at_ + 50ms) {
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
    for (const broker::Record& record : effects_.records) {
        surroundings_.ledger.committed(record, now());
    }
    const broker::Position first = journal_.append(effects_.records);
    for (broker::Send& message : effects_.sends) {
        const broker::Position at = first + message.records_before;
        if (message.leaves == broker::Leaves::at_once) {
            outbox_.put_at_once(std::move(message));
        } else if (message.leaves == broker::Leaves::patiently) {
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
    effects_.clear();
}

std::optional<Instant> BrokerNode::next_deadline() const {
    const auto core = core_.next_deadline();
    const auto patient = outbox_.next_deadline(journal_.durable_position());
    return core && patient ? std::min(core, patient) : (core ? core : patient);
}

void BrokerNode::release() {
    while (auto message = outbox_.take(journal_.durable_position(), now().steady)) {
        if (const auto* send = std::get_if<broker::Send>(&*message)) {
            transmit(send->peer, to_wire(send->packet));
        } else if (const auto* plain = std::get_if<broker::SendPlain>(&*message)) {
            const std::vector<std::string>& address = plain->peer.address;
            Wire wire{{address.begin() + 1, address.end()}};
            for (const Blob& frame : plain->frames) {
                wire.frames.emplace_back(frame.view());
            }
            transmit(plain->peer, wire);
        }
    }
}

void BrokerNode::transmit(const broker::Peer& peer, const Wire& wire) {
    if (!surroundings_.network.send_to_peer(peer.address.front(), wire)) {
        core_.apply(broker::PeerLost{peer}, now(), effects_);
        perform();
    }
}

// ---- worker ----

namespace {

worker::CoreOptions worker_options(const std::string& name, std::uint32_t slots) {
    return {.name = name,
            .host = "simulated",
            .process = 1,
            .kinds = {"ok", "fail", "flaky", "slow", "poison", "plain"},
            .slots = slots};
}

}  // namespace

WorkerNode::WorkerNode(Surroundings& surroundings, const std::string& name, std::uint32_t slots,
                       Died died)
    : Node(surroundings),
      core_(worker_options(name, slots), surroundings.dice.number()),
      slots_(slots),
      died_(std::move(died)) {
    connect();
    events_.emplace_back(worker::WorkerStarted{});
    wake_at(surroundings_.schedule.now());
}

WorkerNode::~WorkerNode() {
    surroundings_.network.disconnect(route_, is_noticed_);
}

std::string WorkerNode::describe() const {
    return std::string(core_.is_connected() ? "connected" : "not connected") + ", holds " +
           std::to_string(core_.held()) + ", runs " + std::to_string(running_.size()) + ", line " +
           std::to_string(line_.size()) + ", credit " + std::to_string(core_.credit());
}

void WorkerNode::connect() {
    route_ = surroundings_.network.connect([this](const Wire& wire) {
        inbox_.push_back(wire);
        wake_at(surroundings_.schedule.now());
    });
}

void WorkerNode::step() {
    while (!inbox_.empty()) {
        const Read message = read(inbox_.front());
        inbox_.pop_front();
        const auto decoded = protocol::decode(message.header, message.body, message.payloads);
        check(decoded.has_value(), "what the broker sent can be read");
        apply(worker::MessageReceived{message.header, *decoded});
    }
    while (!events_.empty()) {
        const worker::Event event = std::move(events_.front());
        events_.pop_front();
        apply(event);
    }
    apply(worker::TimePassed{});
    core_.check_invariants();
    if (!events_.empty()) {
        wake_at(surroundings_.schedule.now());
    }
}

void WorkerNode::apply(const worker::Event& event) {
    core_.apply(event, now(), effects_);
    perform();
}

void WorkerNode::perform() {
    worker::Effects effects = std::exchange(effects_, {});
    for (worker::Effect& effect : effects) {
        if (auto* send = std::get_if<worker::Send>(&effect)) {
            surroundings_.network.send_to_broker(route_, to_wire(send->packet));
        } else if (std::holds_alternative<worker::Reconnect>(effect)) {
            surroundings_.network.disconnect(route_, true);
            inbox_.clear();
            connect();
        } else if (auto* start = std::get_if<worker::Start>(&effect)) {
            line_.push_back({start->attempt, start->assignment});
            begin_next();
        } else if (auto* take_back = std::get_if<worker::TakeBack>(&effect)) {
            cancel(take_back->attempt, false);
        } else if (auto* stop = std::get_if<worker::Cancel>(&effect)) {
            cancel(stop->attempt, true);
        }
    }
}

void WorkerNode::begin_next() {
    while (!line_.empty() && running_.size() < slots_) {
        const Handed next = std::move(line_.front());
        line_.pop_front();
        running_[next.key] = {.began = surroundings_.schedule.now()};
        events_.emplace_back(worker::HandlerStarted{next.key, surroundings_.schedule.now()});
        note_run(next.assignment);
        Dice& dice = surroundings_.dice;
        const Duration length =
            next.assignment.kind == "slow" ? dice.between(1s, 40s) : dice.between(10us, 20ms);
        later(length, [this, next] { finish(next.key, next.assignment); });
    }
}

void WorkerNode::note_run(const worker::Assignment& assignment) {
    const std::string payload(assignment.payload.view());
    if (assignment.kind == protocol::plain_kind && surroundings_.ledger.is_asked(payload)) {
        check(assignment.number == 0, "a plain request has no number that people see");
        surroundings_.ledger.ran_plainly(payload);
    } else {
        surroundings_.ledger.ran(assignment.lease.id, assignment.lease.fence);
    }
}

void WorkerNode::finish(worker::AttemptKey key, const worker::Assignment& assignment) {
    const auto found = running_.find(key);
    if (found == running_.end()) {
        return;
    }
    if (assignment.kind == "poison") {
        died_();
        return;
    }
    const Running running = found->second;
    running_.erase(found);
    const bool fails = assignment.kind == "fail" ||
                       (assignment.kind == "flaky" && surroundings_.dice.happens(0.3));
    worker::HandlerOutcome outcome =
        worker::Success{Blob::copy_of(result_of(std::string(assignment.payload.view())))};
    if (fails) {
        outcome = Failure{.error_class = "failed", .text = "as it should"};
    }
    events_.emplace_back(
        worker::HandlerFinished{.attempt = key,
                                .outcome = std::move(outcome),
                                .run = surroundings_.schedule.now() - running.began,
                                .was_stopped = running.is_stopped});
    begin_next();
    wake_at(surroundings_.schedule.now());
}

void WorkerNode::cancel(worker::AttemptKey key, bool even_if_running) {
    for (auto at = line_.begin(); at != line_.end(); ++at) {
        if (at->key == key) {
            line_.erase(at);
            events_.emplace_back(worker::HandlerTakenBack{key});
            wake_at(surroundings_.schedule.now());
            return;
        }
    }
    const auto found = running_.find(key);
    if (found == running_.end() || !even_if_running || found->second.is_stopped) {
        return;
    }
    found->second.is_stopped = true;
    // A handler that is asked to stop returns soon; what it returns does not count.
    later(surroundings_.dice.between(1ms, 300ms), [this, key] {
        const auto running = running_.find(key);
        if (running == running_.end()) {
            return;
        }
        const Instant began = running->second.began;
        running_.erase(running);
        events_.emplace_back(worker::HandlerFinished{.attempt = key,
                                                     .outcome = Failure{.text = "stopped"},
                                                     .run = surroundings_.schedule.now() - began,
                                                     .was_stopped = true});
        begin_next();
        wake_at(surroundings_.schedule.now());
    });
}

// ---- client ----

ClientNode::ClientNode(Surroundings& surroundings, const std::string& name,
                       std::vector<Wish> wishes)
    : Node(surroundings), core_({.name = name}, surroundings.dice.number()) {
    connect();
    core_.set_listening(true);
    for (const Wish& wish : wishes) {
        open_.emplace(wish.id, wish);
    }
    constexpr std::size_t batch = 50;
    for (std::size_t i = 0; i < wishes.size(); i += batch) {
        const auto first = wishes.begin() + static_cast<std::ptrdiff_t>(i);
        const auto last =
            wishes.begin() + static_cast<std::ptrdiff_t>(std::min(i + batch, wishes.size()));
        submit({first, last});
    }
    perform();
    wake_at(surroundings_.schedule.now());
}

ClientNode::~ClientNode() {
    surroundings_.network.disconnect(route_, true);
}

void ClientNode::connect() {
    route_ = surroundings_.network.connect([this](const Wire& wire) {
        inbox_.push_back(wire);
        wake_at(surroundings_.schedule.now());
    });
}

std::string ClientNode::describe() const {
    return std::string(core_.has_session() ? "has a session" : "has no session") + ", open " +
           std::to_string(open_.size()) + ", accepted " + std::to_string(accepted_.size()) +
           ", requests " + std::to_string(core_.pending());
}

void ClientNode::submit(const std::vector<Wish>& wishes) {
    protocol::Submit message{.wait = true};
    for (const Wish& wish : wishes) {
        message.items.push_back(
            {.id = wish.id,
             .kind = wish.kind,
             .payload = Octets(std::string_view(wish.payload)),
             .queue = wish.queue,
             .priority = static_cast<std::uint8_t>(wish.priority),
             .not_before = static_cast<std::uint64_t>(wish.not_before.time_since_epoch().count()),
             .deadline = static_cast<std::uint64_t>(wish.deadline.time_since_epoch().count())});
    }
    submits_[core_.request(message, std::nullopt, now(), effects_)] = wishes;
}

void ClientNode::cancel(const TaskId& id) {
    const auto request =
        core_.request(protocol::Cancel{.tasks = {id}}, std::nullopt, now(), effects_);
    cancels_[request] = id;
    perform();
    wake_at(surroundings_.schedule.now());
}

std::vector<Wish> ClientNode::unfinished() const {
    std::vector<Wish> wishes;
    for (const auto& [id, wish] : open_) {
        wishes.push_back(wish);
    }
    return wishes;
}

void ClientNode::step() {
    while (!inbox_.empty()) {
        const Read message = read(inbox_.front());
        inbox_.pop_front();
        core_.receive(message.header, message.body, message.payloads, now(), effects_);
        perform();
    }
    core_.pass(now(), effects_);
    perform();
    core_.check_invariants();
}

void ClientNode::perform() {
    while (!effects_.empty()) {
        client::Effects effects = std::exchange(effects_, {});
        for (const client::Effect& effect : effects) {
            std::visit([this](const auto& content) { on(content); }, effect);
        }
    }
}

void ClientNode::on(const client::Send& effect) {
    surroundings_.network.send_to_broker(route_, to_wire(effect.packet));
}

void ClientNode::on(const client::Reconnect&) {
    surroundings_.network.disconnect(route_, true);
    inbox_.clear();
    connect();
}

void ClientNode::on(const client::Answered& effect) {
    const protocol::Packet& packet = effect.packet;
    const auto decoded = protocol::decode(packet.header, packet.body, packet.payloads);
    check(decoded.has_value(), "an answer can be read");
    if (const auto cancel = cancels_.find(effect.request); cancel != cancels_.end()) {
        const auto& answer = std::get<protocol::CancelAnswer>(*decoded);
        if (answer.items.at(0).code == 0) {
            surroundings_.ledger.cancel_acknowledged(cancel->second);
        }
        cancels_.erase(cancel);
        return;
    }
    const auto submit = submits_.find(effect.request);
    if (submit == submits_.end()) {
        return;
    }
    const auto& answer = std::get<protocol::SubmitAnswer>(*decoded);
    check(answer.items.size() == submit->second.size(), "every item is answered (I5)");
    for (std::size_t i = 0; i < answer.items.size(); ++i) {
        check(answer.items[i].status != protocol::SubmitStatus::refused,
              "an honest submit is not refused");
        surroundings_.ledger.acknowledged(submit->second[i].id);
        accepted_[submit->second[i].id] = true;
    }
    submits_.erase(submit);
}

void ClientNode::on(const client::Failed&) {
    check(false, "a request without deadline does not fail (L3)");
}

void ClientNode::on(const client::Notified& effect) {
    const protocol::Packet& packet = effect.packet;
    const auto decoded = protocol::decode(packet.header, packet.body, packet.payloads);
    check(decoded.has_value(), "a notification can be read");
    const auto* outcomes = std::get_if<protocol::Outcomes>(&*decoded);
    if (outcomes == nullptr) {
        return;
    }
    for (const protocol::OutcomeItem& item : outcomes->items) {
        surroundings_.ledger.told(item.id, item.state, std::string(item.result.view));
        open_.erase(item.id);
    }
}

void ClientNode::on(const client::SessionStarted&) {
    ask_again();
}

void ClientNode::on(const client::NotificationsMissed&) {
    ask_again();
}

void ClientNode::ask_again() {
    protocol::Wait message;
    for (const auto& [id, wish] : open_) {
        if (accepted_.contains(id)) {
            message.tasks.emplace_back(id);
        }
        if (message.tasks.size() == 1'000) {
            core_.request(message, std::nullopt, now(), effects_);
            message.tasks.clear();
        }
    }
    if (!message.tasks.empty()) {
        core_.request(message, std::nullopt, now(), effects_);
    }
}

}  // namespace xebec::simulation

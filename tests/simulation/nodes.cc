#include "tests/simulation/nodes.h"

#include "protocol/check.h"

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
    : Node(surroundings), core_(options, epoch, surroundings.dice.number(), now()) {
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
    if (!inbox_.empty()) {
        wake_at(surroundings_.schedule.now() + 20us);
    }
}

void BrokerNode::take(const Route& route, const Wire& wire) {
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
    effects_.clear();
}

std::optional<Instant> BrokerNode::next_deadline() const {
    const auto core = core_.next_deadline();
    const auto patient = outbox_.next_deadline();
    return core && patient ? std::min(core, patient) : (core ? core : patient);
}

void BrokerNode::release() {
    while (auto message = outbox_.take(journal_.durable_position(), now().steady)) {
        const auto* send = std::get_if<broker::Send>(&*message);
        if (send != nullptr && !surroundings_.network.send_to_peer(send->peer.address.front(),
                                                                   to_wire(send->packet))) {
            core_.apply(broker::PeerLost{send->peer}, now(), effects_);
            perform();
        }
    }
}

// ---- worker ----

namespace {

worker::CoreOptions worker_options(const std::string& name, std::uint32_t slots) {
    return {.name = name,
            .host = "simulated",
            .process = 1,
            .kinds = {"ok", "fail", "flaky", "slow", "poison"},
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
        surroundings_.ledger.ran(next.assignment.lease.id, next.assignment.lease.fence);
        Dice& dice = surroundings_.dice;
        const Duration length =
            next.assignment.kind == "slow" ? dice.between(1s, 40s) : dice.between(10us, 20ms);
        later(length, [this, next] { finish(next.key, next.assignment); });
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

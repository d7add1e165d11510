#include "tests/simulation/nodes.h"

#include "protocol/check.h"
#include "protocol/envelope.h"

#include <array>
#include <chrono>
#include <iterator>

namespace xebec::simulation {

using namespace std::chrono_literals;

// ---- any node ----

Now Node::now() const {
    const Instant steady = surroundings_.schedule.now();
    const WallTime epoch{std::chrono::hours{24 * 365 * 56}};
    return {
        .steady = steady + clocks_.steady,
        .wall = epoch + clocks_.wall + std::chrono::floor<milliseconds>(steady.time_since_epoch())};
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
            wake_at(*next - clocks_.steady);
        }
    }
}

// ---- worker ----

namespace {

worker::CoreOptions worker_options(const std::string& name, std::uint32_t slots, bool is_late) {
    const std::vector<std::string> kinds{"ok", "fail", "flaky", "slow", "poison", "plain"};
    return {.name = name,
            .host = "simulated",
            .process = 1,
            .kinds = is_late ? std::vector<std::string>{"late"} : kinds,
            .slots = slots};
}

}  // namespace

WorkerNode::WorkerNode(Surroundings& surroundings, const std::string& name, std::uint32_t slots,
                       bool is_late, Died died)
    : Node(surroundings),
      core_(worker_options(name, slots, is_late), surroundings.dice.number()),
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
        note_answer(message.header, *decoded);
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
            this->send(send->packet);
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

void WorkerNode::send(const protocol::Packet& packet) {
    session_ = packet.header.session;
    const auto decoded = protocol::decode(packet.header, packet.body, packet.payloads);
    check(decoded.has_value(), "what a worker sends can be read");
    std::vector<Outcome> outcomes;
    if (const auto* done = std::get_if<protocol::Done>(&*decoded)) {
        for (const protocol::DoneItem& item : done->items) {
            outcomes.push_back({.lease = {item.id, item.fence},
                                .is_success = true,
                                .result = std::string(item.result.view)});
        }
    } else if (const auto* fail = std::get_if<protocol::Fail>(&*decoded)) {
        for (const protocol::FailItem& item : fail->items) {
            outcomes.push_back({.lease = {item.id, item.fence}});
        }
    }
    if (!outcomes.empty()) {
        outcomes_[packet.header.correlation] = std::move(outcomes);
    }
    surroundings_.network.send_to_broker(route_, to_wire(packet));
}

void WorkerNode::note_answer(const Header& header, const protocol::Message& message) {
    const auto* done = std::get_if<protocol::DoneAnswer>(&message);
    const auto* fail = std::get_if<protocol::FailAnswer>(&message);
    const auto asked = outcomes_.find(header.correlation);
    if ((done == nullptr && fail == nullptr) || asked == outcomes_.end()) {
        return;
    }
    const std::vector<Outcome> outcomes = std::move(asked->second);
    outcomes_.erase(asked);
    const auto& statuses = done != nullptr ? done->statuses : fail->statuses;
    check(statuses.size() == outcomes.size(), "every item is answered (I5)");
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const Outcome& outcome = outcomes[i];
        surroundings_.ledger.finished(outcome.lease, outcome.is_success, statuses[i]);
        if (outcome.is_success && surroundings_.machine.options.has_journal &&
            surroundings_.dice.happens(0.05)) {
            later(surroundings_.dice.between(0s, 60s),
                  [this, outcome] { repeat(outcome.lease, outcome.result); });
        }
    }
}

// As if the first had been a message that came late (F15).
void WorkerNode::repeat(const protocol::LeaseRef& lease, const std::string& result) {
    constexpr std::uint64_t correlation_first = std::uint64_t{1} << 62;
    protocol::Done message;
    message.items.push_back(
        {.id = lease.id, .fence = lease.fence, .result = Octets(std::string_view(result))});
    send(protocol::encode(
        Header{.correlation = correlation_first + ++repeated_, .session = session_}, message));
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

}  // namespace xebec::simulation

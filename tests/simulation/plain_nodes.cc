#include "tests/simulation/plain_nodes.h"

#include "protocol/check.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace xebec::simulation {

using namespace std::chrono_literals;

namespace {

constexpr int tries_max = 3;
constexpr Duration answer_timeout = 2500ms;
constexpr Duration heartbeat_interval = 1s;
constexpr Duration silence_max = 3s;
constexpr std::size_t tokens_overheard_max = 200;

}  // namespace

// ---- client ----

PlainClientNode::PlainClientNode(Surroundings& surroundings, std::string name, int questions,
                                 bool correlates)
    : Node(surroundings), name_(std::move(name)), questions_(questions), correlates_(correlates) {
    ask_next();
    wake_at(waits_until_);
}

PlainClientNode::~PlainClientNode() {
    surroundings_.network.disconnect(route_, true);
}

std::string PlainClientNode::describe() const {
    return name_ + ", asked " + std::to_string(asked_) + " of " + std::to_string(questions_) +
           ", tries " + std::to_string(tries_) + (is_waiting_ ? ", waits" : "");
}

void PlainClientNode::connect() {
    if (is_connected_) {
        surroundings_.network.disconnect(route_, true);
    }
    is_connected_ = true;
    inbox_.clear();
    route_ = surroundings_.network.connect([this](const Wire& wire) {
        inbox_.push_back(wire);
        wake_at(surroundings_.schedule.now());
    });
}

void PlainClientNode::ask_next() {
    body_ = "question " + std::to_string(++asked_) + " of " + name_;
    surroundings_.ledger.asked(body_);
    tries_ = 0;
    if (!correlates_ || !is_connected_) {
        connect();
    }
    ask();
}

void PlainClientNode::ask() {
    ++tries_;
    Wire wire;
    if (correlates_) {
        wire.frames.push_back("no. " + std::to_string(++correlation_));
    }
    wire.frames.insert(wire.frames.end(), {"", body_});
    surroundings_.network.send_to_broker(route_, wire);
    is_waiting_ = true;
    waits_until_ = surroundings_.schedule.now() + answer_timeout;
}

void PlainClientNode::step() {
    const Instant now = surroundings_.schedule.now();
    const auto rest = [&] {
        is_waiting_ = false;
        asks_next_at_ = now + surroundings_.dice.between(1ms, 800ms);
    };
    while (!inbox_.empty()) {
        const Wire wire = std::move(inbox_.front());
        inbox_.pop_front();
        check(wire.frames.size() == (correlates_ ? 3U : 2U), "an answer has its request's frames");
        check(wire.frames[wire.frames.size() - 2].empty(), "an answer has its delimiter");
        const bool is_current =
            !correlates_ || wire.frames[0] == "no. " + std::to_string(correlation_);
        if (is_waiting_ && is_current) {  // else a network that repeats; no REQ takes that
            surroundings_.ledger.answered(body_, wire.frames.back());
            rest();
        }
    }
    if (is_waiting_ && now >= waits_until_) {
        if (tries_ >= tries_max && !is_patient_) {
            surroundings_.ledger.gave_up();
            connect();
            rest();
        } else {
            connect();
            ask();
        }
    }
    if (!is_waiting_ && asked_ < questions_ && now >= asks_next_at_) {
        ask_next();
    }
}

std::optional<Instant> PlainClientNode::next_deadline() const {
    if (is_done()) {
        return std::nullopt;
    }
    return is_waiting_ ? waits_until_ : asks_next_at_;
}

// ---- worker ----

PlainWorkerNode::PlainWorkerNode(Surroundings& surroundings, protocol::PlainDialect dialect,
                                 Route identity, const Manners& manners)
    : Node(surroundings),
      dialect_(dialect),
      identity_(std::move(identity)),
      manners_(manners),
      connects_at_(surroundings.schedule.now()) {
    wake_at(surroundings_.schedule.now());
}

PlainWorkerNode::~PlainWorkerNode() {
    if (!route_.empty()) {
        surroundings_.network.disconnect(route_, is_noticed_);
    }
}

std::string PlainWorkerNode::describe() const {
    return "plain at " + (route_.empty() ? "no route" : route_) +
           (working_ ? ", works" : ", idle") + ", inbox " + std::to_string(inbox_.size());
}

void PlainWorkerNode::connect() {
    connects_at_.reset();
    inbox_.clear();
    const Instant now = surroundings_.schedule.now();
    const auto receive = [this](const Wire& wire) {
        inbox_.push_back(wire);
        wake_at(surroundings_.schedule.now());
    };
    // Another that has this identity keeps it: then nobody hears us.
    route_ = surroundings_.network.connect_worker(identity_, receive);
    heartbeat_at_ = now + heartbeat_interval;
    gives_up_at_ = now + silence_max;
    say(true);
}

void PlainWorkerNode::send(std::vector<std::string> frames) {
    if (!route_.empty()) {
        surroundings_.network.send_to_broker(route_, {std::move(frames)});
    }
}

void PlainWorkerNode::say(bool is_ready) {
    const bool in_octets = dialect_ == protocol::PlainDialect::octet;
    if (is_ready) {
        send({in_octets ? "\x01" : "READY"});
    } else {
        send({in_octets ? "\x02" : "HEARTBEAT"});
    }
}

void PlainWorkerNode::step() {
    const Instant now = surroundings_.schedule.now();
    if (connects_at_) {
        if (now >= *connects_at_) {
            connect();
        }
        return;
    }
    if (working_ && now < finishes_at_) {
        if (now >= fidgets_at_) {
            fidget();
        }
        return;
    }
    if (working_) {
        finish();
    }
    while (!inbox_.empty() && !working_) {
        const Wire wire = std::move(inbox_.front());
        inbox_.pop_front();
        take(wire);
    }
    if (working_) {
        return;
    }
    if (now >= gives_up_at_) {
        if (!route_.empty()) {
            surroundings_.network.disconnect(route_, surroundings_.dice.happens(0.7));
            route_.clear();
        }
        connects_at_ = now + surroundings_.dice.between(1s, 4s);
    } else if (now >= heartbeat_at_) {
        heartbeat_at_ = now + heartbeat_interval;
        say(false);
    }
}

std::optional<Instant> PlainWorkerNode::next_deadline() const {
    if (connects_at_) {
        return connects_at_;
    }
    return working_ ? std::min(finishes_at_, fidgets_at_) : std::min(heartbeat_at_, gives_up_at_);
}

void PlainWorkerNode::take(const Wire& wire) {
    const bool is_work = wire.frames.size() == 3;
    // Meant for another that had this identity, and spoke the other dialect: it is not understood.
    if (is_work || wire.frames[0] == protocol::plain_heartbeat(dialect_)) {
        gives_up_at_ = surroundings_.schedule.now() + silence_max;
    }
    if (is_work) {
        begin(wire);
    } else {
        check(wire.frames.size() == 1, "what is not work is a heartbeat");
    }
}

void PlainWorkerNode::begin(const Wire& request) {
    check(request.frames[1].empty(), "plain work is a token, a delimiter and a body");
    surroundings_.ledger.ran_plainly(request.frames[2]);
    if (surroundings_.tokens_overheard.size() >= tokens_overheard_max) {
        surroundings_.tokens_overheard.pop_front();
    }
    surroundings_.tokens_overheard.push_back(request.frames[0]);
    Dice& dice = surroundings_.dice;
    Duration length = dice.between(1ms, 50ms);
    // What is hard is so for everybody: then the next worker has it when the first one answers.
    const bool is_hard = request.frames[2].find('7') != std::string::npos;
    if (is_hard && dice.happens(manners_.dawdles)) {
        length = dice.between(20s, 90s);
    } else if (dice.happens(manners_.takes_long)) {
        length = dice.between(1s, 6s);
    }
    const Instant now = surroundings_.schedule.now();
    working_ = request;
    finishes_at_ = now + length;
    fidgets_at_ = now + dice.between(1ms, heartbeat_interval);
}

// What a worker with a second thread might do, or one that was written carelessly.
void PlainWorkerNode::fidget() {
    fidgets_at_ = surroundings_.schedule.now() + heartbeat_interval;
    if (surroundings_.dice.happens(manners_.heartbeats_while_busy)) {
        say(false);
    }
    if (surroundings_.dice.happens(manners_.ready_while_busy)) {
        say(true);
    }
    if (surroundings_.dice.happens(manners_.lies)) {
        lie();
    }
}

// With an old token, somebody else's, or one that is nearly right: never with the one under way.
void PlainWorkerNode::lie() {
    Dice& dice = surroundings_.dice;
    const auto& overheard = surroundings_.tokens_overheard;
    std::string token = overheard[dice.below(overheard.size())];
    if (dice.happens(0.5)) {
        constexpr std::size_t random_first = 14;  // behind a letter and the number
        constexpr std::size_t random_digits = 9;
        token = working_->frames[0];
        char& digit = token[random_first + dice.below(random_digits)];
        digit = digit == '7' ? '8' : '7';
    }
    if (token != working_->frames[0]) {
        send({token, "", "a lie"});
    }
}

void PlainWorkerNode::finish() {
    const Wire request = *std::exchange(working_, std::nullopt);
    Dice& dice = surroundings_.dice;
    if (dice.happens(manners_.lies)) {
        working_ = request;
        lie();
        working_.reset();
    }
    std::vector<std::string> reply{request.frames[0], "", result_of(request.frames[2])};
    if (dice.happens(manners_.rambles)) {
        reply.emplace_back("and more");
    }
    send(reply);
    if (dice.happens(manners_.repeats)) {
        send(reply);
    }
    const Instant now = surroundings_.schedule.now();
    heartbeat_at_ = now + heartbeat_interval;
    gives_up_at_ = now + silence_max;  // what was sent meanwhile is read first
}

}  // namespace xebec::simulation

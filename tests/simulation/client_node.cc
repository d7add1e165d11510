#include "tests/simulation/client_node.h"

#include "protocol/check.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace xebec::simulation {

using namespace std::chrono_literals;

ClientNode::ClientNode(Surroundings& surroundings, const std::string& name,
                       std::vector<Wish> wishes, Duration pause)
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
        if (pause == Duration{}) {
            submit({first, last});
        } else {
            later(pause * static_cast<int>(i / batch),
                  [this, some = std::vector<Wish>(first, last)] { submit(some); });
        }
    }
    if (surroundings.machine.options.has_journal) {
        reader_ = surroundings.ledger.new_reader();
        read_on();
    }
    if (surroundings.habits.asks_again > 0) {
        ask_again_for_ended();
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

protocol::SubmitItem ClientNode::item_of(const Wish& wish) {
    return {.id = wish.id,
            .kind = wish.kind,
            .payload = Octets(std::string_view(wish.payload)),
            .queue = wish.queue,
            .priority = static_cast<std::uint8_t>(wish.priority),
            .not_before = static_cast<std::uint64_t>(wish.not_before.time_since_epoch().count()),
            .deadline = static_cast<std::uint64_t>(wish.deadline.time_since_epoch().count())};
}

void ClientNode::submit(const std::vector<Wish>& wishes) {
    protocol::Submit message{.wait = true};
    for (const Wish& wish : wishes) {
        message.items.push_back(item_of(wish));
    }
    submits_[core_.request(message, std::nullopt, now(), effects_)] = wishes;
    wake_at(surroundings_.schedule.now());
}

// One question at a time, so that what it reads has an order.
void ClientNode::read_on() {
    later(surroundings_.dice.between(5ms, 300ms), [this] {
        if (query_ == 0 && !accepted_.empty() && !open_.empty()) {
            constexpr std::uint64_t tasks_max = 32;
            const bool also_ended = surroundings_.dice.happens(0.3);
            asked_.clear();
            auto next = accepted_.begin();
            std::advance(next,
                         static_cast<std::ptrdiff_t>(surroundings_.dice.below(accepted_.size())));
            for (; next != accepted_.end() && asked_.size() < tasks_max; ++next) {
                if (also_ended || open_.contains(next->first)) {
                    asked_.push_back(next->first);
                }
            }
            protocol::Query message{.with_payload = true, .with_result = true};
            message.tasks.assign(asked_.begin(), asked_.end());
            if (!asked_.empty()) {
                query_ = core_.request(message, std::nullopt, now(), effects_);
                wake_at(surroundings_.schedule.now());
            }
        }
        read_on();
    });
}

void ClientNode::take_read(const protocol::QueryAnswer& answer) {
    check(answer.items.size() == asked_.size(), "a small question is answered whole");
    for (std::size_t i = 0; i < asked_.size(); ++i) {
        surroundings_.ledger.read(reader_, asked_[i], answer.items[i]);
    }
}

void ClientNode::cancel(const TaskId& id) {
    const auto request =
        core_.request(protocol::Cancel{.tasks = {id}}, std::nullopt, now(), effects_);
    cancels_[request] = id;
    perform();
    wake_at(surroundings_.schedule.now());
}

void ClientNode::set_queue(const std::string& name, const protocol::QueueSettings& settings) {
    core_.request(protocol::QueueSet{.name = name, .settings = settings}, std::nullopt, now(),
                  effects_);
    perform();
    wake_at(surroundings_.schedule.now());
}

std::vector<Wish> ClientNode::unfinished() const {
    std::vector<Wish> wishes;
    for (const auto& [id, wish] : open_) {
        wishes.push_back(wish);
    }
    for (const auto& [request, wish] : retries_) {
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
    if (effect.request == query_) {
        query_ = 0;
        take_read(std::get<protocol::QueryAnswer>(*decoded));
        return;
    }
    if (auto retry = retries_.extract(effect.request); !retry.empty()) {
        // Refused with `not_dead` if an earlier answer was lost; unknown once it is removed: it may
        // have been tried again even so, and how it ended is remembered.
        if (std::get<protocol::RetryAnswer>(*decoded).items.at(0).code == 0) {
            surroundings_.ledger.retry_acknowledged(retry.mapped().id);
        }
        reopen(retry.mapped());
        return;
    }
    if (auto wait = waits_.extract(effect.request); !wait.empty()) {
        take_waits(wait.mapped(), std::get<protocol::WaitAnswer>(*decoded));
        return;
    }
    if (auto repeat = repeats_.extract(effect.request); !repeat.empty()) {
        surroundings_.ledger.repeated(repeat.mapped().id, repeat.mapped().is_changed,
                                      std::get<protocol::SubmitAnswer>(*decoded).items.at(0));
        return;
    }
    const auto submit = submits_.find(effect.request);
    if (submit != submits_.end()) {
        const std::vector<Wish> wishes = std::move(submit->second);
        submits_.erase(submit);
        take_submitted(wishes, std::get<protocol::SubmitAnswer>(*decoded));
    }
}

void ClientNode::take_submitted(const std::vector<Wish>& wishes,
                                const protocol::SubmitAnswer& answer) {
    check(answer.items.size() == wishes.size(), "every item is answered (I5)");
    std::vector<Wish> refused;
    for (std::size_t i = 0; i < wishes.size(); ++i) {
        const protocol::SubmitStatusItem& item = answer.items[i];
        if (item.status != protocol::SubmitStatus::refused) {
            surroundings_.ledger.acknowledged(wishes[i].id, item);
            accepted_[wishes[i].id] = true;
            continue;
        }
        const auto refusal = static_cast<Refusal>(item.problem.code);
        check(surroundings_.machine.options.has_journal &&
                  (refusal == Refusal::read_only || refusal == Refusal::retry_later),
              "an honest submit is refused only by a disk that is full or behind");
        surroundings_.ledger.refused(refusal);
        refused.push_back(wishes[i]);
    }
    if (!refused.empty()) {
        later(surroundings_.dice.between(100ms, 2s), [this, refused] { submit(refused); });
    }
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
        conclude(item);
    }
}

void ClientNode::conclude(const protocol::OutcomeItem& outcome) {
    const bool is_removed = outcome.error && outcome.error->error_class == "removed";
    surroundings_.ledger.told(outcome.id, outcome.state, outcome.fence,
                              std::string(outcome.result.view), is_removed);
    const auto died = died_.find(outcome.id);
    const bool is_retried = outcome.state == TaskState::dead && died != died_.end();
    if (is_retried && !is_removed && outcome.fence <= died->second) {
        return;  // what it died of before it was retried
    }
    auto known = open_.extract(outcome.id);
    if (known.empty()) {
        return;
    }
    const bool may_retry = outcome.state == TaskState::dead && !is_removed;
    if (may_retry && surroundings_.dice.happens(surroundings_.habits.retries_dead)) {
        died_[outcome.id] = outcome.fence;
        retry(known.mapped());
    } else {
        ended_.push_back(std::move(known.mapped()));
    }
}

// ---- what has ended ----

void ClientNode::retry(const Wish& wish) {
    const auto request =
        core_.request(protocol::Retry{.tasks = {wish.id}}, std::nullopt, now(), effects_);
    retries_[request] = wish;
}

void ClientNode::reopen(const Wish& wish) {
    open_[wish.id] = wish;
    wait_for({wish.id});
}

// A broker with `relaxed` may have lost what it had accepted: then it is asked for once more.
void ClientNode::take_waits(const std::vector<TaskId>& asked, const protocol::WaitAnswer& answer) {
    check(answer.items.size() == asked.size(), "every item is answered (I5)");
    std::vector<Wish> lost;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const protocol::Problem& problem = answer.items[i].problem;
        const auto open = open_.find(asked[i]);
        if (problem.code == static_cast<std::uint16_t>(Refusal::unknown_task) &&
            open != open_.end()) {
            check(surroundings_.machine.options.flush_every > Duration{0},
                  "an accepted task is known (I1)");
            accepted_.erase(asked[i]);
            lost.push_back(open->second);
        }
    }
    if (!lost.empty()) {
        submit(lost);
    }
}

// With the same content it is known; with another it is refused (I3).
void ClientNode::ask_again_for_ended() {
    const auto pause = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(1 / surroundings_.habits.asks_again));
    later(surroundings_.dice.between(pause / 2, pause + pause / 2), [this] {
        Dice& dice = surroundings_.dice;
        if (!ended_.empty() && repeats_.empty()) {
            Wish wish = ended_[dice.below(ended_.size())];
            const bool is_changed = dice.happens(0.3);
            wish.payload += is_changed ? "!" : "";
            protocol::Submit message;
            message.items.push_back(item_of(wish));
            repeats_[core_.request(message, std::nullopt, now(), effects_)] = {wish.id, is_changed};
            wake_at(surroundings_.schedule.now());
        }
        ask_again_for_ended();
    });
}

void ClientNode::on(const client::SessionStarted&) {
    ask_again();
}

void ClientNode::on(const client::NotificationsMissed&) {
    ask_again();
}

void ClientNode::ask_again() {
    std::vector<TaskId> tasks;
    for (const auto& [id, wish] : open_) {
        if (accepted_.contains(id)) {
            tasks.push_back(id);
        }
        if (tasks.size() == 1'000) {
            wait_for(std::exchange(tasks, {}));
        }
    }
    if (!tasks.empty()) {
        wait_for(tasks);
    }
}

void ClientNode::wait_for(const std::vector<TaskId>& tasks) {
    protocol::Wait message;
    message.tasks.assign(tasks.begin(), tasks.end());
    waits_[core_.request(message, std::nullopt, now(), effects_)] = tasks;
}

}  // namespace xebec::simulation

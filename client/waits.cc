#include "client/waits.h"

#include "client/convert.h"

#include <algorithm>
#include <utility>

namespace xebec::client {

Waits::WaitId Waits::ask(const TaskKey& task, Instant deadline, Then then) {
    const WaitId wait = ++last_;
    waiters_.emplace(wait, Waiter{.then = std::move(then)});
    ++nameless_;
    connection_.ask(
        protocol::Wait{.tasks = {task}}, deadline,
        [this, wait](const Connection::Answer& packet) { on_wait_answer(wait, packet); });
    return wait;
}

void Waits::on_wait_answer(WaitId wait, const Connection::Answer& packet) {
    const auto answer = answer_as<protocol::WaitAnswer>(packet);
    --nameless_;
    if (!answer) {
        finish(wait, answer.error());
    } else if (answer->items.size() != 1) {
        finish(wait, Error{ErrorCode::corrupt, "the broker's answer is incomplete", ""});
    } else if (answer->items[0].problem.code != 0) {
        finish(wait, error_of(answer->items[0].problem));
    } else {
        place(wait, answer->items[0].id);
        const auto early = early_.find(answer->items[0].id);
        confirm(wait);
        if (early != early_.end()) {
            finish_all(answer->items[0].id, early->second);
        }
    }
    if (nameless_ == 0) {
        early_.clear();
    }
}

Waits::WaitId Waits::expect(const TaskId& task, Then then) {
    const WaitId wait = ++last_;
    waiters_.emplace(wait, Waiter{.then = std::move(then)});
    place(wait, task);
    return wait;
}

void Waits::confirm(WaitId wait) {
    const auto found = waiters_.find(wait);
    if (found == waiters_.end()) {
        return;
    }
    found->second.is_confirmed = true;
    if (found->second.early) {
        Outcome outcome = *std::exchange(found->second.early, std::nullopt);
        take_out(found->second.task, wait);
        finish(wait, std::move(outcome));
    }
}

void Waits::remove(WaitId wait) {
    const auto found = waiters_.find(wait);
    if (found == waiters_.end()) {
        return;
    }
    if (found->second.is_known) {
        take_out(found->second.task, wait);
    }
    waiters_.erase(found);
}

void Waits::take_out(const TaskId& task, WaitId wait) {
    const auto of_task = by_task_.find(task);
    if (of_task != by_task_.end()) {
        std::erase(of_task->second, wait);
        if (of_task->second.empty()) {
            by_task_.erase(of_task);
        }
    }
    listen();
}

void Waits::on_outcomes(const protocol::Packet& packet) {
    const auto message = protocol::decode(packet.header, packet.body, packet.payloads);
    const auto* outcomes = message ? std::get_if<protocol::Outcomes>(&*message) : nullptr;
    if (outcomes == nullptr) {
        return;
    }
    for (const protocol::OutcomeItem& item : outcomes->items) {
        if (by_task_.contains(item.id)) {
            finish_all(item.id, outcome_of(item));
        } else if (nameless_ > 0) {
            early_.emplace(item.id, outcome_of(item));
        }  // else told before
    }
}

void Waits::on_session() {
    for (const RequestId request : std::exchange(asked_again_, {})) {
        connection_.abandon(request);
    }
    const std::size_t batch = std::min<std::size_t>(connection_.limits().batch_items_max, 1024);
    std::vector<TaskId> tasks;
    for (const auto& [task, waits] : by_task_) {
        // One that is not confirmed is being submitted, which asks as well.
        if (std::none_of(waits.begin(), waits.end(),
                         [this](WaitId wait) { return waiters_.at(wait).is_confirmed; })) {
            continue;
        }
        tasks.push_back(task);
        if (tasks.size() == batch) {
            ask_again(std::exchange(tasks, {}));
        }
    }
    if (!tasks.empty()) {
        ask_again(std::move(tasks));
    }
}

void Waits::ask_again(std::vector<TaskId> tasks) {
    const protocol::Wait wait{.tasks = {tasks.begin(), tasks.end()}};
    asked_again_.push_back(connection_.ask(
        wait, std::nullopt, [this, tasks = std::move(tasks)](const Connection::Answer& answer) {
            on_answer(tasks, answer);
        }));
}

void Waits::on_answer(const std::vector<TaskId>& asked, const Connection::Answer& packet) {
    const auto answer = answer_as<protocol::WaitAnswer>(packet);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!answer) {
            finish_all(asked[i], answer.error());
        } else if (i < answer->items.size() && answer->items[i].problem.code != 0) {
            finish_all(asked[i], error_of(answer->items[i].problem));
        }
    }
}

void Waits::place(WaitId wait, const TaskId& task) {
    const auto found = waiters_.find(wait);
    if (found == waiters_.end()) {
        return;  // removed meanwhile
    }
    found->second.task = task;
    found->second.is_known = true;
    by_task_[task].push_back(wait);
    listen();
}

void Waits::finish(WaitId wait, Result<Outcome> outcome) {
    const auto found = waiters_.find(wait);
    if (found == waiters_.end()) {
        return;
    }
    const Then then = std::move(found->second.then);
    waiters_.erase(found);
    then(std::move(outcome));
}

void Waits::finish_all(const TaskId& task, const Result<Outcome>& outcome) {
    const auto found = by_task_.find(task);
    if (found == by_task_.end()) {
        return;
    }
    for (const WaitId wait : std::vector<WaitId>(found->second)) {
        Waiter& waiter = waiters_.at(wait);
        if (waiter.is_confirmed) {
            take_out(task, wait);
            finish(wait, outcome);
        } else if (outcome) {
            waiter.early = *outcome;
        }
    }
}

void Waits::listen() {
    connection_.set_listening(!by_task_.empty());
}

}  // namespace xebec::client

#include "tests/simulation/ledger.h"

#include "protocol/check.h"
#include "protocol/plain.h"

#include <utility>

namespace xebec::simulation {

using namespace broker;

std::string result_of(const std::string& payload) {
    return "result of " + payload;
}

void Ledger::committed(const Record& record, Now now) {
    std::visit([this, now](const auto& fact) { on(fact, now); }, record);
}

Ledger::Entry& Ledger::entry(std::uint64_t number) {
    const auto found = tasks_.find(number);
    check(found != tasks_.end(), "a record names an accepted task (I2)");
    return found->second;
}

Ledger::Entry& Ledger::leased(std::uint64_t number) {
    Entry& task = entry(number);
    check(task.state == TaskState::leased, "only a leased task's attempt ends (I6)");
    return task;
}

void Ledger::end(Entry& task, TaskState state) {
    check(!xebec::is_final(task.state), "a final state never changes (I8)");
    task.state = state;
}

void Ledger::on(const TaskAccepted& record, Now now) {
    const auto wish = wishes_.find(record.id);
    check(wish != wishes_.end(), "every task was submitted (I2)");
    check(wish->second.payload == record.payload.view && wish->second.kind == record.kind &&
              wish->second.queue == record.queue && wish->second.priority == record.priority,
          "a task is what was submitted (I2)");
    check(numbers_.emplace(record.id, record.number).second, "one id is one task (I3)");
    check(tasks_.empty() || tasks_.rbegin()->first < record.number, "numbers grow");
    const bool waits = record.not_before != WallTime{};
    check(!waits || record.not_before > now.wall, "what waits for a time has one ahead");
    tasks_[record.number] = {.id = record.id,
                             .state = waits ? TaskState::scheduled : TaskState::ready,
                             .attempts_max = record.attempts_max,
                             .not_before = record.not_before};
}

void Ledger::on(const TaskDue& record, Now now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::scheduled, "only a scheduled task becomes due");
    check(task.charged > 0 || now.wall >= task.not_before, "a task does not start early (I13)");
    task.state = TaskState::ready;
}

void Ledger::on(const AttemptStarted& record, Now now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::ready, "a task has one lease at a time (I6)");
    check(record.fence > task.fence, "fences grow strictly (I6)");
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    check(!task.is_cancel_acknowledged, "no assignment after an acknowledged cancel (I13)");
    const Wish& wish = wishes_.at(task.id);
    check(wish.deadline == WallTime{} || now.wall < wish.deadline,
          "no assignment after the deadline (I13)");
    task.fence = record.fence;
    task.state = TaskState::leased;
}

void Ledger::on(const AttemptReturned& record, Now) {
    Entry& task = leased(record.number);
    task.charged += record.is_charged ? 1 : 0;
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    task.state = TaskState::ready;
}

void Ledger::on(const AttemptFailed& record, Now) {
    Entry& task = leased(record.number);
    ++task.charged;
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    task.state = TaskState::scheduled;
}

void Ledger::on(const TaskSucceeded& record, Now) {
    Entry& task = leased(record.number);
    task.result = record.result.view;
    check(task.result == result_of(wishes_.at(task.id).payload),
          "a result is what the handler gave (I2)");
    end(task, TaskState::succeeded);
}

void Ledger::on(const TaskDied& record, Now) {
    end(leased(record.number), TaskState::dead);
}

void Ledger::on(const TaskCancelled& record, Now) {
    end(entry(record.number), TaskState::cancelled);
}

void Ledger::on(const TaskExpired& record, Now now) {
    Entry& task = entry(record.number);
    check(now.wall >= wishes_.at(task.id).deadline, "a task does not expire early");
    end(task, TaskState::expired);
}

void Ledger::on(const TaskRetried& record, Now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::dead, "only a dead task is retried (I8)");
    check(record.attempts_max > task.charged, "a retry raises the limit");
    task.attempts_max = record.attempts_max;
    task.state = TaskState::ready;
    told_.erase(task.id);
}

void Ledger::on(const TaskRemoved& record, Now) {
    check(xebec::is_final(entry(record.number).state), "only final tasks are removed (I11)");
}

void Ledger::on(const QueueChanged&, Now) {}
void Ledger::on(const FloorRaised&, Now) {}

void Ledger::wished(const Wish& wish) {
    wishes_[wish.id] = wish;
    if (wish.kind == protocol::plain_kind) {
        wished_plainly_.insert(wish.payload);
    }
}

void Ledger::acknowledged(const TaskId& id) {
    check(numbers_.contains(id), "what was acknowledged is there (I1)");
    acknowledged_[id] = true;
}

void Ledger::cancel_acknowledged(const TaskId& id) {
    Entry& task = entry(numbers_.at(id));
    check(task.state == TaskState::cancelled, "an acknowledged cancel is real");
    task.is_cancel_acknowledged = true;
}

void Ledger::told(const TaskId& id, TaskState state, const std::string& result) {
    check(numbers_.contains(id), "nobody hears of tasks that are not there (I2)");
    const Entry& task = entry(numbers_.at(id));
    const auto [known, is_new] = told_.emplace(id, Told{state, result});
    check(known->second.state == state && known->second.result == result,
          "everybody gets the same outcome (I8)");
    check(task.state == state && task.result == result, "an outcome is the accepted one (I8)");
}

void Ledger::ran(const TaskId& id, std::uint64_t fence) {
    // Fences of one task never come twice, whoever runs it.
    ++runs_;
    std::uint64_t& newest = newest_run_[id];
    check(fence != newest, "a fence is used once (I6)");
    newest = std::max(newest, fence);
    check(numbers_.contains(id), "nothing runs that was not accepted (I2)");
}

void Ledger::asked(const std::string& body) {
    check(asked_.emplace(body, Question{}).second, "no two questions are alike");
}

void Ledger::ran_plainly(const std::string& body) {
    ++plain_runs_;
    const auto question = asked_.find(body);
    check(question != asked_.end() || wished_plainly_.contains(body),
          "plain workers run nothing that nobody asked for (I2)");
    if (question != asked_.end()) {
        question->second.was_run = true;
    }
}

void Ledger::answered(const std::string& body, const std::string& reply) {
    Question& question = asked_.at(body);
    check(reply == result_of(body), "a plain client gets the answer to its own request (I16, I25)");
    check(question.was_run, "an answer comes from a worker (I2)");
    check(!std::exchange(question.is_answered, true), "a question is answered once");
    ++plain_answered_;
}

void Ledger::check_finished() const {
    for (const auto& [id, yes] : acknowledged_) {
        const Entry& task = tasks_.at(numbers_.at(id));
        check(xebec::is_final(task.state), "every accepted task ends (L1)");
        check(told_.contains(id), "every waiting client is told (L3)");
    }
    for (const auto& [id, wish] : wishes_) {
        // Whoever was told the outcome before a crash has no more to ask.
        check(acknowledged_.contains(id) || told_.contains(id), "every submit is answered (L3)");
    }
}

std::uint64_t Ledger::count(TaskState state) const {
    std::uint64_t count = 0;
    for (const auto& [number, task] : tasks_) {
        count += task.state == state ? 1 : 0;
    }
    return count;
}

bool Ledger::is_final(const TaskId& id) const {
    const auto found = numbers_.find(id);
    return found != numbers_.end() && xebec::is_final(tasks_.at(found->second).state);
}

}  // namespace xebec::simulation

#include "tests/simulation/ledger.h"

#include "protocol/check.h"
#include "protocol/ids.h"
#include "protocol/limits.h"
#include "protocol/plain.h"

#include <algorithm>
#include <utility>

namespace xebec::simulation {

using namespace broker;

std::string result_of(const std::string& payload) {
    return "result of " + payload;
}

// ---- the broker's records ----

void Ledger::committed(const Record& record, Now now, Instant at) {
    log_.push_back({keep(record), now, at});
    apply(log_.back().record, now);  // whose names outlive this run
}

void Ledger::apply(const Record& record, Now now) {
    std::visit([this, now](const auto& fact) { on(fact, now); }, record);
}

// A record that outlives the broker's run.
Record Ledger::keep(Record record) {
    std::visit(
        [this](auto& fact) {
            if constexpr (requires { fact.queue; }) {
                fact.queue = keep(fact.queue);
            }
            if constexpr (requires { fact.kind; }) {
                fact.kind = keep(fact.kind);
            }
            if constexpr (requires { fact.payload; }) {
                fact.payload = Octets(fact.payload.keep());
            }
            if constexpr (requires { fact.result; }) {
                fact.result = Octets(fact.result.keep());
            }
        },
        record);
    return record;
}

Ledger::Entry& Ledger::entry(std::uint64_t number) {
    const auto found = tasks_.find(number);
    check(found != tasks_.end(), "a record names an accepted task (I2)");
    return found->second;
}

const Ledger::Entry& Ledger::entry(const TaskId& id) const {
    const auto found = numbers_.find(id);
    check(found != numbers_.end(), "nobody hears of tasks that are not there (I1, I2)");
    return tasks_.at(found->second);
}

Ledger::Entry& Ledger::leased(std::uint64_t number) {
    Entry& task = entry(number);
    check(task.state == TaskState::leased, "only a leased task's attempt ends (I6)");
    return task;
}

void Ledger::enter(Entry& task, TaskState state) {
    task.state = state;
    task.history.push_back(state);
}

void Ledger::end(Entry& task, TaskState state) {
    check(!xebec::is_final(task.state), "a final state never changes (I8)");
    enter(task, state);
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
    Entry& task = tasks_[record.number];
    task.id = record.id;
    task.content_hash = record.content_hash;
    task.attempts_max = record.attempts_max;
    task.not_before = record.not_before;
    enter(task, waits ? TaskState::scheduled : TaskState::ready);
}

void Ledger::on(const TaskDue& record, Now now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::scheduled, "only a scheduled task becomes due");
    check(task.charged > 0 || now.wall >= task.not_before, "a task does not start early (I13)");
    enter(task, TaskState::ready);
}

void Ledger::on(const AttemptStarted& record, Now now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::ready, "a task has one lease at a time (I6)");
    if (!is_rebuilding_) {
        // Assignments do not wait for the disk, so a lease may be forgotten; its fence is not.
        Fence& newest = fence_newest_[task.id];
        check(record.fence > newest, "fences grow strictly, whatever is lost (I6)");
        newest = record.fence;
    }
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    check(is_rebuilding_ || !cancel_acknowledged_.contains(task.id),
          "no assignment after an acknowledged cancel (I13)");
    const Wish& wish = wishes_.at(task.id);
    check(wish.deadline == WallTime{} || now.wall < wish.deadline,
          "no assignment after the deadline (I13)");
    task.fence = record.fence;
    enter(task, TaskState::leased);
}

void Ledger::on(const AttemptReturned& record, Now) {
    Entry& task = leased(record.number);
    task.charged += record.is_charged ? 1 : 0;
    if (record.is_charged) {
        task.past.push_back(task.fence);
    }
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    enter(task, TaskState::ready);
}

void Ledger::on(const AttemptFailed& record, Now) {
    Entry& task = leased(record.number);
    ++task.charged;
    task.past.push_back(task.fence);
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    enter(task, TaskState::scheduled);
}

void Ledger::on(const TaskSucceeded& record, Now) {
    Entry& task = leased(record.number);
    ++task.charged;
    task.result = record.result.view;
    check(task.result == result_of(wishes_.at(task.id).payload),
          "a result is what the handler gave (I2)");
    end(task, TaskState::succeeded);
}

void Ledger::on(const TaskDied& record, Now) {
    Entry& task = leased(record.number);
    ++task.charged;
    task.past.push_back(task.fence);
    task.deaths.push_back(task.fence);
    end(task, TaskState::dead);
}

void Ledger::on(const TaskCancelled& record, Now) {
    Entry& task = entry(record.number);
    if (task.state == TaskState::leased) {
        task.past.push_back(task.fence);
    }
    end(task, TaskState::cancelled);
}

void Ledger::on(const TaskExpired& record, Now now) {
    Entry& task = entry(record.number);
    check(now.wall >= wishes_.at(task.id).deadline, "a task does not expire early");
    if (task.state == TaskState::leased) {
        task.past.push_back(task.fence);
    }
    end(task, TaskState::expired);
}

void Ledger::on(const TaskRetried& record, Now) {
    Entry& task = entry(record.number);
    check(task.state == TaskState::dead, "only a dead task is retried (I8)");
    check(record.attempts_max > task.charged, "a retry raises the limit");
    task.attempts_max = record.attempts_max;
    ++task.series;
    enter(task, TaskState::ready);
    if (!is_rebuilding_) {
        told_.erase(task.id);
        ++retries_;
    }
}

void Ledger::on(const TaskRemoved& record, Now) {
    Entry& task = entry(record.number);
    check(xebec::is_final(task.state), "only final tasks are removed (I11)");
    check(record.is_whole && record.id == task.id && record.state == task.state &&
              record.fence == task.fence && record.content_hash == task.content_hash,
          "a removal says all that a tombstone needs (I3, I9)");
    task.is_removed = true;
    enter(task, task.state);
    removed_ += is_rebuilding_ ? 0 : 1;
}

void Ledger::on(const QueueChanged& record, Now) {
    queues_[std::string(record.queue)] = record;
}

void Ledger::on(const FloorRaised& record, Now) {
    floor_ = std::max(floor_, record.floor);
}

// ---- told again ----

void Ledger::on(const TaskCarried& record, Now) {
    const Entry& task = entry(record.number);
    const Wish& wish = wishes_.at(task.id);
    const bool has_payload = !xebec::is_final(task.state) || task.state == TaskState::dead;
    check(!task.is_removed && record.id == task.id && record.state == task.state &&
              record.version == task.history.size() && record.fence == task.fence &&
              record.attempts == task.charged && record.attempts_max == task.attempts_max &&
              record.content_hash == task.content_hash,
          "a task is told again as it is (I1, I8)");
    check(record.kind == wish.kind && record.queue == wish.queue &&
              record.priority == wish.priority && record.deadline == wish.deadline &&
              record.payload.view == (has_payload ? wish.payload : std::string{}),
          "a task is told again as it was submitted (I2)");
    check(record.result.view == task.result, "a result is told again octet for octet (I8)");
    ++carried_;
}

void Ledger::on(const TombstoneCarried& record, Now) {
    const Entry& task = entry(record.number);
    check(task.is_removed && record.id == task.id && record.state == task.state &&
              record.fence == task.fence && record.content_hash == task.content_hash,
          "a tombstone is told again as it is (I3, I9)");
    ++carried_;
}

void Ledger::on(const HistoryCarried& record, Now) {
    const std::vector<Fence>& past = entry(record.number).past;
    check(record.attempts.size() == std::min(past.size(), history_attempts_max) &&
              std::equal(
                  record.attempts.rbegin(), record.attempts.rend(), past.rbegin(),
                  [](const PastAttempt& attempt, Fence fence) { return attempt.fence == fence; }),
          "a history is told again as it was (I1, I2)");
}

// Whether it is true shows at the next start.
void Ledger::on(const SegmentShelved& record, Now) {
    for (std::size_t i = 0; i < record.runs.size(); i += 2) {
        shelved_ += record.runs[i];
    }
}

void Ledger::on(const BasesCarried& record, Now) {
    check(tasks_.empty() || record.number_last >= tasks_.rbegin()->first,
          "the numbers that were given out are told again (I3)");
}

// ---- what clients do and see ----

void Ledger::wished(const Wish& wish) {
    wishes_[wish.id] = wish;
    if (wish.kind == protocol::plain_kind) {
        wished_plainly_.insert(wish.payload);
    }
}

void Ledger::acknowledged(const TaskId& id, const protocol::SubmitStatusItem& status) {
    const auto found = numbers_.find(id);
    check(found != numbers_.end(), "what was acknowledged is there (I1)");
    check(found->second == status.number, "a task keeps its number (I3)");
    const bool is_first = acknowledged_.emplace(id, status.number).second;
    check(is_first || status.status == protocol::SubmitStatus::exists,
          "a task is created once (I3)");
}

void Ledger::refused(Refusal refusal) {
    refused_read_only_ += refusal == Refusal::read_only ? 1 : 0;
}

void Ledger::cancel_acknowledged(const TaskId& id) {
    check(entry(id).state == TaskState::cancelled, "an acknowledged cancel is real");
    cancel_acknowledged_.insert(id);
}

void Ledger::told(const TaskId& id, TaskState state, std::uint64_t fence, const std::string& result,
                  bool is_removed) {
    const Entry& task = entry(id);
    check(!is_removed || task.is_removed, "a task is not called removed before it is (I11)");
    if (state == TaskState::dead) {
        const auto death = std::find_if(task.deaths.begin(), task.deaths.end(),
                                        [fence](Fence one) { return one.value() == fence; });
        check(death != task.deaths.end(), "nobody is told of a death that did not come (I2)");
        const auto series = static_cast<std::uint32_t>(death - task.deaths.begin());
        std::uint32_t& latest = told_dead_[id];
        latest = std::max(latest, series);
        if (series < task.series) {
            return;  // somebody had it retried meanwhile
        }
    }
    check(task.state == state && (is_removed ? result.empty() : task.result == result),
          "an outcome is the accepted one (I8)");
    const auto [known, is_new] = told_.emplace(id, Told{state, task.result});
    check(known->second.state == state && known->second.result == task.result,
          "everybody gets the same outcome (I8)");
}

void Ledger::repeated(const TaskId& id, bool is_changed, const protocol::SubmitStatusItem& status) {
    ++repeated_submits_;
    const Entry& task = entry(id);
    const auto refusal = static_cast<Refusal>(status.problem.code);
    if (status.status == protocol::SubmitStatus::exists) {
        check(!is_changed, "an id with other content is refused (I3)");
        check(status.number == numbers_.at(id), "a task keeps its number (I3)");
        return;
    }
    check(status.status == protocol::SubmitStatus::refused, "a task is created once (I3)");
    if (refusal == Refusal::too_old) {
        ++too_old_;
        check(task.is_removed && made_at(id).value_or(WallTime{}) < floor_,
              "only an id that is forgotten is too old (I3)");
    } else {
        check(is_changed && refusal == Refusal::conflict,
              "an id with the same content is known (I3)");
    }
}

void Ledger::show(const TaskId& id, std::uint32_t version, TaskState state) {
    const std::vector<TaskState>& history = entry(id).history;
    check(version >= 1 && version <= history.size() && history[version - 1] == state,
          "what is shown was committed (I1, I2)");
    Shown& shown = shown_[id];
    if (version > shown.version) {
        shown = {.version = version, .state = state};
    }
}

void Ledger::read(std::uint64_t reader, const TaskId& id, const protocol::QueryItem& item) {
    ++reads_;
    // A broker with `relaxed` may have lost it, and accepted it again since it said so.
    const bool may_be_lost = taken_back_ > 0 && !acknowledged_.contains(id);
    if (may_be_lost && (!item.task || !numbers_.contains(id))) {
        return;
    }
    const Entry& task = entry(id);
    if (!item.task) {
        check(task.is_removed, "an acknowledged task can be read (I1)");
        removal_shown_.insert(id);
        return;
    }
    const protocol::TaskView& view = *item.task;
    check(view.id == id && view.number == numbers_.at(id), "an answer is about what was asked");
    show(id, view.version, view.state);
    std::uint32_t& version = read_[{reader, id}];
    check(view.version >= version, "for one reader a task never moves backwards (I20)");
    version = view.version;
    const Wish& wish = wishes_.at(id);
    check(view.kind == wish.kind && view.queue == wish.queue && view.priority == wish.priority,
          "a task is shown as it was submitted (I2)");
    check(xebec::is_final(view.state) || item.payload.view == wish.payload,
          "a payload is shown as it was submitted (I2)");
    check(view.state != TaskState::succeeded || item.result.view == task.result,
          "every reader gets the same result (I8)");
}

// ---- watchers ----

void Ledger::updated(const std::string& topic, const protocol::UpdatesHeader& header,
                     std::span<const protocol::Update> updates) {
    auto& [epoch, last] = sequences_[topic];
    check(epoch != header.epoch || header.sequence_first == last + 1,
          "updates are numbered without gaps (I19)");
    epoch = header.epoch;
    last = header.sequence_first + updates.size() - 1;
    for (const protocol::Update& update : updates) {
        if (update.number != 0) {  // else a plain request's
            show(update.id, update.version, update.state);
        }
    }
}

// ---- workers ----

void Ledger::ran(const TaskId& id, std::uint64_t fence) {
    // Fences of one task never come twice, whoever runs it.
    ++runs_;
    check(fences_run_[id].insert(fence).second, "a fence is used once (I6)");
    // Assignments do not wait for the disk: it may be gone again.
    check(wishes_.contains(id), "nothing runs that was not submitted (I2)");
}

void Ledger::finished(const protocol::LeaseRef& lease, bool is_success,
                      protocol::FinishStatus status) {
    using protocol::FinishStatus;
    if (!wishes_.contains(lease.id)) {
        return;  // a plain request
    }
    const auto known = accepted_.find(lease.id);
    const bool was_accepted = known != accepted_.end() && known->second == lease.fence;
    repeats_ += was_accepted && status == FinishStatus::repeat ? 1 : 0;
    // Of two answers, the later may come first.
    const bool is_accepted = status == FinishStatus::accepted || status == FinishStatus::repeat;
    check(!was_accepted || is_accepted, "an outcome that was accepted gives `repeat` (I9)");
    if (!is_accepted) {
        return;
    }
    const Entry& task = entry(lease.id);
    if (is_success) {
        check(task.state == TaskState::succeeded && task.fence.value() == lease.fence,
              "an accepted outcome is the task's (I1, I7)");
        accepted_[lease.id] = lease.fence;
    } else {
        check(task.state != TaskState::leased || task.fence.value() != lease.fence,
              "an accepted failure ends the attempt (I1, I7)");
        std::uint64_t& ended = attempt_ended_[lease.id];
        ended = std::max(ended, lease.fence);
    }
}

// ---- plain peers ----

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
    for (const auto& [id, number] : acknowledged_) {
        check(told_in_vain_.contains(id) || xebec::is_final(entry(id).state),
              "every accepted task ends (L1)");
        // A retry that is asked for again, because its answer was lost, may be a second one: of
        // what became of that nobody waits to be told.
        const auto dead = told_dead_.find(id);
        const auto retries = retries_acknowledged_.find(id);
        const bool is_told_dead =
            dead != told_dead_.end() &&
            (retries == retries_acknowledged_.end() || dead->second >= retries->second);
        check(told_in_vain_.contains(id) || told_.contains(id) || is_told_dead,
              "every waiting client is told (L3)");
    }
    for (const auto& [id, wish] : wishes_) {
        // Whoever was told the outcome before a crash has no more to ask.
        check(acknowledged_.contains(id) || told_.contains(id) || told_in_vain_.contains(id),
              "every submit is answered (L3)");
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

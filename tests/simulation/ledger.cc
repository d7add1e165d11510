#include "tests/simulation/ledger.h"

#include "protocol/check.h"
#include "protocol/plain.h"
#include "tests/support/journal_records.h"

#include <utility>

namespace xebec::simulation {

using namespace broker;

std::string result_of(const std::string& payload) {
    return "result of " + payload;
}

// ---- the broker's records ----

void Ledger::committed(const Record& record, Now now) {
    log_.push_back({keep(record), now});
    apply(record, now);
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

void Ledger::restarted(Position end, std::span<const std::string> replayed) {
    ++restarts_;
    check(end >= durable_, "what was durable is in the journal (I1)");
    check(end <= log_.size(), "the journal has nothing that was not written (I2, I22)");
    check(replayed.size() == end, "the journal has everything from its beginning (I1)");
    for (std::size_t i = 0; i < replayed.size(); ++i) {
        check(replayed[i] == testing::fingerprint(log_[i].record),
              "the journal gives back what was written, in order (I2, I22)");
    }
    records_lost_ += log_.size() - end;
    log_.resize(end);
    durable_ = end;
    tasks_.clear();
    numbers_.clear();
    is_rebuilding_ = true;
    for (const Logged& logged : log_) {
        apply(logged.record, logged.now);
    }
    is_rebuilding_ = false;
    check_shown();
}

// Nothing that anybody was told has been taken back.
void Ledger::check_shown() const {
    for (const auto& [id, number] : acknowledged_) {
        const auto found = numbers_.find(id);
        check(found != numbers_.end(), "an acknowledged task is there after a restart (I1)");
        check(found->second == number, "a task keeps its number (I3)");
    }
    for (const TaskId& id : cancel_acknowledged_) {
        check(entry(id).state == TaskState::cancelled,
              "an acknowledged cancel is not taken back (I1, I13)");
    }
    for (const auto& [id, outcome] : told_) {
        check(entry(id).state == outcome.state && entry(id).result == outcome.result,
              "an outcome that a client was told is not taken back (I1, I8)");
    }
    for (const auto& [id, shown] : shown_) {
        const std::vector<TaskState>& history = entry(id).history;
        check(shown.version <= history.size() && history[shown.version - 1] == shown.state,
              "a state that somebody was shown is not taken back (I1, I20)");
    }
    for (const auto& [id, fence] : accepted_) {
        check(entry(id).state == TaskState::succeeded && entry(id).fence.value() == fence,
              "an outcome that its worker was told to be accepted is not taken back (I1, I9)");
    }
    for (const auto& [id, fence] : attempt_ended_) {
        check(entry(id).state != TaskState::leased || entry(id).fence.value() > fence,
              "a failure that its worker was told to be accepted is not taken back (I1)");
    }
}

namespace {

// What stands apart is not read at a start.
bool is_restored(const Blob& octets, std::uint32_t size, const std::string& wanted) {
    const bool is_away = octets.empty() && size > 0;
    return is_away ? size == wanted.size() : octets.view() == wanted;
}

}  // namespace

void Ledger::check_restored(const State& state) const {
    std::size_t present = 0;
    for (const auto& [number, task] : tasks_) {
        const TaskIndex index = state.tasks().find(number);
        check((index == no_task) == task.is_removed, "a start knows the tasks there are (I1, I2)");
        if (task.is_removed) {
            continue;
        }
        ++present;
        const Wish& wish = wishes_.at(task.id);
        const Task& restored = state.tasks()[index];
        const Details* details = state.tasks().find_details(restored);
        const Lane& lane = state.queues()[restored.lane];
        check(restored.id == task.id && restored.state == task.state &&
                  restored.version == task.history.size(),
              "a start finds each task in its state (I1, I8)");
        check(state.tasks().fence_of(restored) == task.fence,
              "a start knows each task's fence (I6)");
        check(restored.attempts == task.charged + (task.state == TaskState::succeeded ||
                                                           task.state == TaskState::dead
                                                       ? 1U
                                                       : 0U) &&
                  restored.attempts_max == task.attempts_max,
              "a start knows how often each task was tried (I12)");
        check(state.queues().name(lane.kind()) == wish.kind &&
                  state.queues()[lane.queue()].name == wish.queue &&
                  restored.priority == wish.priority &&
                  (details == nullptr ? WallTime{} : details->deadline) == wish.deadline,
              "a start knows what was wished (I2)");
        const bool has_payload = !xebec::is_final(task.state) || task.state == TaskState::dead;
        check(is_restored(restored.payload, restored.payload_octets,
                          has_payload ? wish.payload : std::string{}) &&
                  (details == nullptr
                       ? task.result.empty()
                       : is_restored(details->result, details->result_octets, task.result)),
              "a start gives back payload and result, octet for octet (I2, I8)");
    }
    check(state.tasks().size() == present, "a start invents nothing (I2)");
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
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    enter(task, TaskState::ready);
}

void Ledger::on(const AttemptFailed& record, Now) {
    Entry& task = leased(record.number);
    ++task.charged;
    check(task.charged < task.attempts_max, "attempts are bounded (I12)");
    enter(task, TaskState::scheduled);
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
    enter(task, TaskState::ready);
    told_.erase(task.id);
}

void Ledger::on(const TaskRemoved& record, Now) {
    Entry& task = entry(record.number);
    check(xebec::is_final(task.state), "only final tasks are removed (I11)");
    task.is_removed = true;
    enter(task, task.state);
}

void Ledger::on(const QueueChanged&, Now) {}
void Ledger::on(const FloorRaised&, Now) {}

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

void Ledger::told(const TaskId& id, TaskState state, const std::string& result) {
    const Entry& task = entry(id);
    const auto [known, is_new] = told_.emplace(id, Told{state, result});
    check(known->second.state == state && known->second.result == result,
          "everybody gets the same outcome (I8)");
    check(task.state == state && task.result == result, "an outcome is the accepted one (I8)");
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
    const Entry& task = entry(id);
    check(item.task.has_value(), "an acknowledged task can be read (I1)");
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
        check(xebec::is_final(entry(id).state), "every accepted task ends (L1)");
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

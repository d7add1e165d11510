// What must be true when a broker starts again.

#include "protocol/check.h"
#include "protocol/ids.h"
#include "tests/simulation/ledger.h"
#include "tests/support/journal_records.h"

#include <utility>

namespace xebec::simulation {

using namespace broker;

void Ledger::restarted(Position end, std::span<const std::string> replayed) {
    ++restarts_;
    const bool was_taken_back = end < durable_;
    check(!was_taken_back || lost_since_, "what was durable is in the journal (I1)");
    check(!was_taken_back || log_[end].at >= *lost_since_,
          "a power cut takes no more than what was not flushed in time (I22)");
    check(end <= log_.size() && replayed.size() <= end,
          "the journal has nothing that was not written (I2, I22)");
    records_trimmed_ = end - replayed.size();
    for (std::size_t i = 0; i < replayed.size(); ++i) {
        check(replayed[i] == testing::fingerprint(log_[records_trimmed_ + i].record),
              "the journal gives back what was written, in order (I2, I22)");
    }
    records_lost_ += log_.size() - end;
    taken_back_ += was_taken_back ? durable_ - end : 0;
    log_.resize(end);
    durable_ = end;
    tasks_.clear();
    numbers_.clear();
    queues_.clear();
    floor_ = {};
    is_rebuilding_ = true;
    for (const Logged& logged : log_) {
        apply(logged.record, logged.now);
    }
    is_rebuilding_ = false;
    lost_since_.reset();
    if (was_taken_back) {
        forget_what_is_gone();
    }
    check_shown();
}

Ledger Ledger::promises() {
    std::vector<Logged> log = std::exchange(log_, {});  // it would be most of the copy
    Ledger copy = *this;
    log_ = std::move(log);
    return copy;
}

void Ledger::check_backup(const Ledger& now, Position end, std::span<const std::string> replayed,
                          const State& state) {
    check(end <= now.log_.size(), "a backup has nothing that was not written (I2)");
    log_.assign(now.log_.begin(), now.log_.begin() + static_cast<std::ptrdiff_t>(end));
    restarted(end, replayed);
    check_restored(state);
}

void Ledger::may_have_lost(Instant since) {
    lost_since_ = std::min(lost_since_.value_or(since), since);
}

// What somebody was told of what a power cut has taken, as it was allowed to.
void Ledger::forget_what_is_gone() {
    const auto find = [this](const TaskId& id) -> const Entry* {
        const auto number = numbers_.find(id);
        return number == numbers_.end() ? nullptr : &tasks_.at(number->second);
    };
    std::erase_if(acknowledged_, [&](const auto& known) {
        const auto number = numbers_.find(known.first);
        return number == numbers_.end() || number->second != known.second;
    });
    std::erase_if(cancel_acknowledged_, [&](const TaskId& id) {
        const Entry* task = find(id);
        return task == nullptr || task->state != TaskState::cancelled;
    });
    std::erase_if(told_, [&](const auto& known) {
        const Entry* task = find(known.first);
        const bool is_gone = task == nullptr || task->state != known.second.state;
        if (is_gone) {
            told_in_vain_.insert(known.first);
        }
        return is_gone;
    });
    std::erase_if(shown_, [&](const auto& known) {
        const Entry* task = find(known.first);
        return task == nullptr || known.second.version > task->history.size() ||
               task->history[known.second.version - 1] != known.second.state;
    });
    std::erase_if(accepted_, [&](const auto& known) {
        const Entry* task = find(known.first);
        return task == nullptr || task->state != TaskState::succeeded;
    });
    std::erase_if(attempt_ended_, [&](const auto& known) {
        const Entry* task = find(known.first);
        return task == nullptr || task->state == TaskState::leased;
    });
    retries_acknowledged_.clear();
    removal_shown_.clear();
    read_.clear();
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
    for (const auto& [id, count] : retries_acknowledged_) {
        check(entry(id).series >= count, "an acknowledged retry is not taken back (I1)");
    }
    for (const TaskId& id : removal_shown_) {
        check(entry(id).is_removed, "what somebody saw removed does not come back (I1)");
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
        check((state.tasks().find(number) == no_task) == task.is_removed,
              "a start knows the tasks there are (I1, I2)");
        if (task.is_removed) {
            check_forgotten(state, task);
        } else {
            ++present;
            check_restored(state, number, task);
        }
    }
    check(state.tasks().size() == present, "a start invents nothing (I2)");
    for (const auto& [name, known] : queues_) {
        const auto queue = state.queues().find(name);
        check(queue && state.queues()[*queue].settings == known.settings &&
                  state.queues()[*queue].is_paused == known.is_paused,
              "a start knows each queue's settings (I1)");
    }
    check(state.tombstones().floor() == floor_, "a start knows which ids are too old (I3)");
    check(tasks_.empty() || state.number_last() >= tasks_.rbegin()->first,
          "a start knows which numbers were given out (I3)");
}

void Ledger::check_restored(const State& state, std::uint64_t number, const Entry& task) const {
    const Wish& wish = wishes_.at(task.id);
    const Task& restored = state.tasks()[state.tasks().find(number)];
    const Details* details = state.tasks().find_details(restored);
    const Lane& lane = state.queues()[restored.lane];
    check(restored.id == task.id && restored.state == task.state &&
              state.tasks().version_of(restored) == task.history.size(),
          "a start finds each task in its state (I1, I8)");
    check(state.tasks().fence_of(restored) == task.fence, "a start knows each task's fence (I6)");
    check(state.tasks().attempts_of(restored) == task.charged &&
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

// Of a removed task a tombstone is left, until its id is too old.
void Ledger::check_forgotten(const State& state, const Entry& task) const {
    const Tombstone* tombstone = state.tombstones().find(task.id);
    if (tombstone == nullptr) {
        check(made_at(task.id).value_or(WallTime{}) < floor_,
              "an id is remembered until it is too old (I3)");
        return;
    }
    check(tombstone->number == numbers_.at(task.id) &&
              tombstone->content_hash == task.content_hash && tombstone->fence == task.fence &&
              tombstone->state == task.state,
          "a tombstone says how its task ended (I3, I9)");
}

}  // namespace xebec::simulation

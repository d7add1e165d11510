// A start: the state that the journal's records give.

#include "broker/core/state.h"

#include <algorithm>
#include <variant>

namespace xebec::broker {

namespace {

constexpr Duration gap_max = std::chrono::hours{1};
constexpr Instant replay_begin{std::chrono::hours{24 * 365 * 100}};  // room for the past before it

// The task that has to be known already, if the record is about one.
std::uint64_t needs_task(const Record& record) {
    return std::visit(
        [](const auto& fact) -> std::uint64_t {
            using Fact = std::decay_t<decltype(fact)>;
            constexpr bool is_about_known_task =
                std::is_same_v<Fact, TaskDue> || std::is_same_v<Fact, AttemptStarted> ||
                std::is_same_v<Fact, AttemptReturned> || std::is_same_v<Fact, AttemptFailed> ||
                std::is_same_v<Fact, TaskSucceeded> || std::is_same_v<Fact, TaskDied> ||
                std::is_same_v<Fact, TaskCancelled> || std::is_same_v<Fact, TaskExpired> ||
                std::is_same_v<Fact, TaskRetried>;
            if constexpr (is_about_known_task) {
                return fact.number;
            } else if constexpr (std::is_same_v<Fact, TaskRemoved>) {
                return fact.is_whole ? 0 : fact.number;
            } else {
                return 0;
            }
        },
        record);
}

bool ends_task(const Record& record) {
    return std::holds_alternative<TaskSucceeded>(record) ||
           std::holds_alternative<TaskDied>(record) ||
           std::holds_alternative<TaskCancelled>(record) ||
           std::holds_alternative<TaskExpired>(record);
}

// When it was made; nothing if it does not say.
WallTime made_at(const Record& record) {
    return std::visit(
        [](const auto& fact) {
            if constexpr (requires { fact.at; }) {
                return fact.at;
            } else {
                return WallTime{};
            }
        },
        record);
}

// What is told again does not say when, but not before this.
WallTime made_at_least(const Record& record) {
    if (const auto* carried = std::get_if<TaskCarried>(&record)) {
        return std::max({carried->accepted_at, carried->started_at, carried->finished_at});
    }
    const auto* tombstone = std::get_if<TombstoneCarried>(&record);
    return tombstone == nullptr ? WallTime{} : tombstone->removed_at;
}

}  // namespace

TaskIndex State::replay(const Record& record, const Places& places) {
    if (places.is_shelved && !take_shelved(record, places)) {
        return no_task;
    }
    pass_replayed(made_at(record), made_at_least(record));
    if (!places.is_shelved) {
        segment_ = places.segment;
        replayed_first_ = replayed_first_ == 0 ? segment_ : replayed_first_;
    }
    const std::uint64_t number = needs_task(record);
    if (number != 0 && tasks_.find(number) == no_task) {
        finished_order_last_ += ends_task(record) ? 1 : 0;  // as it was counted then
        return no_task;
    }
    apply(record, *replayed_);
    touched_lanes_.clear();  // whoever goes on from here looks at all of them
    return locate(record, places);
}

// Gives whether it is told again. One that was told of before may lie further on.
bool State::take_shelved(const Record& record, const Places& places) {
    const std::uint64_t number = std::get<TaskCarried>(record).number;
    ToldTasks& told = segments_[places.segment].told;
    if (told.count() == places.order) {
        told.add(number);
    }
    return places.holds && tasks_.find(number) == no_task;
}

// A journal may begin with what is told again, and times in it are the wall clock's: until a record
// says when it was made, the time is the latest that is spoken of.
void State::pass_replayed(WallTime at, WallTime at_least) {
    if (!replayed_) {
        replayed_ = Now{replay_begin, {}};
    }
    const bool is_told = at != WallTime{};
    if (!is_told) {
        at = is_replay_timed_ ? replayed_->wall : std::max(at_least, replayed_->wall);
    }
    if (replayed_->wall != WallTime{}) {
        const Duration passed = std::max<Duration>(at - replayed_->wall, {});
        replayed_->steady += is_replay_timed_ ? std::min(passed, gap_max) : passed;
    }
    replayed_->wall = at;
    is_replay_timed_ = is_replay_timed_ || is_told;
}

void State::settle(Now now) {
    if (!replayed_) {
        return;
    }
    pass_replayed(now.wall, {});
    shift_times(now.steady - replayed_->steady);
    sort_lines();
    forget_figures();
    forget_segments_given_up();
    replayed_.reset();
}

// Before the oldest one those are needed that are shelved.
void State::forget_segments_given_up() {
    for (std::uint32_t segment = segments_.first(); segment < replayed_first_; ++segment) {
        if (shelves_.find(segment) == nullptr) {
            segments_.forget(segment);
        }
    }
}

// Of all tasks.
void State::shift_times(Duration by) {
    for (std::size_t i = 0; i < queues_.queue_count(); ++i) {
        unwatch_head(static_cast<QueueIndex>(i));
    }
    retries_ = {};
    // Those that were told again came behind younger ones: what counts is the order of numbers.
    accepted_last_ = {};
    accepted_back_max_ = {};
    WallTime accepted_first = WallTime::max();  // of those seen so far
    for (auto entry = tasks_.numbers().find_below(number_last_ + 1); entry;
         entry = tasks_.numbers().find_below(entry->number)) {
        Task& task = tasks_[entry->task];
        task.since += by;
        accepted_last_ = std::max(accepted_last_, task.accepted_at);
        accepted_first = std::min(accepted_first, task.accepted_at);
        accepted_back_max_ = std::max(accepted_back_max_, task.accepted_at - accepted_first);
        const Details* known = tasks_.find_details(task);
        if (known != nullptr && known->retry_at != Instant{}) {
            Instant& retry_at = tasks_.details(task).retry_at;
            retry_at += by;
            retries_.arm(retry_at, entry->task);
        }
    }
    tombstones_.shift_times(by);
}

// Those that were told again came behind younger ones.
void State::sort_lines() {
    for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
        queues_[static_cast<LaneIndex>(i)].sort_fresh(tasks_);
    }
    for (std::size_t i = 0; i < queues_.queue_count(); ++i) {
        queues_[static_cast<QueueIndex>(i)].finals.sort(
            tasks_, [this](const Task& task) { return tasks_.find_details(task)->finished_order; });
        watch_head(static_cast<QueueIndex>(i));
    }
}

// They count from the start of the broker.
void State::forget_figures() {
    totals_ = {};
    for (std::size_t i = 0; i < queues_.queue_count(); ++i) {
        Queue& queue = queues_[static_cast<QueueIndex>(i)];
        queue.restored = queue.restored + queue.created - queue.removed;
        queue.created = 0;
        queue.removed = 0;
    }
    for (std::size_t i = 0; i < queues_.lane_count(); ++i) {
        queues_[static_cast<LaneIndex>(i)].figures = {};
    }
}

}  // namespace xebec::broker

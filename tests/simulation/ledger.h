#pragma once
// What must be true of a whole history, however its parts look at any moment: kept by somebody who
// sees every record the broker commits and everything that anybody is told. When a broker starts
// again, its journal has to give back those records, as many as had been durable at least; their
// beginning may be gone, if what is left gives the same state. Nothing that anybody was told may be
// taken back.

#include "broker/core/records.h"
#include "broker/core/state.h"
#include "broker/journal/position.h"
#include "protocol/codec.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xebec::simulation {

// What a user wants done, and what it should give.
struct Wish {
    TaskId id;
    std::string kind;
    std::string payload;
    std::string queue;
    int priority = 0;
    WallTime not_before{};
    WallTime deadline{};
};

class Ledger {
public:
    // ---- the broker's records, in order ----
    // `now` by the broker's clocks, `at` by the world's.
    void committed(const broker::Record& record, Now now, Instant at);
    broker::Position records() const { return log_.size(); }
    // All records before this position survive whatever comes.
    void durable(broker::Position position) { durable_ = std::max(durable_, position); }
    // It may be that everything behind the first record after `since` was lost, whoever was told.
    void may_have_lost(Instant since);
    // A broker has started again with these records (their fingerprints), which end at `end`.
    void restarted(broker::Position end, std::span<const std::string> replayed);
    // What it made of them.
    void check_restored(const broker::State& state) const;
    // What anybody has been promised so far; it is all that a backup from now on has to keep.
    Ledger promises();
    // These promises, by a broker on a backup that has these records, when `now` has been written.
    void check_backup(const Ledger& now, broker::Position end,
                      std::span<const std::string> replayed, const broker::State& state);

    // ---- what clients do and see ----
    void wished(const Wish& wish);
    // An accepted submit was answered.
    void acknowledged(const TaskId& id, const protocol::SubmitStatusItem& status);
    void refused(Refusal refusal);
    void cancel_acknowledged(const TaskId& id);
    void retry_acknowledged(const TaskId& id) { ++retries_acknowledged_[id]; }
    // `fence`: of the attempt that ended it, if one did. `is_removed`: how it ended is remembered,
    // its result is not.
    void told(const TaskId& id, TaskState state, std::uint64_t fence, const std::string& result,
              bool is_removed);
    // A task that had ended was submitted once more, perhaps with other content.
    void repeated(const TaskId& id, bool is_changed, const protocol::SubmitStatusItem& status);
    std::uint64_t new_reader() { return ++readers_; }
    void read(std::uint64_t reader, const TaskId& id, const protocol::QueryItem& item);

    // ---- what watchers see ----
    void updated(const std::string& topic, const protocol::UpdatesHeader& header,
                 std::span<const protocol::Update> updates);

    // ---- what workers do and see ----
    void ran(const TaskId& id, std::uint64_t fence);
    void finished(const protocol::LeaseRef& lease, bool is_success, protocol::FinishStatus status);

    // ---- plain peers ----
    void asked(const std::string& body);
    void ran_plainly(const std::string& body);  // by whichever worker, without a number or a fence
    void answered(const std::string& body, const std::string& reply);
    void gave_up() { ++plain_given_up_; }

    // After the faults: everything acknowledged has ended, and clients know how (L1, L3).
    void check_finished() const;

    std::uint64_t accepted() const { return tasks_.size(); }
    std::uint64_t count(TaskState state) const;
    std::uint64_t runs() const { return runs_; }  // of handlers
    std::uint64_t restarts() const { return restarts_; }
    std::uint64_t records_lost() const { return records_lost_; }  // that nobody was told of
    std::uint64_t taken_back() const { return taken_back_; }  // records that were durable, relaxed
    std::uint64_t records_trimmed() const { return records_trimmed_; }  // as of the last start
    std::uint64_t repeated_submits() const { return repeated_submits_; }
    std::uint64_t too_old() const { return too_old_; }  // of these
    std::uint64_t retries() const { return retries_; }
    std::uint64_t removed() const { return removed_; }
    std::uint64_t carried() const { return carried_; }  // tasks and tombstones told again
    std::uint64_t shelved() const { return shelved_; }  // tasks told again by their order
    std::uint64_t refused_read_only() const { return refused_read_only_; }
    std::uint64_t reads() const { return reads_; }
    std::uint64_t repeats() const { return repeats_; }  // outcomes sent again after their answer
    bool is_final(const TaskId& id) const;
    bool is_told(const TaskId& id) const { return told_.contains(id); }
    bool is_asked(const std::string& body) const { return asked_.contains(body); }
    std::uint64_t plain_asked() const { return asked_.size(); }
    std::uint64_t plain_answered() const { return plain_answered_; }
    std::uint64_t plain_given_up() const { return plain_given_up_; }
    std::uint64_t plain_runs() const { return plain_runs_; }

private:
    struct Entry {
        TaskId id;
        std::string result;
        TaskState state = TaskState::scheduled;
        Fence fence;
        std::uint32_t charged = 0;
        std::uint32_t attempts_max = 0;
        WallTime not_before{};
        std::uint64_t content_hash = 0;
        bool is_removed = false;
        std::uint32_t series = 0;
        // The state after each of its records: what version n is, at n - 1.
        std::vector<TaskState> history;
        std::vector<Fence> past;    // attempts that ended without success
        std::vector<Fence> deaths;  // attempts that it died of, by series
    };
    struct Logged {
        broker::Record record;
        Now now;
        Instant at{};
    };
    // The newest of a task that anybody was shown.
    struct Shown {
        std::uint32_t version = 0;
        TaskState state = TaskState::scheduled;
    };
    struct Told {
        TaskState state = TaskState::succeeded;
        std::string result;
    };

    void on(const broker::TaskAccepted& record, Now now);
    void on(const broker::TaskDue& record, Now now);
    void on(const broker::AttemptStarted& record, Now now);
    void on(const broker::AttemptReturned& record, Now now);
    void on(const broker::AttemptFailed& record, Now now);
    void on(const broker::TaskSucceeded& record, Now now);
    void on(const broker::TaskDied& record, Now now);
    void on(const broker::TaskCancelled& record, Now now);
    void on(const broker::TaskExpired& record, Now now);
    void on(const broker::TaskRetried& record, Now now);
    void on(const broker::TaskRemoved& record, Now now);
    void on(const broker::QueueChanged& record, Now now);
    void on(const broker::FloorRaised& record, Now now);
    // Told again: as it is.
    void on(const broker::TaskCarried& record, Now now);
    void on(const broker::TombstoneCarried& record, Now now);
    void on(const broker::BasesCarried& record, Now now);
    void on(const broker::HistoryCarried& record, Now now);
    void on(const broker::SegmentShelved& record, Now now);
    void apply(const broker::Record& record, Now now);
    broker::Record keep(broker::Record record);
    std::string_view keep(std::string_view name) { return *names_.emplace(name).first; }
    Entry& entry(std::uint64_t number);
    const Entry& entry(const TaskId& id) const;
    Entry& leased(std::uint64_t number);
    static void enter(Entry& entry, TaskState state);
    static void end(Entry& entry, TaskState state);
    void show(const TaskId& id, std::uint32_t version, TaskState state);
    void check_shown() const;
    void check_restored(const broker::State& state, std::uint64_t number, const Entry& task) const;
    void check_forgotten(const broker::State& state, const Entry& task) const;
    void forget_what_is_gone();

    std::set<std::string, std::less<>> names_;
    std::vector<Logged> log_;
    broker::Position durable_ = 0;
    bool is_rebuilding_ = false;  // from what is left of the log
    std::uint64_t restarts_ = 0;
    std::uint64_t records_lost_ = 0;
    std::uint64_t records_trimmed_ = 0;
    std::uint64_t taken_back_ = 0;
    std::optional<Instant> lost_since_;

    // ---- what the records say ----
    std::map<TaskId, Wish> wishes_;
    std::map<std::uint64_t, Entry> tasks_;
    std::map<TaskId, std::uint64_t> numbers_;
    std::map<std::string, broker::QueueChanged> queues_;
    WallTime floor_{};
    std::uint64_t carried_ = 0;
    std::uint64_t shelved_ = 0;

    // ---- what somebody was told: it stays, whatever becomes of the records ----
    std::map<TaskId, std::uint64_t> acknowledged_;  // and their numbers
    std::set<TaskId> cancel_acknowledged_;
    std::map<TaskId, std::uint32_t> retries_acknowledged_;  // how many
    std::set<TaskId> removal_shown_;
    std::map<TaskId, Told> told_;
    std::map<TaskId, std::uint32_t> told_dead_;  // in which series last
    std::set<TaskId> told_in_vain_;              // it was taken back, as it may be with `relaxed`
    std::map<TaskId, Shown> shown_;
    std::map<TaskId, Fence> fence_newest_;
    std::map<TaskId, std::set<std::uint64_t>> fences_run_;
    std::map<TaskId, std::uint64_t> accepted_;       // the fence of the outcome
    std::map<TaskId, std::uint64_t> attempt_ended_;  // the highest fence of which that was said
    std::map<std::pair<std::uint64_t, TaskId>, std::uint32_t> read_;  // versions, by reader
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> sequences_;  // epoch, last
    std::uint64_t runs_ = 0;
    std::uint64_t readers_ = 0;
    std::uint64_t repeated_submits_ = 0;
    std::uint64_t too_old_ = 0;
    std::uint64_t retries_ = 0;
    std::uint64_t removed_ = 0;
    std::uint64_t reads_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t refused_read_only_ = 0;

    struct Question {
        bool was_run = false;
        bool is_answered = false;
    };
    std::map<std::string, Question> asked_;
    std::set<std::string> wished_plainly_;
    std::uint64_t plain_answered_ = 0;
    std::uint64_t plain_given_up_ = 0;
    std::uint64_t plain_runs_ = 0;
};

// What the handler of a wish gives when it succeeds.
std::string result_of(const std::string& payload);

}  // namespace xebec::simulation

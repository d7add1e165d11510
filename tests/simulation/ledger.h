#pragma once
// What must be true of a whole history, however its parts look at any moment: kept by somebody who
// sees every record the broker commits and everything a client is told.

#include "broker/core/records.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
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
    void committed(const broker::Record& record, Now now);

    // ---- what clients do and see ----
    void wished(const Wish& wish);
    void acknowledged(const TaskId& id);  // an accepted submit was answered
    void cancel_acknowledged(const TaskId& id);
    void told(const TaskId& id, TaskState state, const std::string& result);

    // ---- what handlers do ----
    void ran(const TaskId& id, std::uint64_t fence);

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
        bool is_cancel_acknowledged = false;
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
    // Told again: nothing new.
    void on(const broker::TaskCarried&, Now) {}
    void on(const broker::TombstoneCarried&, Now) {}
    void on(const broker::BasesCarried&, Now) {}
    Entry& entry(std::uint64_t number);
    Entry& leased(std::uint64_t number);
    void end(Entry& entry, TaskState state);

    std::map<TaskId, Wish> wishes_;
    std::map<std::uint64_t, Entry> tasks_;
    std::map<TaskId, std::uint64_t> numbers_;
    std::map<TaskId, bool> acknowledged_;
    std::map<TaskId, Told> told_;
    std::map<TaskId, std::uint64_t> newest_run_;
    std::uint64_t runs_ = 0;

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

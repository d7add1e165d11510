#pragma once
// Durable facts. The broker's durable state is what applying its records in order gives; nothing
// else changes it, neither while it runs nor when it starts again.

#include "broker/core/history.h"
#include "broker/core/queues.h"
#include "protocol/blob.h"
#include "protocol/ids.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace xebec::broker {

// Tasks are named by number: shorter than ids, and never used again. `at` is the wall clock. Names
// are borrowed from the queues' tables, which outlive every record.

struct TaskAccepted {
    std::uint64_t number = 0;
    TaskId id;
    std::uint64_t content_hash = 0;
    std::string_view kind;
    std::string_view queue;
    Octets payload;
    ContentType content_type = ContentType::octets;
    std::uint8_t priority = 0;
    std::uint16_t attempts_max = 1;
    milliseconds run_max{0};  // 0: the queue's
    WallTime not_before{};    // of a task that has to wait for a time
    WallTime deadline{};      // of a task that has one
    WallTime at{};
    // A plain request: kept in memory only, without a number that anybody sees. No fact about it is
    // ever written.
    bool is_volatile = false;
};

// A scheduled task's time has come.
struct TaskDue {
    std::uint64_t number = 0;
    WallTime at{};
};

struct AttemptStarted {
    std::uint64_t number = 0;
    Fence fence;
    Blob worker;
    WallTime at{};
};

// The lease ended without an outcome; the task is ready again.
struct AttemptReturned {
    std::uint64_t number = 0;
    bool is_charged = false;  // it counts against the limit
    Blob error_class;         // then: why
    Blob error_text;
    WallTime at{};
};

// It counts against the limit, and is tried again after `pause`.
struct AttemptFailed {
    std::uint64_t number = 0;
    Blob error_class;
    Blob error_text;
    milliseconds pause{0};
    std::uint64_t run_us = 0;
    WallTime at{};
};

struct TaskSucceeded {
    std::uint64_t number = 0;
    Octets result;
    ContentType result_type = ContentType::octets;
    std::uint64_t run_us = 0;
    WallTime at{};
};

// The last attempt failed, or its worker was lost.
struct TaskDied {
    std::uint64_t number = 0;
    Blob error_class;
    Blob error_text;
    std::uint64_t run_us = 0;
    WallTime at{};
};

struct TaskCancelled {
    std::uint64_t number = 0;
    WallTime at{};
};

struct TaskExpired {
    std::uint64_t number = 0;
    WallTime at{};
};

// An operator's retry of a dead task.
struct TaskRetried {
    std::uint64_t number = 0;
    std::uint16_t attempts_max = 1;
    WallTime at{};
};

// Retention is over; a tombstone stays for a while. It is told whole: what made the task may be
// gone from the journal before this is.
struct TaskRemoved {
    std::uint64_t number = 0;
    TaskId id;
    std::uint64_t content_hash = 0;
    Fence fence;
    TaskState state = TaskState::succeeded;
    WallTime at{};
    // False in journals of version 2 and before: then there is the number alone.
    bool is_whole = true;
};

struct QueueChanged {
    std::string_view queue;
    Settings settings;
    bool is_paused = false;
};

// Ids made before `floor` that are unknown are refused from now on.
struct FloorRaised {
    WallTime floor{};
};

// Facts told again at the head of the journal, so that its oldest part can go. They change nothing
// in a state that knows them already.

// A task, whole.
struct TaskCarried {
    std::uint64_t number = 0;
    TaskId id;
    std::uint64_t content_hash = 0;
    std::string_view kind;
    std::string_view queue;
    Octets payload;
    ContentType content_type = ContentType::octets;
    std::uint8_t priority = 0;
    TaskState state = TaskState::ready;
    bool is_returned = false;
    std::uint16_t attempts = 0;
    std::uint16_t attempts_max = 1;
    std::uint32_t version = 0;
    std::uint32_t series = 0;
    Fence fence;
    milliseconds run_max{0};  // 0: the queue's
    WallTime not_before{};
    WallTime deadline{};
    WallTime accepted_at{};
    WallTime retry_at{};  // of a scheduled task that failed
    Blob worker;          // the latest attempt's
    WallTime started_at{};
    Blob error_class;
    Blob error_text;
    Octets result;
    ContentType result_type = ContentType::octets;
    WallTime finished_at{};
    std::uint64_t finished_order = 0;  // of a final task
};

// Behind its task: the attempts that the task no longer tells of.
struct HistoryCarried {
    std::uint64_t number = 0;
    std::vector<PastAttempt> attempts;  // oldest first
};

struct TombstoneCarried {
    TaskId id;
    std::uint64_t number = 0;
    std::uint64_t content_hash = 0;
    Fence fence;
    TaskState state = TaskState::succeeded;
    WallTime removed_at{};
};

// What was given out so far, though whoever got it may be gone.
struct BasesCarried {
    std::uint64_t number_last = 0;
    std::uint64_t finished_order_last = 0;
};

// Tasks that an earlier segment tells of whole, and that are as they stand there: told again by
// their order in it. That segment is shelved once all of them have been told of: it stays, though
// those before and behind it go.
struct SegmentShelved {
    std::uint32_t segment = 0;
    std::uint32_t first = 0;  // so many of its tasks come before
    // How many of the next ones are told again, how many behind them are not, and so on.
    std::vector<std::uint32_t> runs;
    bool is_last = false;  // none of those behind is
};

// What one record of these may have; even, so that each begins with some that are told again.
constexpr std::size_t shelved_runs_max = 200;

using Record = std::variant<TaskAccepted, TaskDue, AttemptStarted, AttemptReturned, AttemptFailed,
                            TaskSucceeded, TaskDied, TaskCancelled, TaskExpired, TaskRetried,
                            TaskRemoved, QueueChanged, FloorRaised, TaskCarried, TombstoneCarried,
                            BasesCarried, HistoryCarried, SegmentShelved>;

}  // namespace xebec::broker

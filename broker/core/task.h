#pragma once
// What the broker keeps of a task.

#include "broker/core/history.h"
#include "broker/core/indices.h"
#include "broker/core/places.h"
#include "protocol/blob.h"
#include "protocol/ids.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <cstdint>
#include <memory>

namespace xebec::broker {

// What every task has, in as few octets as possible: millions of them wait at a time.
struct Task {
    TaskId id;
    std::uint64_t number = 0;
    std::uint64_t content_hash = 0;  // of kind, queue, payload and options as sent
    Blob payload;                    // until its end, unless it is dead; or it is only in the
    Locator payload_at;              // journal, here
    Instant since{};                 // when it became ready, was leased, or ended
    WallTime accepted_at{};
    TaskIndex previous = no_task;  // its neighbours in the one line its state puts it in
    TaskIndex next = no_task;
    LaneIndex lane{};
    DetailsIndex details = no_index<DetailsIndex>;
    std::uint32_t payload_octets = 0;
    std::uint16_t attempts_max = 0;
    std::uint8_t priority = 0;
    TaskState state : 3 = TaskState::scheduled;
    ContentType content_type : 2 = ContentType::octets;
    bool is_returned : 1 = false;  // it has been given out or delayed before
    bool is_waited_for : 1 = false;
    bool is_volatile : 1 = false;  // a plain request: never in the journal

    std::uint64_t number_shown() const { return is_volatile ? 0 : number; }
    bool is_payload_away() const { return payload_octets > 0 && payload.empty(); }
};
static_assert(sizeof(Task) <= 88);

// What only some tasks have: options that differ from the queue's, an attempt, an end.
struct Details {
    WallTime not_before{};
    WallTime deadline{};
    milliseconds run_max{0};
    std::uint32_t series = 0;
    std::uint32_t changes = 0;   // behind its acceptance
    std::uint16_t attempts = 0;  // ended ones that count against the limit

    Instant retry_at{};  // of a scheduled task that failed; else the wall clock's not_before counts

    Fence fence;                       // of the latest attempt
    SessionIndex holder = no_session;  // while leased
    Blob worker;                       // the latest attempt's
    WallTime started_at{};
    Instant lease_ends{};
    Instant run_ends = Instant::max();  // when the broker itself ends the attempt

    Blob error_class;
    Blob error_text;
    std::unique_ptr<History> history;  // of a task with an attempt that ended without success

    Blob result;  // or it is only in the journal
    Locator result_at;
    std::uint32_t result_octets = 0;
    ContentType result_type = ContentType::octets;
    WallTime finished_at{};
    std::uint64_t finished_order = 0;
};

}  // namespace xebec::broker

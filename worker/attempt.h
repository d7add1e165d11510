#pragma once
// What a worker knows of one attempt it was given: what to run, the lease, and what became of it.

#include "protocol/blob.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <xebec/worker.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace xebec::worker {

// This worker's own name for an attempt it holds; keys grow in the order of assignment.
using AttemptKey = std::uint64_t;

// What the broker asked for.
struct Assignment {
    protocol::LeaseRef lease;
    std::uint64_t number = 0;
    std::string kind;
    std::string queue;
    Blob payload;
    ContentType content_type = ContentType::octets;
    std::uint32_t attempt = 0;
    Duration run_max{0};  // zero: no limit
    std::optional<WallTime> deadline;
};

struct Success {
    Blob result;
    ContentType content_type = ContentType::octets;

    friend bool operator==(const Success& a, const Success& b) {
        return a.result.view() == b.result.view() && a.content_type == b.content_type;
    }
};

// The lease goes back without an outcome; one that had been started costs an attempt.
struct GivenBack {
    bool started = false;
};

using HandlerOutcome = std::variant<Success, Failure>;
using Outcome = std::variant<Success, Failure, GivenBack>;

// Why a handler is asked to stop.
enum class StopReason : std::uint8_t {
    revoked,      // the broker ended the lease: cancelled, or past its deadline
    lease_lost,   // the broker does not extend or confirm the lease
    lease_ended,  // by this worker's own clock, without word from the broker
    run_limit,    // it ran for as long as it may
    leaving,      // this worker leaves and its grace is over
};

constexpr std::string_view to_string(StopReason reason) {
    switch (reason) {
        case StopReason::revoked:
            return "revoked by the broker";
        case StopReason::lease_lost:
            return "the lease is lost";
        case StopReason::lease_ended:
            return "the lease ended without word from the broker";
        case StopReason::run_limit:
            return "the run limit passed";
        case StopReason::leaving:
            return "this worker leaves";
    }
    return "unknown";
}

enum class Stage : std::uint8_t {
    waiting,   // not handed to the executor
    handed,    // in the executor's line; it may have begun without our knowing
    running,   // begun
    finished,  // has an outcome that the broker has not acknowledged
};

struct Attempt {
    Assignment assignment;
    Stage stage = Stage::waiting;

    // `expires` is never later than the broker's own idea of it: both count from an instant at
    // which the broker cannot have granted the time yet.
    Instant leased_at{};
    Instant expires{};
    Duration lease_time{0};
    bool is_extending = false;  // asked, not answered

    Instant started{};
    std::optional<StopReason> stop;  // asked to stop, and why
    bool is_over = false;            // the lease is; only the handler's return is awaited
    bool is_unknown = false;         // this session never heard of it: nothing is given back
    bool is_wanted_back = false;     // to be released if the executor has not begun it

    Outcome outcome;  // of a finished one
    Duration run{0};

    const protocol::LeaseRef& lease() const { return assignment.lease; }
    bool is_in_executor() const { return stage == Stage::handed || stage == Stage::running; }
};

}  // namespace xebec::worker

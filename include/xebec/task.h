#pragma once
// What a task is to those who submit, run and watch it.

#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec {

// Wall-clock instants are milliseconds since 1970-01-01 00:00 UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// 128 bits chosen by the client, a UUIDv7 (RFC 9562) when the library makes it. The same id always
// means the same task, so repeating a submit is safe.
struct TaskId {
    std::array<std::uint8_t, 16> octets{};

    friend auto operator<=>(const TaskId&, const TaskId&) = default;
    friend constexpr bool operator==(const TaskId& a, const TaskId& b) {
        const auto x = std::bit_cast<std::array<std::uint64_t, 2>>(a.octets);
        const auto y = std::bit_cast<std::array<std::uint64_t, 2>>(b.octets);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
    }
};

// A new UUIDv7 from this machine's clock and randomness. Any thread.
TaskId new_task_id();

// 8-4-4-4-12 lower-case hexadecimal digits; parsing also takes upper case and no hyphens.
std::string to_string(const TaskId& id);
std::optional<TaskId> parse_task_id(std::string_view text);

enum class TaskState : std::uint8_t {
    scheduled = 0,  // waits for a time: its delay, or the pause before a retry
    blocked = 1,    // waits for other tasks
    ready = 2,      // waits for a worker
    leased = 3,     // with a worker
    succeeded = 4,  // final, with a result
    dead = 5,       // final unless retried by an operator: attempts used up
    cancelled = 6,  // final
    expired = 7,    // final: its deadline passed
};
constexpr std::size_t task_state_count = 8;

constexpr bool is_final(TaskState state) {
    return state >= TaskState::succeeded;
}
std::string_view to_string(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view text);

enum class ContentType : std::uint8_t { octets = 0, json = 1 };

// Octets and what they are. `json` is UTF-8 text; as arguments it is a JSON array.
struct Payload {
    std::string octets;
    ContentType type = ContentType::octets;

    friend bool operator==(const Payload&, const Payload&) = default;
};

// Why an attempt failed: a short stable class such as `worker_lost`, and text for people.
struct TaskError {
    std::string error_class;
    std::string text;

    friend bool operator==(const TaskError&, const TaskError&) = default;
};

// What to run, where and how. Zero and empty mean the queue's own setting.
struct TaskOptions {
    std::string queue = "default";       // [A-Za-z0-9_-]{1,48}
    int priority = 0;                    // 0 to 9, 9 first
    std::chrono::milliseconds delay{0};  // not before this long after acceptance
    std::optional<WallTime> not_before;  // not before this instant
    std::optional<WallTime> deadline;    // expires then, even while leased
    // The same, so long after acceptance; with `deadline` the earlier of the two counts.
    std::chrono::milliseconds deadline_in{0};
    std::uint32_t attempts = 0;            // most attempts, 1 to 10,000
    std::chrono::milliseconds run_max{0};  // the longest an attempt may last
};

struct NewTask {
    std::string kind;  // the handler's name: [A-Za-z0-9_.:-]{1,48}
    Payload payload;
    TaskOptions options;
    std::optional<TaskId> id;  // absent: the library makes one
};

// The broker's answer to one submitted task.
struct Submitted {
    TaskId id;
    std::uint64_t number = 0;  // the broker's own, in order of acceptance
    bool existed = false;      // the same task had been accepted before
};

// What became of a task: a state after which nothing changes, its result or its error. Of a task
// that the queue's retention has removed only the state is remembered: then there is an `error` of
// class `removed`, whatever the state, and no result even if it succeeded. A result that the disk
// has damaged is none either: class `damaged`.
struct Outcome {
    TaskId id;
    std::uint64_t number = 0;
    TaskState state = TaskState::succeeded;
    Payload result;                  // of a succeeded task without `error`
    std::optional<TaskError> error;  // of any other that has one; see above
    std::uint64_t fence = 0;         // of the attempt that ended it; 0 if none did
};

// An attempt that ended without success.
struct AttemptInfo {
    std::uint32_t attempt = 0;  // 1 for the first that was started
    std::uint64_t fence = 0;
    std::string worker;
    WallTime started_at{};
    WallTime ended_at{};
    TaskState state = TaskState::ready;  // of the task, after it
    std::optional<TaskError> error;      // absent: it ended with its task
};

// A task as the broker shows it.
struct TaskInfo {
    std::uint64_t number = 0;
    TaskId id;
    std::string kind;
    std::string queue;
    TaskState state = TaskState::ready;
    int priority = 0;
    std::uint32_t attempts = 0;  // that count against the limit, with the one under way
    std::uint32_t attempts_max = 0;
    std::string worker;              // its name; empty if none has had it
    std::optional<TaskError> error;  // of the latest failed attempt
    WallTime accepted_at{};
    std::optional<WallTime> due_at;  // of a scheduled task
    std::optional<WallTime> deadline;
    std::optional<WallTime> started_at;   // of the latest attempt
    std::optional<WallTime> finished_at;  // of a final state
    std::uint64_t fence = 0;              // of the latest attempt
    std::uint32_t series = 0;             // raised by each retry of a dead task
    std::uint32_t version = 0;            // raised by each change
    std::vector<AttemptInfo> history;     // of one that was asked for: the latest, oldest first
};

}  // namespace xebec

template <>
struct std::hash<xebec::TaskId> {
    std::size_t operator()(const xebec::TaskId& id) const noexcept {
        // A UUIDv7 ends in 62 random bits; other ids still spread by both halves.
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        std::memcpy(&high, id.octets.data(), 8);
        std::memcpy(&low, id.octets.data() + 8, 8);
        return static_cast<std::size_t>((high * 0x9E37'79B9'7F4A'7C15U) ^ low);
    }
};

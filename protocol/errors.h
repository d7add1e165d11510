#pragma once
// The errors of the protocol: stable names with fixed codes, and whether trying again can help.

#include <xebec/error.h>

#include <cstdint>
#include <string_view>

namespace xebec {

enum class Refusal : std::uint16_t {
    none = 0,
    bad_frame = 1,       // the frames are not a message
    bad_body = 2,        // the body is not what its type says
    unsupported = 3,     // version, type or critical flag unknown here
    not_registered = 4,  // unknown session: say hello (again)
    unknown_task = 5,
    unknown_queue = 6,
    unknown_worker = 7,
    bad_name = 8,         // a kind, queue or worker name with other characters or length
    bad_value = 9,        // a number outside its range
    too_large = 10,       // payload, result or batch over its limit
    conflict = 11,        // this id is another task's
    too_old = 12,         // id from before the window in which repeats are known
    too_new = 13,         // id from too far in the future
    already_final = 14,   // cancel of a task that has ended
    not_dead = 15,        // retry of a task that is not dead
    queue_full = 16,      // the queue's own limit; later can help
    retry_later = 17,     // the broker is full; later can help
    too_many_names = 18,  // no room for another queue or kind
    read_only = 19,       // no new tasks now, completions only
    shutting_down = 20,
    internal = 21,
    no_journal = 22,   // the broker keeps its tasks in memory only
    backup_over = 23,  // this backup has ended, or there never was one
};
constexpr std::uint16_t refusal_count = 24;

// `none` is "ok"; unknown codes are "unknown".
std::string_view to_string(Refusal refusal);

Refusal to_refusal(std::string_view name);  // `internal` for a name that is none

// Whether the same request can succeed later without being changed.
bool can_retry(Refusal refusal);

// The local form, with the protocol's name and a text for people.
Error to_error(Refusal refusal, std::string_view text);

}  // namespace xebec

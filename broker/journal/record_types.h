#pragma once
// The codes of records in the journal. They are never given to something else; a new one raises the
// format's version.

#include <cstddef>
#include <cstdint>

namespace xebec::broker::journal {

enum class RecordType : std::uint8_t {
    task_accepted = 1,
    task_due = 2,
    attempt_started = 3,
    attempt_returned = 4,
    attempt_failed = 5,
    task_succeeded = 6,
    task_died = 7,
    task_cancelled = 8,
    task_expired = 9,
    task_retried = 10,
    task_removed_by_number = 11,  // up to version 2 of the format
    queue_changed = 12,
    floor_raised = 13,
    task_carried = 14,
    tombstone_carried = 15,
    bases_carried = 16,
    history_carried = 17,
    task_removed = 18,
    segment_shelved = 19,
};

enum class PayloadForm : std::uint8_t { empty = 0, in_line = 1, apart = 2 };

// More than the fields of any record take, texts and inline payloads aside.
constexpr std::size_t fields_octets_max = 384;
// The same of each attempt of a history.
constexpr std::size_t attempt_fields_octets_max = 64;

// What a number may take.
constexpr std::size_t number_octets_max = 10;

// How an attempt that was returned is charged, and whether it is said why.
enum class Charge : std::uint8_t { none = 0, unexplained = 1, explained = 2 };

// What stands for a segment in a place that is not real yet.
constexpr std::uint32_t in_metadata = 1;
constexpr std::uint32_t in_payloads = 2;

}  // namespace xebec::broker::journal

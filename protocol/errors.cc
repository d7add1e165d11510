#include "protocol/errors.h"

#include <array>
#include <string>

namespace xebec {

namespace {

struct Row {
    std::string_view name;
    std::string_view text;
    ErrorCode code;
};

constexpr std::array<Row, refusal_count> rows{{
    {"ok", "ok", ErrorCode::refused},
    {"bad_frame", "the frames are not a message", ErrorCode::malformed},
    {"bad_body", "the body is not what its type says", ErrorCode::malformed},
    {"unsupported", "the broker does not know this kind of message", ErrorCode::refused},
    {"not_registered", "the broker does not know this session", ErrorCode::unavailable},
    {"unknown_task", "no such task", ErrorCode::refused},
    {"unknown_queue", "no such queue", ErrorCode::refused},
    {"unknown_worker", "no such worker", ErrorCode::refused},
    {"bad_name", "not a valid name", ErrorCode::malformed},
    {"bad_value", "a value is outside its range", ErrorCode::malformed},
    {"too_large", "over the size limit", ErrorCode::malformed},
    {"conflict", "this id belongs to another task", ErrorCode::refused},
    {"too_old", "this id is older than the broker's memory of ids", ErrorCode::refused},
    {"too_new", "this id lies too far in the future", ErrorCode::refused},
    {"already_final", "the task has ended already", ErrorCode::refused},
    {"not_dead", "only a dead task can be retried", ErrorCode::refused},
    {"queue_full", "the queue holds as many tasks as it may", ErrorCode::unavailable},
    {"retry_later", "the broker is full", ErrorCode::unavailable},
    {"too_many_names", "the broker has no room for another queue or kind", ErrorCode::refused},
    {"read_only", "the broker takes no new tasks now", ErrorCode::unavailable},
    {"shutting_down", "the broker is shutting down", ErrorCode::unavailable},
    {"internal", "the broker failed to do this", ErrorCode::unavailable},
    {"no_journal", "the broker has no journal: its tasks are in memory only", ErrorCode::refused},
    {"backup_over", "the broker knows nothing of this backup, or has ended it", ErrorCode::refused},
}};

const Row* row(Refusal refusal) {
    const auto index = static_cast<std::size_t>(refusal);
    return index < rows.size() ? &rows[index] : nullptr;
}

}  // namespace

std::string_view to_string(Refusal refusal) {
    const Row* found = row(refusal);
    return found == nullptr ? "unknown" : found->name;
}

Refusal to_refusal(std::string_view name) {
    for (std::uint16_t code = 0; code < refusal_count; ++code) {
        if (rows[code].name == name) {
            return static_cast<Refusal>(code);
        }
    }
    return Refusal::internal;
}

bool can_retry(Refusal refusal) {
    const Row* found = row(refusal);
    return found != nullptr && found->code == ErrorCode::unavailable;
}

Error to_error(Refusal refusal, std::string_view text) {
    const Row* found = row(refusal);
    if (found == nullptr) {
        return {ErrorCode::refused, std::string(text), "unknown"};
    }
    return {found->code, std::string(text.empty() ? found->text : text), std::string(found->name)};
}

}  // namespace xebec

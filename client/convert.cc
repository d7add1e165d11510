#include "client/convert.h"

#include "protocol/errors.h"
#include "protocol/names.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace xebec::client {

namespace {

constexpr std::chrono::milliseconds span_max = std::chrono::hours(24 * 365 * 10);

WallTime instant_of(std::uint64_t ms) {
    return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(ms)}};
}

std::optional<WallTime> instant_if_any(std::uint64_t ms) {
    return ms == 0 ? std::nullopt : std::optional(instant_of(ms));
}

std::uint64_t ms_of(const std::optional<WallTime>& at) {
    return at ? static_cast<std::uint64_t>(at->time_since_epoch().count()) : 0;
}

// 0 would leave it open.
std::uint64_t bound_of(const std::optional<WallTime>& at) {
    return at ? static_cast<std::uint64_t>(
                    std::max<std::int64_t>(1, at->time_since_epoch().count()))
              : 0;
}

std::optional<TaskError> error_if_any(const std::optional<protocol::Failure>& failure) {
    if (!failure) {
        return std::nullopt;
    }
    return TaskError{std::string(failure->error_class), std::string(failure->text)};
}

AttemptInfo info_of(const protocol::AttemptView& view) {
    AttemptInfo info{.attempt = view.attempt,
                     .fence = view.fence,
                     .worker = std::string(view.worker),
                     .started_at = instant_of(view.started_at),
                     .ended_at = instant_of(view.ended_at),
                     .state = view.state};
    if (!view.error_class.empty()) {
        info.error = TaskError{std::string(view.error_class), std::string(view.error_text)};
    }
    return info;
}

bool is_span(std::chrono::milliseconds span) {
    return span.count() >= 0 && span <= span_max;
}

bool is_after_1970(const std::optional<WallTime>& at) {
    return !at || at->time_since_epoch().count() > 0;
}

Error bad_value(std::string_view text) {
    return to_error(Refusal::bad_value, text);
}

std::optional<Error> problem_of_options(const TaskOptions& options) {
    if (!options.queue.empty() && !is_queue_name(options.queue)) {
        return to_error(Refusal::bad_name,
                        "a queue's name is 1 to 48 letters, digits, '_' and '-', not \"" +
                            escape_controls(options.queue) + "\"");
    }
    if (options.priority < 0 || options.priority > priority_max) {
        return bad_value("a priority is 0 to 9, not " + std::to_string(options.priority));
    }
    if (options.attempts > attempts_limit) {
        return bad_value("there are at most " + std::to_string(attempts_limit) + " attempts, not " +
                         std::to_string(options.attempts));
    }
    if (!is_span(options.delay) || !is_span(options.run_max) || !is_span(options.deadline_in)) {
        return bad_value("a delay, a run limit or a deadline lies between 0 and ten years");
    }
    if (!is_after_1970(options.not_before) || !is_after_1970(options.deadline)) {
        return bad_value("an instant lies after 1970");
    }
    return std::nullopt;
}

}  // namespace

Error error_of(const protocol::Problem& problem) {
    const auto refusal = static_cast<Refusal>(problem.code);
    // A text that only repeats the name says nothing to a person.
    const bool says_nothing = problem.text == to_string(refusal);
    return to_error(refusal, says_nothing ? std::string_view() : problem.text);
}

TaskInfo info_of(const protocol::TaskView& view) {
    TaskInfo info{.number = view.number,
                  .id = view.id,
                  .kind = std::string(view.kind),
                  .queue = std::string(view.queue),
                  .state = view.state,
                  .priority = view.priority,
                  .attempts = view.attempts,
                  .attempts_max = view.attempts_max,
                  .worker = std::string(view.worker),
                  .error = error_if_any(view.error),
                  .accepted_at = instant_of(view.accepted_at),
                  .due_at = instant_if_any(view.due_at),
                  .deadline = instant_if_any(view.deadline),
                  .started_at = instant_if_any(view.started_at),
                  .finished_at = instant_if_any(view.finished_at),
                  .fence = view.fence,
                  .series = view.series,
                  .version = view.version};
    for (const protocol::AttemptView& attempt : view.history) {
        info.history.push_back(info_of(attempt));
    }
    return info;
}

Outcome outcome_of(const protocol::OutcomeItem& item) {
    return {.id = item.id,
            .number = item.number,
            .state = item.state,
            .result = {std::string(item.result.view), item.content_type},
            .error = error_if_any(item.error),
            .fence = item.fence};
}

protocol::TaskFilter filter_of(const TaskFilter& filter) {
    std::uint32_t states = 0;
    for (const TaskState state : filter.states) {
        states |= 1U << static_cast<unsigned>(state);
    }
    return {.states = states,
            .queue = filter.queue,
            .kind = filter.kind,
            .worker = filter.worker,
            .error = filter.error,
            .id_prefix = filter.id_prefix,
            .accepted_from = bound_of(filter.accepted_from),
            .accepted_to = bound_of(filter.accepted_to)};
}

Blob blob_of(std::string text) {
    if (text.empty()) {
        return {};
    }
    auto* owner = new std::string(std::move(text));
    return Blob::adopt(
        {.data = owner->data(),
         .size = owner->size(),
         .release = [](void* kept) noexcept { delete static_cast<std::string*>(kept); },
         .owner = owner});
}

protocol::SubmitItem item_of(const NewTask& task, const TaskId& id, const Blob& payload) {
    return {.id = id,
            .kind = task.kind,
            .payload = Octets(payload),
            .content_type = task.payload.type,
            .queue = task.options.queue,
            .priority = static_cast<std::uint8_t>(task.options.priority),
            .delay_ms = static_cast<std::uint64_t>(task.options.delay.count()),
            .not_before = ms_of(task.options.not_before),
            .deadline = ms_of(task.options.deadline),
            .attempts_max = task.options.attempts,
            .run_max_ms = static_cast<std::uint64_t>(task.options.run_max.count()),
            .deadline_in_ms = static_cast<std::uint64_t>(task.options.deadline_in.count())};
}

std::optional<Error> problem_of(const NewTask& task, std::string_view payload,
                                const Limits& limits) {
    if (!is_kind(task.kind)) {
        return to_error(Refusal::bad_name,
                        "a kind is 1 to 48 letters, digits, '_', '-', '.' and ':', not \"" +
                            escape_controls(task.kind) + "\"");
    }
    if (payload.size() > limits.payload_octets_max) {
        return to_error(Refusal::too_large, "the payload has " + std::to_string(payload.size()) +
                                                " octets, but the broker takes at most " +
                                                std::to_string(limits.payload_octets_max));
    }
    if (task.payload.type == ContentType::json && !is_utf8(payload)) {
        return bad_value("a JSON payload is UTF-8 text, and this is not");
    }
    return problem_of_options(task.options);
}

}  // namespace xebec::client

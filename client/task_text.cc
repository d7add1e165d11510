#include "client/task_text.h"

#include "client/tables.h"
#include "protocol/time_text.h"

#include <optional>
#include <string_view>

namespace xebec::client {

namespace {

constexpr std::size_t error_characters_max = 60;

std::string error_text(const TaskInfo& task) {
    return task.error ? task.error->error_class + ": " + task.error->text : "";
}

std::string attempts_text(const TaskInfo& task) {
    return std::to_string(task.attempts) + "/" + std::to_string(task.attempts_max);
}

std::string time_text(const std::optional<WallTime>& at) {
    return at ? format_utc(*at) : "";
}

// How it ended, and where.
std::string attempt_text(const AttemptInfo& attempt) {
    const std::string how = attempt.error ? attempt.error->error_class + ": " + attempt.error->text
                                          : std::string(to_string(attempt.state));
    return format_utc(attempt.ended_at) + " on " + attempt.worker + ": " +
           shortened(how, error_characters_max);
}

}  // namespace

std::string table_of(const std::vector<TaskInfo>& tasks) {
    Table table({{"NUMBER", Align::right},
                 {"STATE"},
                 {"KIND"},
                 {"QUEUE"},
                 {"PRIORITY", Align::right},
                 {"ATTEMPTS", Align::right},
                 {"ACCEPTED"},
                 {"WORKER"},
                 {"ERROR"}});
    for (const TaskInfo& task : tasks) {
        table.add({std::to_string(task.number), std::string(to_string(task.state)), task.kind,
                   task.queue, std::to_string(task.priority), attempts_text(task),
                   format_utc(task.accepted_at), task.worker,
                   shortened(error_text(task), error_characters_max)});
    }
    return table.text();
}

std::string block_of(const TaskInfo& task) {
    Block block;
    const auto add_if_any = [&block](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            block.add(name, value);
        }
    };
    block.add("task", std::to_string(task.number));
    block.add("id", to_string(task.id));
    block.add("kind", task.kind);
    block.add("queue", task.queue);
    block.add("state", to_string(task.state));
    block.add("priority", std::to_string(task.priority));
    block.add("attempts", attempts_text(task));
    add_if_any("worker", task.worker);
    add_if_any("error", error_text(task));
    block.add("accepted", format_utc(task.accepted_at));
    add_if_any("due", time_text(task.due_at));
    add_if_any("deadline", time_text(task.deadline));
    add_if_any("started", time_text(task.started_at));
    add_if_any("finished", time_text(task.finished_at));
    if (task.started_at && task.finished_at && *task.finished_at >= *task.started_at) {
        block.add("took", format_duration(*task.finished_at - *task.started_at));
    }
    if (task.fence != 0) {
        block.add("fence", std::to_string(task.fence));
    }
    if (task.series != 0) {
        block.add("series", std::to_string(task.series));
    }
    for (const AttemptInfo& attempt : task.history) {
        block.add("attempt " + std::to_string(attempt.attempt), attempt_text(attempt));
    }
    return block.text();
}

std::string reason_of(const TaskInfo& task) {
    std::string text(to_string(task.state));
    if (task.state == TaskState::dead) {
        text += " after " + std::to_string(task.attempts) +
                (task.attempts == 1 ? " attempt" : " attempts");
    }
    return task.error ? text + ": " + error_text(task) : text;
}

bool is_gone(const Outcome& outcome) {
    return outcome.error && outcome.error->error_class == "removed";
}

bool has_result(const Outcome& outcome) {
    return outcome.state == TaskState::succeeded && !outcome.error;
}

std::string sentence_of(const Outcome& outcome) {
    const std::string task = "task " + std::to_string(outcome.number);
    const std::string state(to_string(outcome.state));
    if (is_gone(outcome)) {
        return task + (outcome.state == TaskState::succeeded
                           ? " succeeded, but its retention is over and its result is gone"
                           : " is " + state + ", and its retention is over");
    }
    if (outcome.state == TaskState::succeeded && outcome.error) {
        return task + " succeeded, but " + outcome.error->text;
    }
    return task + " is " + state +
           (outcome.error ? ": " + outcome.error->error_class + ": " + outcome.error->text : "");
}

}  // namespace xebec::client

#include "client/commands/output.h"

#include "client/payload.h"
#include "client/task_text.h"
#include "protocol/time_text.h"
#include "runtime/exit_status.h"
#include "runtime/terminal.h"

#include <iostream>

namespace xebec::client {

namespace {

void print_result(const Payload& result) {
    const bool for_terminal = runtime::is_terminal(STDOUT_FILENO);
    std::cout << printable(result, for_terminal);
    if (for_terminal || result.type == ContentType::json) {
        std::cout << "\n";
    }
}

// The outcome says all that is printed: by now the broker may have forgotten the task.
int print_outcome(const Options& options, const Outcome& outcome, const Json& object) {
    if (options.json) {
        std::cout << text_of(object) << "\n";
    } else if (has_result(outcome)) {
        print_result(outcome.result);
    }
    if (!has_result(outcome)) {
        complain(sentence_of(outcome));
        return runtime::exit_failed;
    }
    return runtime::exit_done;
}

int print_unfinished(const Options& options, const Awaited& task, const Error& error) {
    const bool is_late = error.code == ErrorCode::timed_out;
    if (options.json) {
        Json object = task.known;
        if (!is_late) {
            object["error"] = json_of(error);
        }
        std::cout << text_of(object) << "\n";
    }
    const std::string number = std::to_string(task.number);
    if (is_late && options.timeout.count() > 0) {
        complain("task " + number + " was accepted, and has not ended within " +
                 format_duration(options.timeout) + "; xebec-client result " + number +
                 " --wait waits for it");
        return runtime::exit_no_answer;
    }
    return fail(options, error, "task " + number);
}

// With what the broker still knows beyond the outcome.
Json full_json_of(Client& client, const Outcome& outcome) {
    const bool has_lost_result = outcome.state == TaskState::succeeded && !has_result(outcome);
    const Result<TaskInfo> info =
        is_gone(outcome) || has_lost_result ? Result<TaskInfo>(Error{}) : client.query(outcome.id);
    if (!info || info->state != outcome.state) {
        return json_of(outcome);
    }
    Json object = json_of(*info);
    if (has_result(outcome)) {
        add_result(object, outcome.result);
    }
    return object;
}

}  // namespace

int print_awaited(Client& client, const Options& options, const Awaited& task,
                  const Result<Outcome>& outcome) {
    if (!outcome) {
        return print_unfinished(options, task, outcome.error());
    }
    return print_outcome(options, *outcome, options.json ? full_json_of(client, *outcome) : Json());
}

int print_ended(const Options& options, const TaskInfo& task, const Payload& result) {
    const bool succeeded = task.state == TaskState::succeeded;
    if (options.json) {
        Json object = json_of(task);
        if (succeeded) {
            add_result(object, result);
        }
        std::cout << text_of(object) << "\n";
    } else if (succeeded) {
        print_result(result);
    }
    if (!succeeded) {
        complain("task " + std::to_string(task.number) + " is " + reason_of(task));
        return runtime::exit_failed;
    }
    return runtime::exit_done;
}

}  // namespace xebec::client

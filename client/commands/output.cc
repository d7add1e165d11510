#include "client/commands/output.h"

#include "client/payload.h"
#include "client/task_text.h"
#include "protocol/time_text.h"
#include "runtime/exit_status.h"
#include "runtime/terminal.h"

#include <iostream>

namespace xebec::client {

int wait_and_print(Client& client, const Options& options, const TaskKey& task,
                   std::chrono::milliseconds timeout) {
    const auto outcome = client.wait(task, timeout);
    if (!outcome) {
        if (outcome.error().code == ErrorCode::timed_out && !is_no_answer(outcome.error())) {
            complain("task " + to_text(task) + " has not ended within " +
                     format_duration(options.timeout) + "; it goes on: xebec-client result " +
                     to_text(task) + " --wait");
            return runtime::exit_no_answer;
        }
        return fail(options, outcome.error(), "task " + to_text(task));
    }
    // The outcome knows neither queue nor attempts; for a person who gets a result, no need to ask.
    if (!options.json && outcome->state == TaskState::succeeded) {
        return print_ended(options,
                           {.number = outcome->number, .id = outcome->id, .state = outcome->state},
                           outcome->result);
    }
    auto info = client.query(outcome->id);
    if (!info) {
        info = TaskInfo{.number = outcome->number,
                        .id = outcome->id,
                        .state = outcome->state,
                        .error = outcome->error};
    }
    return print_ended(options, *info, outcome->result);
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
        const bool for_terminal = runtime::is_terminal(STDOUT_FILENO);
        std::cout << printable(result, for_terminal);
        if (for_terminal || result.type == ContentType::json) {
            std::cout << "\n";
        }
    }
    if (!succeeded) {
        complain("task " + std::to_string(task.number) + " is " + reason_of(task));
        return runtime::exit_failed;
    }
    return runtime::exit_done;
}

}  // namespace xebec::client

#pragma once
// One line of a batch file: a task as a JSON object.

#include <xebec/result.h>
#include <xebec/task.h>

#include <string_view>

namespace xebec::client {

// Keys: kind, and any of args, payload, payload_base64, queue, priority, delay, deadline, attempts,
// run_max, id. What a line does not say is as in `defaults`.
Result<NewTask> parse_batch_line(std::string_view line, const NewTask& defaults);

}  // namespace xebec::client

#pragma once
// Tasks, queues, workers and figures as JSON objects, for programs. Keys are documented in the
// README and stay.

#include "client/payload.h"
#include "protocol/messages.h"

#include <xebec/error.h>
#include <xebec/task.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::client {

Json json_of(const TaskInfo& task);
Json json_with_history(const TaskInfo& task);
// What is not known is null.
Json json_of(const Outcome& outcome);
Json json_of_known(std::uint64_t number, const std::optional<TaskId>& id, std::string_view state,
                   const Json& error = {});  // number 0: not known
Json json_of(const protocol::QueueView& queue);
// With `recent`, also of attempts that have ended.
Json json_of(const protocol::WorkerView& worker, bool with_recent = false);
Json json_of(const protocol::Figures& figures);
Json json_of(const Error& error);  // {class, text}, as a task's

// Text that is always valid JSON, whatever octets went in.
std::string text_of(const Json& value);
std::string line_of(const Json& value);

}  // namespace xebec::client

#pragma once
// Tasks, queues, workers and figures as JSON objects, for programs. Keys are documented in the
// README and stay.

#include "client/payload.h"
#include "protocol/messages.h"

#include <xebec/error.h>
#include <xebec/task.h>

#include <string>

namespace xebec::client {

Json json_of(const TaskInfo& task);
Json json_of(const protocol::QueueView& queue);
Json json_of(const protocol::WorkerView& worker);
Json json_of(const protocol::Figures& figures);
Json json_of(const Error& error);  // {class, text}, as a task's

// Text that is always valid JSON, whatever octets went in.
std::string text_of(const Json& value);
std::string line_of(const Json& value);

}  // namespace xebec::client

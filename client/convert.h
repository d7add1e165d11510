#pragma once
// Between what a user of the library sees and what the messages say.

#include "protocol/blob.h"
#include "protocol/limits.h"
#include "protocol/messages.h"

#include <xebec/client.h>
#include <xebec/error.h>
#include <xebec/task.h>

#include <optional>

namespace xebec::client {

Error error_of(const protocol::Problem& problem);
TaskInfo info_of(const protocol::TaskView& view);
Outcome outcome_of(const protocol::OutcomeItem& item);
protocol::TaskFilter filter_of(const TaskFilter& filter);  // borrows from it

// A blob that takes the text over instead of copying it.
Blob blob_of(std::string text);

// The task as a message carries it. Borrows from the task and shares the payload.
protocol::SubmitItem item_of(const NewTask& task, const TaskId& id, const Blob& payload);

// Why the broker would refuse this task, without asking it.
std::optional<Error> problem_of(const NewTask& task, std::string_view payload,
                                const Limits& limits);

}  // namespace xebec::client

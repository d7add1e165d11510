#pragma once
// Tasks as people read them.

#include <xebec/task.h>

#include <string>
#include <vector>

namespace xebec::client {

std::string table_of(const std::vector<TaskInfo>& tasks);
std::string block_of(const TaskInfo& task);  // everything about one

// "dead after 5 attempts: exit: status 1", for a task that has ended without a result.
std::string reason_of(const TaskInfo& task);

// Whether retention has taken the task away, and its result with it.
bool is_gone(const Outcome& outcome);

// A task may have succeeded whose result is gone, or damaged.
bool has_result(const Outcome& outcome);

// "task 42 is dead: exit: status 1", for an outcome without a result.
std::string sentence_of(const Outcome& outcome);

}  // namespace xebec::client

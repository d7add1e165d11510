#pragma once
// What a program's exit status says.

namespace xebec::runtime {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;     // the task or the request failed
constexpr int exit_usage = 2;      // wrong flags, arguments or configuration
constexpr int exit_no_answer = 3;  // no answer, or not finished in time

}  // namespace xebec::runtime

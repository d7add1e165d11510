#pragma once
// The kinds every worker program can run, so that all can be tried without writing code: add,
// subtract, multiply, divide, echo, sleep and fail. Arguments are a JSON array, results are JSON.

#include <xebec/worker.h>

#include <string>
#include <vector>

namespace xebec::worker {

struct NamedHandler {
    std::string kind;
    Handler handler;
};

std::vector<NamedHandler> builtin_handlers();

}  // namespace xebec::worker

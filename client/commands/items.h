#pragma once
// How commands that name several things say what became of each.

#include "client/convert.h"
#include "client/json.h"
#include "client/options.h"
#include "protocol/names.h"
#include "runtime/exit_status.h"

#include <iostream>
#include <string>
#include <vector>

namespace xebec::client {

// Prints one line for each, or an array. Gives the exit code.
inline int print_items(const Options& options, std::string_view past,
                       const std::vector<std::string>& names,
                       const std::vector<protocol::Problem>& problems) {
    int status = runtime::exit_done;
    Json array = Json::array();
    for (std::size_t i = 0; i < names.size(); ++i) {
        Error error{ErrorCode::corrupt, "the broker's answer is incomplete", ""};
        if (i < problems.size()) {
            error = error_of(problems[i]);
        }
        const bool is_done = i < problems.size() && problems[i].code == 0;
        array.push_back(
            {{"name", names[i]}, {"done", is_done}, {"error", is_done ? Json() : json_of(error)}});
        if (!is_done) {
            status = fail(options, error, names[i]);
        } else if (!options.json) {
            std::cout << past << " " << escape_controls(names[i]) << "\n";
        }
    }
    if (options.json) {
        std::cout << text_of(array) << "\n";
    }
    return status;
}

}  // namespace xebec::client

#pragma once
// What requests about tasks say in their path, query and body.

#include "client/payload.h"
#include "protocol/messages.h"

#include <xebec/client.h>
#include <xebec/result.h>
#include <xebec/task.h>

#include <cstdint>
#include <httplib.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {

// `last`, a number from 1, or an id.
Result<TaskKey> parse_key(std::string_view text);

// Which tasks a list or a bulk action means, and from where on.
struct Selected {
    std::uint32_t states = 0;
    std::string queue;
    std::string kind;
    std::string worker;
    std::string error;
    std::string id_prefix;
    std::uint64_t accepted_from = 0;
    std::uint64_t accepted_to = 0;
    std::uint64_t cursor = 0;

    protocol::TaskFilter filter() const;  // borrows from this
    bool is_everything() const { return filter() == protocol::TaskFilter{}; }
};

// What selects, in a query and in a body: `id` is another name of `id_prefix`.
const std::vector<std::string>& selection_names();

// Names are as in the query of GET /tasks; an instant is RFC 3339, or a duration back from `now`.
Result<Selected> selected_by(const httplib::Params& query, WallTime now);
// The same as members of a JSON object; `state` may be an array. It is of tasks that are to be
// changed, and so has to say "all": true if it means all of them.
Result<Selected> selected_by(const client::Json& body, WallTime now);

// A whole number from 1 to `most`, or `absent` if the query does not have it.
Result<std::uint64_t> number_in(const httplib::Params& query, const std::string& name,
                                std::uint64_t absent, std::uint64_t most);

// The tasks of a submit: each well-formed, or why it is not. `is_array`: as it came.
struct Submission {
    std::vector<Result<NewTask>> tasks;
    bool is_array = false;
};
Result<Submission> parse_submission(std::string_view body);

}  // namespace xebec::monitor::web

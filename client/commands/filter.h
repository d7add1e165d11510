#pragma once
// The flags that say which tasks a list or a bulk action means.

#include "client/commands/checks.h"
#include "client/options.h"

#include <xebec/client.h>

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace xebec::client {

struct FilterFlags {
    std::vector<std::string> states;
    std::string queue;
    std::string kind;
    std::string worker;

    bool empty() const { return states.empty() && queue.empty() && kind.empty() && worker.empty(); }
};

inline void add_filter(CLI::App& app, FilterFlags& flags) {
    app.add_option("--state", flags.states, "only in these states; repeat it, or use commas")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("--queue", flags.queue, "only of this queue")->check(must_be_queue());
    app.add_option("--kind", flags.kind, "only of this kind")->check(must_be_kind());
    app.add_option("--worker", flags.worker, "only those that this worker had last")
        ->check(must_be_worker());
}

// Throws UsageError.
inline TaskFilter filter_from(const FilterFlags& flags) {
    return {.states = parse_states(flags.states),
            .queue = flags.queue,
            .kind = flags.kind,
            .worker = flags.worker};
}

}  // namespace xebec::client

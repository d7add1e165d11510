#pragma once
// The flags that say which tasks a list or a bulk action means.

#include "client/commands/checks.h"
#include "client/options.h"
#include "runtime/clock.h"

#include <xebec/client.h>

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace xebec::client {

struct FilterFlags {
    std::vector<std::string> states;
    std::string queue;
    std::string kind;
    std::string worker;

    std::string error;
    std::string id_prefix;
    std::string since;
    std::string until;

    bool empty() const {
        return states.empty() && queue.empty() && kind.empty() && worker.empty() && error.empty() &&
               id_prefix.empty() && since.empty() && until.empty();
    }
};

inline void add_filter(CLI::App& app, FilterFlags& flags) {
    app.add_option("--state", flags.states, "only in these states; repeat it, or use commas")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option("--queue", flags.queue, "only of this queue")->check(must_be_queue());
    app.add_option("--kind", flags.kind, "only of this kind")->check(must_be_kind());
    app.add_option("--worker", flags.worker, "only those that this worker had last")
        ->check(must_be_worker());
    app.add_option("--error", flags.error, "only with this in the class or text of their error");
    app.add_option("--id-prefix", flags.id_prefix,
                   "only those whose id begins with these hexadecimal digits");
    app.add_option("--since", flags.since,
                   "only accepted since then: a duration ago, or RFC 3339 in UTC");
    app.add_option("--until", flags.until, "only accepted before then, written as --since is");
}

// Throws UsageError.
inline std::optional<WallTime> past_from(const std::string& flag, const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto at = parse_past(text, runtime::now().wall);
    if (!at) {
        throw UsageError{flag + ": \"" + text +
                         "\" is neither a duration such as 10m nor an instant such as "
                         "2026-01-02T03:04:05Z"};
    }
    return at;
}

// Throws UsageError.
inline TaskFilter filter_from(const FilterFlags& flags) {
    return {.states = parse_states(flags.states),
            .queue = flags.queue,
            .kind = flags.kind,
            .worker = flags.worker,
            .error = flags.error,
            .id_prefix = flags.id_prefix,
            .accepted_from = past_from("--since", flags.since),
            .accepted_to = past_from("--until", flags.until)};
}

}  // namespace xebec::client

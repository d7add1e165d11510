#pragma once
// What all subcommands of xebec-client share: flags, patience, and how they say what went wrong.

#include "client/connection.h"
#include "protocol/time.h"

#include <xebec/client.h>
#include <xebec/error.h>
#include <xebec/task.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::client {

struct Options {
    std::string broker = "tcp://127.0.0.1:5555";
    milliseconds timeout{0};           // of the whole command; 0: not given
    Instant ends_at = Instant::max();  // for that
    bool json = false;
};

constexpr milliseconds answer_time_default{10'000};

ClientOptions client_options(const Options& options);
ConnectionOptions connection_options(const Options& options);

// How long an answer may take, now.
milliseconds answer_time(const Options& options);
// And at first: as it is said when there is none.
milliseconds answer_time_given(const Options& options);

// What is left of --timeout while a command waits.
class Patience {
public:
    explicit Patience(const Options& options) : end_(options.ends_at) {}

    // At least a millisecond; nothing: for ever.
    std::optional<milliseconds> left() const;

    // As Client::wait takes it.
    milliseconds for_wait() const { return left().value_or(milliseconds{0}); }

private:
    Instant end_;
};

// A wrong argument, found after the flags were parsed: printed as one line, exit code 2.
struct UsageError {
    std::string text;
};

// `last`, a number from 1 or an id. Throws UsageError.
TaskKey parse_key(std::string_view text);
std::vector<TaskKey> parse_keys(const std::vector<std::string>& texts);
std::string to_text(const TaskKey& key);

// Throws UsageError.
std::vector<TaskState> parse_states(const std::vector<std::string>& names);

// An instant in RFC 3339, or a duration from acceptance. False: it is neither.
bool set_deadline(std::string_view text, TaskOptions& task);
// An instant, or a duration that is counted back from `now`.
std::optional<WallTime> parse_past(std::string_view text, WallTime now);

// One line on standard error, made safe for a terminal.
void complain(std::string_view text);

// Says what went wrong and what can be done, and gives the exit code. `about` names what failed.
int fail(const Options& options, const Error& error, std::string_view about = {});

// CLI11 takes a value in square brackets for a list of its own and splits it. What it must leave
// alone is marked before it parses, and unmarked after.
std::vector<std::string> marked(int argc, char** argv);
std::string unmarked(std::string text);

}  // namespace xebec::client

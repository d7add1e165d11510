#include "client/options.h"

#include "protocol/names.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"
#include "runtime/command_line.h"

#include <algorithm>
#include <charconv>
#include <iostream>

namespace xebec::client {

namespace {

constexpr char mark = '\x1F';

}  // namespace

milliseconds answer_time(const Options& options) {
    return Patience(options).left().value_or(answer_time_default);
}

milliseconds answer_time_given(const Options& options) {
    return options.timeout.count() > 0 ? options.timeout : answer_time_default;
}

ClientOptions client_options(const Options& options) {
    return {.broker = options.broker,
            .timeout = answer_time(options),
            .lifetime = Patience(options).for_wait()};
}

ConnectionOptions connection_options(const Options& options) {
    return {.broker = options.broker};
}

std::optional<milliseconds> Patience::left() const {
    if (end_ == Instant::max()) {
        return std::nullopt;
    }
    const auto left = std::chrono::ceil<milliseconds>(end_ - runtime::now().steady);
    return std::max(left, milliseconds{1});
}

TaskKey parse_key(std::string_view text) {
    if (text == "last") {
        return std::uint64_t{0};
    }
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc{} && end == text.data() + text.size() && number > 0) {
        return number;
    }
    if (const auto id = parse_task_id(text)) {
        return *id;
    }
    throw UsageError{"\"" + std::string(text) +
                     "\" is not a task: give its number, its id or last"};
}

std::vector<TaskKey> parse_keys(const std::vector<std::string>& texts) {
    std::vector<TaskKey> keys(texts.size());
    std::transform(texts.begin(), texts.end(), keys.begin(),
                   [](const std::string& text) { return parse_key(text); });
    return keys;
}

std::string to_text(const TaskKey& key) {
    if (const auto* id = std::get_if<TaskId>(&key)) {
        return to_string(*id);
    }
    const std::uint64_t number = std::get<std::uint64_t>(key);
    return number == 0 ? "last" : std::to_string(number);
}

std::vector<TaskState> parse_states(const std::vector<std::string>& names) {
    std::vector<TaskState> states;
    for (const std::string& name : names) {
        const auto state = parse_task_state(name);
        if (!state) {
            throw UsageError{"\"" + name +
                             "\" is not a state: scheduled, blocked, ready, leased, succeeded, "
                             "dead, cancelled or expired"};
        }
        states.push_back(*state);
    }
    return states;
}

// As it is said: a duration that became an instant here would be another with each repeat.
bool set_deadline(std::string_view text, TaskOptions& task) {
    const auto duration = parse_duration(text);
    task.deadline = duration ? std::nullopt : parse_utc(text);
    task.deadline_in = duration.value_or(milliseconds{0});
    return task.deadline || task.deadline_in.count() > 0;
}

std::optional<WallTime> parse_past(std::string_view text, WallTime now) {
    if (const auto duration = parse_duration(text)) {
        return now - *duration;
    }
    return parse_utc(text);
}

void complain(std::string_view text) {
    std::cerr << "xebec-client: " << escape_controls(text) << std::endl;
}

int fail(const Options& options, const Error& error, std::string_view about) {
    std::string text = about.empty() ? "" : std::string(about) + ": ";
    if (is_no_answer(error)) {
        const std::string_view effect =
            error.detail.find("may have") == std::string::npos
                ? ""
                : "; the request may have taken effect, and repeating it with the same id is safe";
        text += "no answer from " + options.broker + " within " +
                format_duration(answer_time_given(options)) +
                ": is xebec-broker running there? Start it, or name another with --broker" +
                std::string(effect);
    } else {
        text += error.detail.empty() ? std::string(to_string(error.code)) : error.detail;
        if (!error.name.empty()) {
            text += " (" + error.name + ")";
        }
    }
    complain(text);
    return error.code == ErrorCode::timed_out ? runtime::exit_no_answer : runtime::exit_failed;
}

std::vector<std::string> marked(int argc, char** argv) {
    std::vector<std::string> arguments(argv, argv + argc);
    for (std::string& argument : arguments) {
        if (argument.ends_with(']')) {
            argument += mark;
        }
    }
    return arguments;
}

std::string unmarked(std::string text) {
    if (text.ends_with(mark)) {
        text.pop_back();
    }
    return text;
}

}  // namespace xebec::client

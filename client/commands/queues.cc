// queues, queue set, pause and resume.

#include "client/commands/checks.h"
#include "client/commands/commands.h"
#include "client/commands/items.h"
#include "client/tables.h"
#include "protocol/limits.h"
#include "protocol/time_text.h"
#include "runtime/command_line.h"

#include <iostream>
#include <memory>

namespace xebec::client {

namespace {

struct SettingFlags {
    std::string name;
    milliseconds lease{-1};  // -1: not given
    milliseconds run_max{-1};
    milliseconds pause_first{-1};
    milliseconds pause_max{-1};
    milliseconds retention{-1};
    std::optional<std::uint32_t> attempts;
    std::optional<std::uint64_t> tasks_max;
};

std::optional<std::uint64_t> if_given(milliseconds value) {
    return value.count() < 0 ? std::nullopt
                             : std::optional(static_cast<std::uint64_t>(value.count()));
}

std::uint64_t count_of(const protocol::QueueView& queue, TaskState state) {
    const auto index = static_cast<std::size_t>(state);
    return index < queue.tasks.size() ? queue.tasks[index] : 0;
}

std::string span_text(const std::optional<std::uint64_t>& ms) {
    return ms ? format_duration(milliseconds{static_cast<std::int64_t>(*ms)}) : "";
}

void add_row(Table& table, const protocol::QueueView& queue) {
    const protocol::QueueSettings& settings = queue.settings;
    const auto count = [&queue](TaskState state) { return std::to_string(count_of(queue, state)); };
    table.add({std::string(queue.name) + (queue.paused ? " (paused)" : ""), count(TaskState::ready),
               count(TaskState::leased), count(TaskState::scheduled), count(TaskState::succeeded),
               count(TaskState::dead),
               queue.oldest_wait_ms == 0 ? "" : span_text(queue.oldest_wait_ms),
               settings.attempts_max ? std::to_string(*settings.attempts_max) : "",
               span_text(settings.lease_ms), span_text(settings.run_max_ms),
               span_text(settings.retention_ms)});
}

int show_queues(const Options& options) {
    Connection connection(connection_options(options));
    Table table({{"QUEUE"},
                 {"READY", Align::right},
                 {"LEASED", Align::right},
                 {"SCHEDULED", Align::right},
                 {"SUCCEEDED", Align::right},
                 {"DEAD", Align::right},
                 {"OLDEST WAITS", Align::right},
                 {"ATTEMPTS", Align::right},
                 {"LEASE", Align::right},
                 {"RUN MAX", Align::right},
                 {"RETENTION", Align::right}});
    Json array = Json::array();
    std::string after;
    bool more = true;
    while (more) {
        const auto packet =
            connection.request(protocol::Queues{.after = after}, answer_time(options));
        const auto answer = answer_as<protocol::QueuesAnswer>(packet);
        if (!answer) {
            return fail(options, answer.error());
        }
        for (const protocol::QueueView& queue : answer->items) {
            add_row(table, queue);
            array.push_back(json_of(queue));
        }
        more = answer->more && !answer->items.empty();
        after = more ? std::string(answer->items.back().name) : "";
    }
    std::cout << (options.json ? text_of(array) + "\n" : table.text());
    return runtime::exit_done;
}

int set_queue(const Options& options, const SettingFlags& flags) {
    const protocol::QueueSettings settings{.lease_ms = if_given(flags.lease),
                                           .run_max_ms = if_given(flags.run_max),
                                           .attempts_max = flags.attempts,
                                           .pause_first_ms = if_given(flags.pause_first),
                                           .pause_max_ms = if_given(flags.pause_max),
                                           .retention_ms = if_given(flags.retention),
                                           .tasks_max = flags.tasks_max};
    Connection connection(connection_options(options));
    const auto packet = connection.request(
        protocol::QueueSet{.name = flags.name, .settings = settings}, answer_time(options));
    const auto answer = answer_as<protocol::QueueSetAnswer>(packet);
    if (!answer) {
        return fail(options, answer.error());
    }
    return print_items(options, "set", {flags.name}, {answer->problem});
}

template <class Request, class Answer>
int change_queues(const Options& options, std::string_view past,
                  const std::vector<std::string>& names) {
    Connection connection(connection_options(options));
    const auto packet =
        connection.request(Request{.queues = {names.begin(), names.end()}}, answer_time(options));
    const auto answer = answer_as<Answer>(packet);
    if (!answer) {
        return fail(options, answer.error());
    }
    return print_items(options, past, names, answer->items);
}

void add_settings(CLI::App& app, SettingFlags& flags) {
    runtime::add_duration(app, "--lease", flags.lease,
                          "how long an attempt may go on without word from its worker");
    runtime::add_duration(app, "--run-max", flags.run_max, "the longest an attempt may last")
        ->check(must_be_positive("a run limit"))
        ->check(must_be_short());
    app.add_option("--attempts", flags.attempts, "most attempts of a task")
        ->check(CLI::Range(1U, attempts_limit));
    runtime::add_duration(app, "--pause-first", flags.pause_first,
                          "the pause before the first retry; then it doubles");
    runtime::add_duration(app, "--pause-max", flags.pause_max, "the longest pause");
    runtime::add_duration(app, "--retention", flags.retention,
                          "how long tasks that have ended are kept");
    app.add_option("--tasks-max", flags.tasks_max, "most unfinished tasks; 0: no limit")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000'000}));
}

}  // namespace

void add_queues(CLI::App& app, const Options& options, Command& command) {
    CLI::App* sub = app.add_subcommand("queues", "list the queues");
    sub->footer("Example: xebec-client queues");
    sub->callback([&options, &command] { command = [&options] { return show_queues(options); }; });
}

void add_queue_set(CLI::App& app, const Options& options, Command& command) {
    auto flags = std::make_shared<SettingFlags>();
    CLI::App* queue = app.add_subcommand("queue", "change the settings of a queue");
    queue->require_subcommand(1);
    queue->footer("Example: xebec-client queue set nightly --run-max 10m --attempts 5");
    CLI::App* sub = queue->add_subcommand(
        "set", "change the settings that are given; make the queue if there is none");
    sub->add_option("name", flags->name, "the queue")->required()->check(must_be_queue());
    add_settings(*sub, *flags);
    sub->footer("Example: xebec-client queue set nightly --run-max 10m --attempts 5");
    sub->callback([&options, &command, flags] {
        command = [&options, flags] { return set_queue(options, *flags); };
    });
}

void add_pause(CLI::App& app, const Options& options, Command& command) {
    auto names = std::make_shared<std::vector<std::string>>();
    CLI::App* sub = app.add_subcommand("pause", "give out no more tasks of a queue");
    sub->add_option("queues", *names, "their names")->required();
    sub->footer(
        "What runs goes on, and new tasks are taken.\n\nExample: xebec-client pause nightly");
    sub->callback([&options, &command, names] {
        command = [&options, names] {
            return change_queues<protocol::Pause, protocol::PauseAnswer>(options, "paused", *names);
        };
    });
}

void add_resume(CLI::App& app, const Options& options, Command& command) {
    auto names = std::make_shared<std::vector<std::string>>();
    CLI::App* sub = app.add_subcommand("resume", "give out the tasks of a paused queue again");
    sub->add_option("queues", *names, "their names")->required();
    sub->footer("Example: xebec-client resume nightly");
    sub->callback([&options, &command, names] {
        command = [&options, names] {
            return change_queues<protocol::Resume, protocol::ResumeAnswer>(options, "resumed",
                                                                           *names);
        };
    });
}

}  // namespace xebec::client

// submit: one task, or a file of them.

#include "client/commands/batch.h"
#include "client/commands/checks.h"
#include "client/commands/commands.h"
#include "client/commands/output.h"
#include "client/json.h"
#include "client/payload.h"
#include "protocol/limits.h"
#include "protocol/time_text.h"
#include "runtime/command_line.h"
#include "runtime/files.h"
#include "runtime/terminal.h"

#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>

namespace xebec::client {

namespace {

// Far over any broker's limit, so that it can say its own, and far under what memory holds.
constexpr std::size_t payload_octets_max = std::size_t{1} << 30;

struct Submission {
    std::string kind;
    std::vector<std::string> arguments;
    std::optional<std::string> payload;
    std::string content_type;
    std::string batch;
    std::string not_before;
    std::string deadline;
    std::string id;
    TaskOptions options;
    bool wait = false;
};

std::string read_all(std::istream& in) {
    std::string text;
    std::vector<char> buffer(64 << 10);
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > payload_octets_max) {
            throw std::runtime_error("the payload is over 1 GiB");
        }
    }
    return text;
}

std::string octets_from(const std::string& source) {
    if (source == "-") {
        return read_all(std::cin);
    }
    if (!source.starts_with('@')) {
        return source;
    }
    auto content = runtime::read_file(source.substr(1));
    if (!content) {
        throw UsageError{"there is no file " + source.substr(1)};
    }
    return std::move(*content);
}

Payload payload_from(const Submission& wanted) {
    const bool reads_input =
        !wanted.payload && wanted.arguments.empty() && !runtime::is_terminal(STDIN_FILENO);
    if (!wanted.payload && !reads_input) {
        const auto payload = payload_of_arguments(wanted.arguments);
        if (!payload) {
            throw UsageError{payload.error().detail};
        }
        return *payload;
    }
    Payload payload{octets_from(wanted.payload.value_or("-")),
                    wanted.content_type == "json" ? ContentType::json : ContentType::octets};
    if (payload.type == ContentType::json && !Json::accept(payload.octets)) {
        throw UsageError{"the payload is not JSON, as --content-type says"};
    }
    return payload;
}

NewTask task_from(const Submission& wanted) {
    NewTask task{.kind = wanted.kind, .options = wanted.options};
    if (!wanted.not_before.empty()) {
        task.options.not_before = parse_utc(wanted.not_before);
        if (!task.options.not_before) {
            throw UsageError{"--not-before is an instant such as 2026-01-02T03:04:05Z"};
        }
    }
    if (!wanted.deadline.empty() && !set_deadline(wanted.deadline, task.options)) {
        throw UsageError{
            "--deadline is a duration from acceptance such as 10m, longer than 0s, or an instant "
            "such as 2026-01-02T03:04:05Z"};
    }
    if (!wanted.id.empty()) {
        task.id = parse_task_id(wanted.id);
        if (!task.id) {
            throw UsageError{"--id is a UUID such as 0190163d-8694-739b-aea5-966c26f8ad91"};
        }
    }
    return task;
}

std::string_view state_of(const Submitted& submitted) {
    return submitted.existed ? "existed" : "submitted";
}

// What the broker knows of the task now: all, or how it ended, or that it was accepted.
Json json_of_submitted(Client& client, const Submitted& submitted, const Patience& patience) {
    if (const auto info = client.query(submitted.id)) {
        return json_of(*info);
    }
    if (const auto outcome =
            client.wait(submitted.id, patience.left().value_or(answer_time_default))) {
        return json_of(*outcome);
    }
    return json_of_known(submitted.number, submitted.id, state_of(submitted));
}

// Without an answer the task may be there all the same, by this id.
int print_refused(const Options& options, const TaskId& id, const Error& error) {
    if (options.json) {
        const bool is_unknown = error.code == ErrorCode::timed_out;
        std::cout << text_of(json_of_known(0, is_unknown ? std::optional(id) : std::nullopt,
                                           is_unknown ? "unknown" : "refused", json_of(error)))
                  << "\n";
    }
    return fail(options, error);
}

// In one request, because a queue that keeps nothing has forgotten the task before another comes.
int submit_and_wait(Client& client, const Options& options, NewTask task,
                    const Patience& patience) {
    struct Call {
        std::promise<Result<Submitted>> submitted;
        std::promise<Result<Outcome>> ended;
    };
    const auto call = std::make_shared<Call>();
    const TaskId id = *task.id;
    std::vector<NewTask> tasks;
    tasks.push_back(std::move(task));
    client.submit_batch(
        std::move(tasks),
        {.on_submitted =
             [call](std::size_t, const Result<Submitted>& submitted) {
                 call->submitted.set_value(submitted);
             },
         .on_outcome = [call](std::size_t,
                              const Result<Outcome>& ended) { call->ended.set_value(ended); }});
    const auto submitted = call->submitted.get_future().get();
    if (!submitted) {
        return print_refused(options, id, submitted.error());
    }
    auto ended = call->ended.get_future();
    const auto left = patience.left();
    Result<Outcome> outcome = Error{ErrorCode::timed_out, "the task has not ended in time", ""};
    if (!left || ended.wait_for(*left) == std::future_status::ready) {
        outcome = ended.get();
    }
    return print_awaited(client, options,
                         {.number = submitted->number,
                          .id = id,
                          .known = json_of_known(submitted->number, id, state_of(*submitted))},
                         outcome);
}

int submit_one(const Options& options, const Submission& wanted) {
    if (!wanted.content_type.empty() && !wanted.arguments.empty()) {
        throw UsageError{"arguments are JSON: --content-type goes with --payload"};
    }
    if (wanted.payload && !wanted.arguments.empty()) {
        throw UsageError{"give either arguments or --payload"};
    }
    NewTask task = task_from(wanted);
    const TaskId id = task.id.value_or(new_task_id());
    task.id = id;
    task.payload = payload_from(wanted);
    const Patience patience(options);
    Client client(client_options(options));
    if (wanted.wait) {
        return submit_and_wait(client, options, std::move(task), patience);
    }
    const auto submitted = client.submit(std::move(task));
    if (!submitted) {
        return print_refused(options, id, submitted.error());
    }
    if (!options.json) {
        std::cout << submitted->number << "\n";
        return runtime::exit_done;
    }
    std::cout << text_of(json_of_submitted(client, *submitted, patience)) << "\n";
    return runtime::exit_done;
}

int submit_many(const Options& options, const Submission& wanted) {
    if (wanted.payload || !wanted.kind.empty() || !wanted.id.empty()) {
        throw UsageError{"with --batch, kind, payload and id stand in the file"};
    }
    const BatchWish wish{.defaults = task_from(wanted), .wait = wanted.wait};
    if (wanted.batch == "-") {
        return submit_batch(options, wish, std::cin);
    }
    std::ifstream file(wanted.batch, std::ios::binary);
    if (!file) {
        throw UsageError{"cannot read " + wanted.batch};
    }
    return submit_batch(options, wish, file);
}

int submit(const Options& options, Submission wanted) {
    for (std::string& argument : wanted.arguments) {
        argument = unmarked(std::move(argument));
    }
    if (wanted.payload) {
        wanted.payload = unmarked(std::move(*wanted.payload));
    }
    if (!wanted.batch.empty()) {
        return submit_many(options, wanted);
    }
    if (wanted.kind.empty()) {
        throw UsageError{"say what kind of task: xebec-client submit KIND [ARGUMENT…]"};
    }
    return submit_one(options, wanted);
}

void add_task_options(CLI::App& app, Submission& wanted) {
    TaskOptions& task = wanted.options;
    app.add_option("--queue", task.queue, "the line to stand in")
        ->capture_default_str()
        ->check(must_be_queue());
    app.add_option("--priority", task.priority, "0 to 9, 9 first")
        ->capture_default_str()
        ->check(CLI::Range(0, priority_max));
    runtime::add_duration(app, "--delay", task.delay, "not before this long after acceptance")
        ->check(must_be_short());
    app.add_option("--not-before", wanted.not_before, "not before this instant (RFC 3339)");
    app.add_option("--deadline", wanted.deadline,
                   "give up then: a duration from acceptance, or an instant (RFC 3339)");
    app.add_option("--attempts", task.attempts, "most attempts; else the queue's")
        ->check(CLI::Range(1U, attempts_limit));
    runtime::add_duration(app, "--run-max", task.run_max,
                          "the longest an attempt may last; else the queue's")
        ->check(must_be_positive("a run limit"))
        ->check(must_be_short());
}

}  // namespace

void add_submit(CLI::App& app, const Options& options, Command& command) {
    auto wanted = std::make_shared<Submission>();
    CLI::App* sub = app.add_subcommand("submit", "submit a task, or a file of tasks");
    sub->add_option("kind", wanted->kind, "what is to be done")->check(must_be_kind());
    sub->add_option("arguments", wanted->arguments,
                    "become a JSON array: numbers, arrays and objects stay what they are, "
                    "everything else is a string");
    sub->add_option("--payload", wanted->payload,
                    "instead of arguments: a text, @FILE, or - for standard input");
    sub->add_option("--content-type", wanted->content_type, "of the payload: octets or json")
        ->check(CLI::IsMember({"octets", "json"}));
    sub->add_option("--batch", wanted->batch,
                    "a file with a JSON object on each line, or - for standard input; what a line "
                    "does not say is as the flags say");
    add_task_options(*sub, *wanted);
    sub->add_option("--id", wanted->id, "a UUID; submitting it again makes no second task");
    sub->add_flag("--wait", wanted->wait, "wait for the end, and print the result");
    sub->footer(
        "Without arguments, --payload and --batch, standard input is the payload unless it is a "
        "terminal.\nA line of a batch: {\"kind\":\"add\",\"args\":[2,3],\"queue\":\"nightly\"}; "
        "keys: kind, args, payload,\npayload_base64, queue, priority, delay, deadline, attempts, "
        "run_max, id.\n\nExamples:\n  xebec-client submit add 2 3 --wait\n"
        "  xebec-client submit report --payload @q3.json --queue nightly --delay 10m\n"
        "  xebec-client submit --batch tasks.jsonl --wait");
    sub->callback([&options, &command, wanted] {
        command = [&options, wanted] { return submit(options, *wanted); };
    });
}

}  // namespace xebec::client

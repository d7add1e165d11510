#include "client/commands/batch.h"

#include "client/batch_line.h"
#include "client/json.h"
#include "client/payload.h"
#include "client/submitter.h"
#include "client/task_text.h"
#include "protocol/names.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"
#include "runtime/exit_status.h"
#include "runtime/sockets.h"
#include "runtime/terminal.h"
#include "runtime/wakeup.h"

#include <iostream>
#include <map>
#include <memory>
#include <utility>
#include <variant>

namespace xebec::client {

namespace {

constexpr std::size_t chunk_tasks = 512;         // handed to the library at a time
constexpr std::size_t chunk_octets = 4 << 20;    // of payload
constexpr std::uint64_t unanswered_max = 8'192;  // submitted, not yet answered
constexpr std::uint64_t waited_max = 100'000;    // accepted, not yet ended
constexpr std::size_t line_octets_max = 64 << 20;
constexpr milliseconds progress_interval{200};

// What happened to the task of one line; told by the library's thread.
struct Note {
    std::uint64_t line = 0;
    Submitted task;  // as far as it is known
    std::variant<Submitted, Outcome, Error> what;
    bool is_submit = false;  // the answer to the submit; else the end
};

struct Chunk {
    std::vector<NewTask> tasks;
    std::vector<std::uint64_t> lines;
    std::vector<TaskId> ids;
    std::vector<Submitted> accepted;
    std::vector<bool> is_refused;
    std::size_t octets = 0;
};

// One JSON array, an object at a time.
class JsonArray {
public:
    void add(const Json& object) {
        std::cout << (std::exchange(is_empty_, false) ? "[\n" : ",\n") << line_of(object);
    }
    void end() { std::cout << (is_empty_ ? "[]\n" : "\n]\n"); }

private:
    bool is_empty_ = true;
};

class Batch {
public:
    Batch(const Options& options, const BatchWish& wish)
        : options_(options),
          wish_(wish),
          patience_(options),
          shows_progress_(runtime::is_terminal(STDERR_FILENO) &&
                          !(options.json && runtime::is_terminal(STDOUT_FILENO))),
          client_(client_options(options)) {
        poller_.add(notes_.descriptor());
    }

    int run(std::istream& in);

private:
    void take_line(const std::string& line, bool is_cut);
    void report_unfinished(std::istream& in);
    void complain_of_unfinished(std::istream& in);
    void flush();
    void send(const std::shared_ptr<Chunk>& chunk);
    bool is_full() const;
    void wait_for_notes();
    void take_notes();
    void take(const Note& note);
    void take_submit(const Note& note);
    void take_outcome(const Note& note);
    void report_failure(const Note& note, std::string_view state, const Error& error);
    void report(const Note& note, std::string_view state, const Payload* result, const Json& error);
    void show_progress(bool at_the_end = false);
    std::string summary() const;
    int exit_code() const;

    const Options& options_;
    const BatchWish& wish_;
    const Patience patience_;
    const bool shows_progress_;

    std::uint64_t line_ = 0;
    std::shared_ptr<Chunk> chunk_ = std::make_shared<Chunk>();
    std::uint64_t unanswered_ = 0;
    std::uint64_t waited_ = 0;
    std::uint64_t submitted_ = 0;
    std::uint64_t refused_ = 0;  // with bad lines
    std::uint64_t lost_ = 0;     // no answer
    std::uint64_t succeeded_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t gone_ = 0;                      // succeeded, but the result is gone or damaged
    std::map<std::uint64_t, Submitted> pending_;  // by line: not answered or not ended; for JSON
    bool is_over_ = false;                        // the broker does not answer, or the time is up
    JsonArray array_;
    Instant progress_at_{};

    runtime::Poller poller_;
    runtime::Mailbox<Note> notes_;
    Client client_;  // last: its thread writes the notes
};

int Batch::run(std::istream& in) {
    std::string line;
    bool is_cut = false;
    while (!is_over_ && read_line(in, line, line_octets_max, is_cut)) {
        take_line(line, is_cut);
        // Whoever writes slowly into a pipe does not wait for a full chunk.
        if (in.rdbuf()->in_avail() <= 0 || chunk_->tasks.size() >= chunk_tasks ||
            chunk_->octets >= chunk_octets) {
            flush();
        }
    }
    flush();
    while (!is_over_ && unanswered_ + waited_ > 0) {
        wait_for_notes();
    }
    take_notes();
    show_progress(true);
    lost_ += unanswered_;
    if (options_.json) {
        report_unfinished(in);
        array_.end();
    } else {
        std::cout << summary() << "\n";
    }
    complain_of_unfinished(in);
    return exit_code();
}

// The lines that nobody has heard of yet, so that each line of the file is in the array.
void Batch::report_unfinished(std::istream& in) {
    for (const auto& [line, task] : pending_) {
        const bool is_accepted = task.number != 0;
        report({.line = line, .task = task},
               !is_accepted   ? "unknown"
               : task.existed ? "existed"
                              : "submitted",
               nullptr, is_accepted ? Json() : json_of(unanswered()));
    }
    std::string line;
    bool is_cut = false;
    // Whoever is still writing into a pipe is not waited for.
    while (is_over_ && in.rdbuf()->in_avail() > 0 && read_line(in, line, line_octets_max, is_cut)) {
        take_line(line, is_cut);
    }
    const Error unsent{.code = ErrorCode::timed_out,
                       .detail = "the time was up before the task was submitted",
                       .is_unsent = true};
    for (std::size_t i = 0; i < chunk_->lines.size(); ++i) {
        report({.line = chunk_->lines[i], .task = {.id = chunk_->ids[i]}}, "unknown", nullptr,
               json_of(unsent));
    }
}

void Batch::complain_of_unfinished(std::istream& in) {
    if (lost_ > 0) {
        fail(options_, {ErrorCode::timed_out, "no answer from the broker in time", ""});
    }
    if (waited_ > 0) {
        complain(std::to_string(waited_) + (waited_ == 1 ? " task has" : " tasks have") +
                 " not ended within " + format_duration(answer_time_given(options_)));
    }
    if (!chunk_->lines.empty() || (is_over_ && in.rdbuf()->in_avail() > 0)) {
        const std::uint64_t first = chunk_->lines.empty() ? line_ + 1 : chunk_->lines.front();
        complain("the lines from " + std::to_string(first) + " on were not submitted");
    }
}

void Batch::take_line(const std::string& line, bool is_cut) {
    ++line_;
    if (is_cut) {
        report_failure({.line = line_}, "refused",
                       {ErrorCode::malformed, "the line is over 64 MiB", ""});
        ++refused_;
        return;
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
        return;
    }
    auto task = parse_batch_line(line, wish_.defaults);
    if (!task) {
        report_failure({.line = line_}, "refused", task.error());
        ++refused_;
        return;
    }
    if (!task->id) {
        task->id = new_task_id();
    }
    chunk_->octets += task->payload.octets.size();
    chunk_->ids.push_back(*task->id);
    chunk_->tasks.push_back(std::move(*task));
    chunk_->lines.push_back(line_);
}

void Batch::flush() {
    if (!chunk_->tasks.empty() && !is_over_) {
        while (!is_over_ && is_full()) {
            wait_for_notes();
        }
        if (!is_over_) {
            send(std::exchange(chunk_, std::make_shared<Chunk>()));
        }
    }
    take_notes();
}

void Batch::send(const std::shared_ptr<Chunk>& chunk) {
    const std::size_t count = chunk->tasks.size();
    unanswered_ += count;
    chunk->accepted.resize(count);
    chunk->is_refused.resize(count);
    for (std::size_t i = 0; options_.json && i < count; ++i) {
        pending_[chunk->lines[i]] = {.id = chunk->ids[i]};
    }
    BatchEvents events;
    events.on_submitted = [this, chunk](std::size_t index, Result<Submitted> result) {
        Note note{.line = chunk->lines[index], .is_submit = true};
        if (result) {
            chunk->accepted[index] = note.task = *result;
            note.what = *result;
        } else {
            chunk->is_refused[index] = true;
            if (result.error().code == ErrorCode::timed_out) {
                note.task.id = chunk->ids[index];  // it may be there
            }
            note.what = result.error();
        }
        notes_.put(std::move(note));
    };
    if (wish_.wait) {
        events.on_outcome = [this, chunk](std::size_t index, Result<Outcome> result) {
            if (chunk->is_refused[index]) {
                return;  // said already
            }
            Note note{.line = chunk->lines[index], .task = chunk->accepted[index]};
            if (result) {
                note.what = std::move(*result);
            } else {
                note.what = result.error();
            }
            notes_.put(std::move(note));
        };
    }
    client_.submit_batch(std::move(chunk->tasks), std::move(events));
}

bool Batch::is_full() const {
    return unanswered_ >= unanswered_max || waited_ >= waited_max;
}

void Batch::wait_for_notes() {
    const Instant now = runtime::now().steady;
    const auto left = patience_.left();
    Instant until = now + (shows_progress_ ? progress_interval : milliseconds{3'600'000});
    if (left) {
        until = std::min(until, now + *left);
    }
    poller_.wait_until(until);
    take_notes();
    if (left && *left <= milliseconds{1} && unanswered_ + waited_ > 0) {
        is_over_ = true;
    }
}

void Batch::take_notes() {
    for (const Note& note : notes_.take()) {
        take(note);
    }
    show_progress();
}

void Batch::take(const Note& note) {
    note.is_submit ? take_submit(note) : take_outcome(note);
}

void Batch::take_submit(const Note& note) {
    --unanswered_;
    pending_.erase(note.line);
    if (const auto* error = std::get_if<Error>(&note.what)) {
        if (error->code == ErrorCode::timed_out) {
            ++lost_;
            is_over_ = true;  // the rest of the file would meet the same silence
            if (options_.json) {
                report_failure(note, "unknown", *error);
            }
        } else {
            ++refused_;
            report_failure(note, "refused", *error);
        }
        return;
    }
    ++submitted_;
    if (wish_.wait) {
        ++waited_;
        if (options_.json) {
            pending_[note.line] = note.task;
        }
    } else if (options_.json) {
        report(note, note.task.existed ? "existed" : "submitted", nullptr, Json());
    }
}

void Batch::take_outcome(const Note& note) {
    --waited_;
    pending_.erase(note.line);
    if (const auto* error = std::get_if<Error>(&note.what)) {
        ++failed_;
        report_failure(note, "unknown", *error);
        return;
    }
    const auto& outcome = std::get<Outcome>(note.what);
    const bool succeeded = outcome.state == TaskState::succeeded;
    const bool has_result = client::has_result(outcome);
    succeeded_ += has_result ? 1 : 0;
    gone_ += succeeded && !has_result ? 1 : 0;
    failed_ += succeeded ? 0 : 1;
    if (options_.json) {
        report(note, to_string(outcome.state), has_result ? &outcome.result : nullptr,
               json_of(outcome)["error"]);
    } else if (!has_result) {
        show_progress(true);
        complain("line " + std::to_string(note.line) + ": " + sentence_of(outcome));
    }
}

void Batch::report_failure(const Note& note, std::string_view state, const Error& error) {
    if (options_.json) {
        report(note, state, nullptr, json_of(error));
        return;
    }
    show_progress(true);
    std::string text = "line " + std::to_string(note.line) + ": ";
    if (note.task.number != 0) {
        text += "task " + std::to_string(note.task.number) + " is " + std::string(state) + ": ";
    }
    complain(text + error.detail + (error.name.empty() ? "" : " (" + error.name + ")"));
}

void Batch::report(const Note& note, std::string_view state, const Payload* result,
                   const Json& error) {
    const Submitted& task = note.task;
    Json object{{"line", note.line},
                {"number", task.number != 0 ? Json(task.number) : Json()},
                {"id", task.id != TaskId{} ? Json(to_string(task.id)) : Json()},
                {"state", state}};
    if (result != nullptr) {
        add_result(object, *result);
    }
    if (result == nullptr) {
        object["error"] = error;
    }
    array_.add(object);
}

// One line of a terminal, written over and over; at the end it is wiped.
void Batch::show_progress(bool at_the_end) {
    const Instant now = runtime::now().steady;
    if (!shows_progress_ || (!at_the_end && now < progress_at_ + progress_interval)) {
        return;
    }
    std::cerr << "\r\x1b[K" << (at_the_end ? "" : summary()) << std::flush;
    progress_at_ = at_the_end ? Instant{} : now;
}

std::string Batch::summary() const {
    std::string text = "submitted " + std::to_string(submitted_) +
                       (submitted_ == 1 ? " task, " : " tasks, ") + std::to_string(refused_) +
                       " refused";
    if (lost_ > 0) {
        text += ", " + std::to_string(lost_) + " without an answer";
    }
    if (wish_.wait) {
        text += "; " + std::to_string(succeeded_) + " succeeded, " + std::to_string(failed_) +
                " failed";
        text += gone_ > 0 ? ", " + std::to_string(gone_) + " with the result gone" : "";
    }
    return text;
}

int Batch::exit_code() const {
    if (is_over_ || lost_ + waited_ > 0) {
        return runtime::exit_no_answer;
    }
    return refused_ + failed_ + gone_ > 0 ? runtime::exit_failed : runtime::exit_done;
}

}  // namespace

int submit_batch(const Options& options, const BatchWish& wish, std::istream& in) {
    return Batch(options, wish).run(in);
}

bool read_line(std::istream& in, std::string& line, std::size_t octets_max, bool& is_cut) {
    line.clear();
    is_cut = false;
    std::streambuf& buffer = *in.rdbuf();
    constexpr int end = std::char_traits<char>::eof();
    int next = buffer.sbumpc();
    if (next == end) {
        return false;
    }
    for (; next != end && next != '\n'; next = buffer.sbumpc()) {
        is_cut = is_cut || line.size() >= octets_max;
        if (!is_cut) {
            line += static_cast<char>(next);
        }
    }
    return true;
}

}  // namespace xebec::client

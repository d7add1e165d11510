#include "worker/command_handler.h"

#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/process.h"
#include "runtime/wakeup.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace xebec::worker {

namespace {

constexpr int status_useless = 65;  // EX_DATAERR of sysexits.h: the input is wrong
constexpr std::size_t tail_octets_max = 2048;
constexpr int reads_per_turn = 16;

std::vector<std::string> environment_of(const TaskContext& context) {
    return {"XEBEC_TASK_ID=" + to_string(context.id()),
            "XEBEC_TASK_NUMBER=" + std::to_string(context.number()),
            "XEBEC_TASK_ATTEMPT=" + std::to_string(context.attempt()),
            "XEBEC_TASK_FENCE=" + std::to_string(context.fence()),
            "XEBEC_TASK_QUEUE=" + std::string(context.queue())};
}

// The last octets of a stream, without the line end.
class Tail {
public:
    void append(std::string_view octets) {
        text_ += octets;
        if (text_.size() > 2 * tail_octets_max) {
            text_.erase(0, text_.size() - tail_octets_max);
        }
    }

    std::string text() const {
        std::string_view view = text_;
        while (!view.empty() && (view.back() == '\n' || view.back() == '\r')) {
            view.remove_suffix(1);
        }
        view.remove_prefix(view.size() - std::min(view.size(), tail_octets_max));
        return std::string(view);
    }

private:
    std::string text_;
};

// Notes the group for as long as the program runs.
class GroupNote {
public:
    GroupNote(TaskBoard* board, pid_t group) : board_(board) { note(group); }
    ~GroupNote() { clear(); }
    GroupNote(const GroupNote&) = delete;
    GroupNote& operator=(const GroupNote&) = delete;

    void clear() { note(0); }

private:
    void note(pid_t group) {
        if (board_ != nullptr) {
            board_->note_group(group);
        }
    }

    TaskBoard* board_;
};

// One run of one program: feeds it, reads it, stops it, and says how it went.
class CommandRun {
public:
    CommandRun(runtime::Process process, const TaskContext& context, TaskBoard* board,
               const CommandLimits& limits)
        : process_(std::move(process)),
          note_(board, process_.id()),
          input_(context.payload()),
          limits_(limits) {}

    HandlerResult run(const std::stop_token& stop) {
        const std::stop_callback on_stop(stop, [this] { wakeup_.signal(); });
        while (!is_over()) {
            wait();
            feed();
            read(process_.output, [this](std::string_view octets) { take_output(octets); });
            read(process_.errors, [this](std::string_view octets) { tail_.append(octets); });
            end_in_time(stop.stop_requested());
        }
        return result();
    }

private:
    bool is_over() const {
        const bool is_drained = !process_.output.is_open() && !process_.errors.is_open();
        return status_ && (is_drained || runtime::now().steady >= drain_ends_);
    }

    void wait() {
        runtime::DescriptorWait waiting;
        waiting.add_writable(process_.input.number());
        waiting.add_readable(process_.output.number());
        waiting.add_readable(process_.errors.number());
        exit_index_ = waiting.add_readable(status_ ? -1 : process_.exit_descriptor());
        waiting.add_readable(kill_at_ ? -1 : wakeup_.descriptor());
        std::optional<Instant> deadline = status_ ? std::optional(drain_ends_) : kill_at_;
        waiting.wait_until(deadline);
        has_exited_ = waiting.is_ready(exit_index_);
    }

    void feed() {
        while (process_.input.is_open()) {
            const ssize_t written =
                input_.empty() ? 0 : write(process_.input.number(), input_.data(), input_.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written < 0 && errno == EAGAIN) {
                return;
            }
            // A program need not read all of its input: then the pipe is broken, and that is all.
            input_.remove_prefix(written < 0 ? input_.size() : static_cast<std::size_t>(written));
            if (input_.empty()) {
                process_.input.close();
            }
        }
    }

    template <class Take>
    void read(runtime::Descriptor& stream, Take take) {
        std::array<char, 16'384>
            buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
        // A stream without end must not keep the stop waiting.
        for (int i = 0; i < reads_per_turn && stream.is_open(); ++i) {
            const ssize_t got = ::read(stream.number(), buffer.data(), buffer.size());
            if (got > 0) {
                take(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
            } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
                stream.close();
            } else if (errno == EAGAIN) {
                return;
            }
        }
    }

    void take_output(std::string_view octets) {
        if (is_too_large_) {
            return;
        }
        output_ += octets;
        if (output_.size() > limits_.result_octets_max) {
            is_too_large_ = true;
            output_.clear();
            kill_group();
        }
    }

    void end_in_time(bool is_stop_requested) {
        const Instant now = runtime::now().steady;
        if (!status_ && has_exited_) {
            note_.clear();  // once it is reaped, the group's number can be another's
            status_ = process_.reap();
            drain_ends_ = now + limits_.drain_max;
            process_.input.close();
            return;
        }
        if (!status_ && is_stop_requested && !kill_at_) {
            process_.signal_group(SIGTERM);
            kill_at_ = now + limits_.stop_max;
        } else if (!status_ && kill_at_ && *kill_at_ <= now) {
            kill_group();
        }
    }

    void kill_group() {
        if (!status_) {
            process_.signal_group(SIGKILL);
            kill_at_ = Instant::max();
        }
    }

    HandlerResult result() {
        if (is_too_large_) {
            return Failure{.error_class = "too_large",
                           .text = "its output is over the limit of " +
                                   std::to_string(limits_.result_octets_max) + " octets",
                           .useless = true};
        }
        if (status_->is_success()) {
            return Payload{.octets = std::move(output_), .type = ContentType::octets};
        }
        const std::string tail = tail_.text();
        return Failure{.error_class = status_->signal != 0 ? "signal" : "exit_status",
                       .text = to_string(*status_) + (tail.empty() ? "" : ": " + tail),
                       .useless = status_->signal == 0 && status_->code == status_useless};
    }

    runtime::Process process_;
    GroupNote note_;
    std::string_view input_;
    CommandLimits limits_;
    runtime::Wakeup wakeup_;
    std::string output_;
    Tail tail_;
    bool is_too_large_ = false;
    std::size_t exit_index_ = 0;
    bool has_exited_ = false;
    std::optional<runtime::ExitStatus> status_;  // reaped
    Instant drain_ends_ = Instant::max();
    std::optional<Instant> kill_at_;  // the group was asked to end
};

}  // namespace

Handler command_handler(std::vector<std::string> arguments, TaskBoard* board,
                        CommandLimits limits) {
    // A program that ends before it has read its input must not end this one.
    runtime::ignore_signal(SIGPIPE);
    return [arguments = std::move(arguments), board, limits](TaskContext& context) {
        auto process = runtime::Process::spawn({arguments, environment_of(context)});
        if (!process) {
            return HandlerResult(
                Failure{.error_class = "cannot_run", .text = process.error().detail});
        }
        return CommandRun(std::move(*process), context, board, limits).run(context.stop_token());
    };
}

}  // namespace xebec::worker

#include "worker/process.h"

#include "protocol/names.h"
#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/process.h"
#include "runtime/signals.h"
#include "runtime/wakeup.h"
#include "worker/builtin.h"
#include "worker/command_handler.h"

#include <xebec/worker.h>

#include <spdlog/spdlog.h>

#include <csignal>
#include <filesystem>
#include <stop_token>
#include <thread>
#include <utility>

namespace xebec::worker {

namespace {

// After the supervisor has gone, handlers get this long to return and the broker to hear of it.
constexpr milliseconds orphan_life_max{1'000};

// Notes on the board what runs, so that the supervisor can tell after a crash.
Handler noted(Handler handler, TaskBoard& board) {
    return [handler = std::move(handler), &board](TaskContext& context) {
        struct Note {
            TaskBoard& board;
            Note(TaskBoard& on, std::uint64_t number) : board(on) { board.note_task(number); }
            ~Note() { board.note_task(0); }
        };
        const Note note(board, context.number());
        return handler(context);
    };
}

// Each process rotates a file of its own: `worker.log` becomes `worker-2.log`.
runtime::LogOptions log_options_of(const Options& options, std::uint32_t index) {
    runtime::LogOptions log = options.log;
    if (!log.file.empty()) {
        const std::filesystem::path path(log.file);
        log.file = path.parent_path() /
                   (path.stem().string() + "-" + std::to_string(index) + path.extension().string());
    }
    return log;
}

// Turns signals into calls of the worker, on a thread of its own.
class SignalWatch {
public:
    SignalWatch(const runtime::Signals& signals, Worker& worker, const TaskBoard& board,
                pid_t supervisor)
        : signals_(signals),
          worker_(worker),
          board_(board),
          supervisor_(supervisor),
          thread_([this](const std::stop_token& stop) { watch(stop); }) {}

    ~SignalWatch() {
        thread_.request_stop();
        wakeup_.signal();
    }
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    void watch(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            runtime::DescriptorWait waiting;
            waiting.add_readable(signals_.descriptor());
            waiting.add_readable(wakeup_.descriptor());
            waiting.wait_until(orphan_ends_);
            if (orphan_ends_ && runtime::now().steady >= *orphan_ends_) {
                board_.kill_groups();
                runtime::exit_now(1);
            }
            while (signals_.take()) {
                leave();
            }
        }
    }

    void leave() {
        if (runtime::parent_id() != supervisor_) {
            spdlog::error("the supervisor is gone: stopping at once");
            orphan_ends_ = orphan_ends_.value_or(runtime::now().steady + orphan_life_max);
            worker_.stop();
        } else if (!std::exchange(is_leaving_, true)) {
            worker_.drain();
        } else {
            worker_.stop();
        }
    }

    const runtime::Signals& signals_;
    Worker& worker_;
    const TaskBoard& board_;
    pid_t supervisor_;
    bool is_leaving_ = false;
    std::optional<Instant> orphan_ends_;  // when commands are killed and this process ends
    runtime::Wakeup wakeup_;
    std::jthread thread_;  // last: it uses all of the above
};

void add_handlers(Worker& worker, const Options& options, TaskBoard& board) {
    if (options.has_builtins) {
        for (NamedHandler& builtin : builtin_handlers()) {
            worker.handle(std::move(builtin.kind), noted(std::move(builtin.handler), board));
        }
    }
    for (const RunOption& command : options.commands) {
        worker.handle(command.kind, noted(command_handler(command.arguments, &board), board));
    }
}

}  // namespace

std::string process_name(const Options& options, std::uint32_t index) {
    return options.name + "-" + std::to_string(index);
}

int run_worker_process(const Options& options, std::uint32_t index, TaskBoard& board,
                       pid_t supervisor) {
    const std::string name = process_name(options, index);
    // Ctrl-C reaches the whole foreground group; here only the supervisor's word counts.
    runtime::ignore_signal(SIGINT);
    const runtime::Signals signals({SIGTERM});
    runtime::start_log(name, log_options_of(options, index));
    Worker worker({.broker = options.broker,
                   .name = name,
                   .queues = options.queues,
                   .slots = options.slots,
                   .heartbeat = options.heartbeat,
                   .grace = options.grace,
                   .gpu_program = index == 1 ? "nvidia-smi" : ""});  // the others see the same
    add_handlers(worker, options, board);
    Result<void> result;
    {
        const SignalWatch watch(signals, worker, board, supervisor);
        result = worker.run();
    }
    if (!result) {
        spdlog::error("cannot work: {}", escape_controls(result.error().detail));
        return exit_refused;
    }
    spdlog::info("left");
    return 0;
}

}  // namespace xebec::worker

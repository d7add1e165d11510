#include "worker/supervisor.h"

#include "protocol/names.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/exit_status.h"
#include "runtime/sockets.h"
#include "worker/process.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>

namespace xebec::worker {

namespace {

// A draining worker stops its handlers and says good-bye after its grace.
constexpr milliseconds leave_extra{6'000};
constexpr milliseconds stop_max{2'000};

std::string join(const std::vector<std::uint64_t>& numbers) {
    std::string text;
    for (const std::uint64_t number : numbers) {
        text += (text.empty() ? "" : ", ") + std::to_string(number);
    }
    return text;
}

}  // namespace

Supervisor::Supervisor(const Options& options)
    : options_(options), signals_({SIGCHLD, SIGTERM, SIGINT}), own_id_(runtime::own_id()) {
    // The commands of a killed worker process come to us, and we end them.
    runtime::adopt_orphans();
    for (std::uint32_t index = 1; index <= options.count; ++index) {
        Child& child = children_.emplace_back();
        child.index = index;
        child.board = std::make_unique<TaskBoard>(options.slots);
    }
}

int Supervisor::run() {
    spdlog::info("starting {} worker processes with {} slots each, for the broker at {}",
                 options_.count, options_.slots, escape_controls(options_.broker));
    if (options_.is_network_allowed && !runtime::is_loopback(options_.broker)) {
        spdlog::warn(
            "--insecure-network: what goes to {} and back is neither encrypted nor "
            "authenticated",
            escape_controls(options_.broker));
    }
    for (Child& child : children_) {
        start(child);
    }
    while (has_children()) {
        step();
    }
    return is_refused_ ? runtime::exit_failed : runtime::exit_done;
}

void Supervisor::start(Child& child) {
    child.board->clear();
    child.restart_at.reset();
    child.started = runtime::now().steady;
    child.id = runtime::fork_child(SIGTERM, [this, &child] {
        return run_worker_process(options_, child.index, *child.board, own_id_);
    });
    spdlog::debug("worker {} is process {}", process_name(options_, child.index), child.id);
}

void Supervisor::step() {
    runtime::DescriptorWait waiting;
    waiting.add_readable(signals_.descriptor());
    waiting.wait_until(next_deadline());
    take_signals();
    take_exits();
    kill_if_late();
    start_due();
}

void Supervisor::take_signals() {
    while (const auto signal = signals_.take()) {
        if (*signal != SIGCHLD) {
            leave();
        }
    }
}

void Supervisor::leave() {
    const Instant now = runtime::now().steady;
    ++leave_requests_;
    is_leaving_ = true;
    if (leave_requests_ == 1) {
        spdlog::info("leaving: what runs may finish within {}", format_duration(options_.grace));
        kill_at_ = now + options_.grace + leave_extra;
    } else {
        spdlog::info("leaving at once");
        kill_at_ = std::min(kill_at_.value_or(Instant::max()), now + stop_max);
    }
    signal_all(SIGTERM);
    for (Child& child : children_) {
        child.restart_at.reset();
    }
}

// What one worker process was refused, all would be.
void Supervisor::give_up() {
    is_refused_ = true;
    is_leaving_ = true;
    kill_at_ = runtime::now().steady + options_.grace + leave_extra;
    signal_all(SIGTERM);
    for (Child& child : children_) {
        child.restart_at.reset();
    }
}

void Supervisor::take_exits() {
    while (const auto exited = runtime::find_exited_child()) {
        const auto found = std::find_if(children_.begin(), children_.end(),
                                        [&](const Child& child) { return child.id == exited->id; });
        if (found == children_.end()) {
            // A command whose worker process was killed: its group ends with it.
            runtime::signal_group(exited->id, SIGKILL);
        } else {
            found->board->kill_groups();
            take_exit(*found, exited->status);
        }
        runtime::reap_child(exited->id);
    }
}

void Supervisor::take_exit(Child& child, const runtime::ExitStatus& status) {
    if (is_leaving_ || status.is_success()) {
        spdlog::debug("process {} has left: {}", child.id, to_string(status));
        child.id = 0;
        return;
    }
    if (status == runtime::ExitStatus{.code = exit_refused}) {
        child.id = 0;
        give_up();
        return;
    }
    const Instant now = runtime::now().steady;
    const Duration pause = child.pauses.after(now - child.started);
    report_crash(child, status, pause);
    child.id = 0;
    child.restart_at = now + pause;
}

void Supervisor::report_crash(const Child& child, const runtime::ExitStatus& status,
                              Duration pause) const {
    const std::vector<std::uint64_t> running = child.board->running();
    const std::uint64_t latest = child.board->latest();
    const std::string tasks = !running.empty() ? "while it ran task " + join(running)
                              : latest != 0    ? "after task " + std::to_string(latest)
                                               : "before any task";
    spdlog::error("worker {} (process {}) ended, {}, {}; the next one starts in {}",
                  process_name(options_, child.index), child.id, to_string(status), tasks,
                  format_duration(std::chrono::duration_cast<std::chrono::microseconds>(pause)));
}

void Supervisor::start_due() {
    for (Child& child : children_) {
        if (child.restart_at && *child.restart_at <= runtime::now().steady) {
            start(child);
        }
    }
}

void Supervisor::kill_if_late() {
    if (kill_at_ && *kill_at_ <= runtime::now().steady) {
        spdlog::warn("worker processes did not leave in time and are killed");
        signal_all(SIGKILL);
        kill_at_.reset();
    }
}

void Supervisor::signal_all(int signal) const {
    for (const Child& child : children_) {
        if (child.id != 0) {
            runtime::signal_process(child.id, signal);
        }
    }
}

bool Supervisor::has_children() const {
    return std::any_of(children_.begin(), children_.end(),
                       [](const Child& child) { return child.id != 0 || child.restart_at; });
}

std::optional<Instant> Supervisor::next_deadline() const {
    Instant next = kill_at_.value_or(Instant::max());
    for (const Child& child : children_) {
        next = std::min(next, child.restart_at.value_or(Instant::max()));
    }
    return next == Instant::max() ? std::nullopt : std::optional(next);
}

}  // namespace xebec::worker

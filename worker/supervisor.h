#pragma once
// Keeps a number of worker processes alive: starts them, replaces those that crash, passes on the
// word to leave, and lets nothing they started survive them. It has one thread and no ZeroMQ
// context, so that it can fork at any time.

#include "protocol/time.h"
#include "runtime/process.h"
#include "runtime/signals.h"
#include "worker/options.h"
#include "worker/restart.h"
#include "worker/task_board.h"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace xebec::worker {

class Supervisor {
public:
    explicit Supervisor(const Options& options);

    // Until all worker processes have left. Returns the program's exit status.
    int run();

private:
    struct Child {
        std::uint32_t index = 0;  // from 1
        pid_t id = 0;             // 0: none runs
        Instant started{};
        std::optional<Instant> restart_at;
        RestartPauses pauses;
        std::unique_ptr<TaskBoard> board;
    };

    void start(Child& child);
    void step();
    void start_due();
    void take_signals();
    void leave();
    void give_up();
    void take_exits();
    void take_exit(Child& child, const runtime::ExitStatus& status);
    void report_crash(const Child& child, const runtime::ExitStatus& status, Duration pause) const;
    void signal_all(int signal) const;
    void kill_if_late();
    bool has_children() const;
    std::optional<Instant> next_deadline() const;

    const Options& options_;
    runtime::Signals signals_;
    pid_t own_id_;
    std::vector<Child> children_;
    int leave_requests_ = 0;
    bool is_leaving_ = false;
    bool is_refused_ = false;
    std::optional<Instant> kill_at_;  // of those that have not left by then
};

}  // namespace xebec::worker

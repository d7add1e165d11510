#pragma once
// Other processes: programs run through pipes in a process group of their own, forked copies of
// this program, what ended them, and memory shared with them. Everything started here ends with the
// thread that started it, even if that is killed.

#include "runtime/descriptors.h"

#include <xebec/result.h>

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::runtime {

// How a process ended: by itself with a code, or by a signal.
struct ExitStatus {
    int code = 0;
    int signal = 0;  // 0: it ended by itself

    bool is_success() const { return code == 0 && signal == 0; }
    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// "exit status 3", "killed by SIGSEGV (signal 11)".
std::string to_string(const ExitStatus& status);

// SIGTERM for 15; "signal 77" for what has no name.
std::string signal_name(int signal);

// The path of an executable file: `name` itself if it has a slash, else the first of PATH.
Result<std::string> find_program(std::string_view name);

struct Command {
    std::vector<std::string> arguments;    // the program first, as find_program takes it
    std::vector<std::string> environment;  // NAME=value, besides what this process has
};

// A program that runs. It leads a process group; its three standard streams are pipes, and ours are
// their other ends, which do not block. One thread may use it.
class Process {
public:
    // No shell is involved. The error says why the program could not be executed.
    static Result<Process> spawn(const Command& command);

    // Kills the group if the program has not been reaped.
    ~Process();
    Process(Process&&) noexcept;
    Process& operator=(Process&&) = delete;

    pid_t id() const { return id_; }

    Descriptor input;   // what is written here is its standard input
    Descriptor output;  // its standard output
    Descriptor errors;  // its standard error

    // Readable once the program has ended.
    int exit_descriptor() const { return exit_.number(); }

    void signal_group(int signal) const;

    // Waits for the end, kills what is left of the group, and gives the program's own status.
    ExitStatus reap();

private:
    Process(pid_t id, Descriptor exit) : id_(id), exit_(std::move(exit)) {}

    pid_t id_ = -1;  // -1: reaped
    Descriptor exit_;
};

// ---- forked copies of this program ----

// Runs `body` in a copy of this process and leaves with what it returns. The copy gets
// `death_signal` when this thread ends. Call it while there is one thread and no ZeroMQ context.
// Throws std::system_error.
pid_t fork_child(int death_signal, const std::function<int()>& body);

// Orphaned descendants become this process's children instead of init's.
void adopt_orphans();

struct ExitedChild {
    pid_t id = 0;
    ExitStatus status;
};

// A child that has ended and is not yet reaped: its id, and its group's, are not used again before.
std::optional<ExitedChild> find_exited_child();
void reap_child(pid_t id);

void signal_process(pid_t id, int signal);
void signal_group(pid_t group, int signal);

pid_t parent_id();
pid_t own_id();
std::string host_name();

// Ignores a signal for good, in programs executed later too unless they reset it.
void ignore_signal(int signal);

// Others go first where processors are short, by so much (nice): beside one that is busy it gets a
// tenth of a processor at 10, a hundredth at 19. To be called before there are other threads.
void let_others_go_first(int by);

// Leaves at once: no destructor runs.
[[noreturn]] void exit_now(int status);

// Zeroed memory that forked copies see as well.
class SharedMemory {
public:
    explicit SharedMemory(std::size_t octets);  // throws std::system_error
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    void* data() const { return data_; }

private:
    void* data_;
    std::size_t octets_;
};

}  // namespace xebec::runtime

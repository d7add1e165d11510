#include "runtime/process.h"

#include "protocol/check.h"
#include "runtime/signals.h"

#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace xebec::runtime {

namespace {

std::system_error system_error(const char* action) {
    return {errno, std::generic_category(), action};
}

Error cannot(const std::string& action, int error) {
    return {ErrorCode::unavailable, "cannot " + action + ": " + std::strerror(error), ""};
}

struct Pipe {
    Descriptor read;
    Descriptor write;
};

// Both ends are above the standard streams, so that a child can put them there one by one.
std::optional<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return std::nullopt;
    }
    Pipe made{Descriptor(ends[0]), Descriptor(ends[1])};
    for (Descriptor* end : {&made.read, &made.write}) {
        if (end->number() <= STDERR_FILENO) {
            *end = Descriptor(fcntl(end->number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        }
    }
    if (!made.read.is_open() || !made.write.is_open()) {
        return std::nullopt;
    }
    return made;
}

void set_nonblocking(const Descriptor& descriptor) {
    fcntl(descriptor.number(), F_SETFL, fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
}

// Pointers as execve takes them, to strings that outlive the call.
std::vector<char*> to_pointers(const std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (const std::string& string : strings) {
        pointers.push_back(const_cast<char*>(string.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& additions) {
    std::vector<std::string> all = additions;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::string_view name = text.substr(0, text.find('=') + 1);
        bool is_replaced = false;
        for (const std::string& addition : additions) {
            is_replaced = is_replaced || addition.starts_with(name);
        }
        if (!is_replaced) {
            all.emplace_back(text);
        }
    }
    return all;
}

// What the child needs between fork and exec, made ready before: there it may only make calls that
// are safe in a signal handler, since another thread may have held any lock.
struct Launch {
    const char* path;
    char* const* arguments;
    char* const* environment;
    int input;
    int output;
    int errors;
    int failure;  // where the number of an error is written
    pid_t parent;
};

[[noreturn]] void launch(const Launch& plan) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan.parent) {
        _exit(127);  // the parent ended before it could be watched
    }
    dup2(plan.input, STDIN_FILENO);
    dup2(plan.output, STDOUT_FILENO);
    dup2(plan.errors, STDERR_FILENO);
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_signals();
    execve(plan.path, plan.arguments, plan.environment);
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(plan.failure, &error, sizeof error);
    _exit(127);
}

int read_failure(const Descriptor& end) {
    int error = 0;
    ssize_t got = 0;
    do {
        got = read(end.number(), &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

ExitStatus to_status(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return {.code = info.si_status};
    }
    return {.signal = info.si_status};
}

bool is_program(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

int wait_for(idtype_t type, id_t id, siginfo_t& info, int options) {
    int result = 0;
    do {
        info = {};
        result = waitid(type, id, &info, options);
    } while (result != 0 && errno == EINTR);
    return result;
}

}  // namespace

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

std::string to_string(const ExitStatus& status) {
    if (status.signal == 0) {
        return "exit status " + std::to_string(status.code);
    }
    return "killed by " + signal_name(status.signal) + " (signal " + std::to_string(status.signal) +
           ")";
}

Result<std::string> find_program(std::string_view name) {
    if (name.find('/') != std::string_view::npos) {
        std::string path(name);
        if (!is_program(path)) {
            return Error{ErrorCode::unavailable, path + " is not an executable file", ""};
        }
        return path;
    }
    const char* variable = std::getenv("PATH");
    std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    while (!name.empty() && !folders.empty()) {
        const std::size_t end = std::min(folders.find(':'), folders.size());
        std::string path(end == 0 ? "." : folders.substr(0, end));
        path += '/';
        path += name;
        if (is_program(path)) {
            return path;
        }
        folders.remove_prefix(std::min(end + 1, folders.size()));
    }
    return Error{ErrorCode::unavailable, "there is no program " + std::string(name) + " in PATH",
                 ""};
}

Result<Process> Process::spawn(const Command& command) {
    check(!command.arguments.empty(), "a command has a program");
    const auto path = find_program(command.arguments.front());
    if (!path) {
        return path.error();
    }
    auto input = make_pipe();
    auto output = make_pipe();
    auto errors = make_pipe();
    auto failure = make_pipe();
    if (!input || !output || !errors || !failure) {
        return cannot("make a pipe", errno);
    }
    const std::vector<char*> arguments = to_pointers(command.arguments);
    const std::vector<std::string> variables = environment_with(command.environment);
    const std::vector<char*> environment = to_pointers(variables);
    const Launch plan{.path = path->c_str(),
                      .arguments = arguments.data(),
                      .environment = environment.data(),
                      .input = input->read.number(),
                      .output = output->write.number(),
                      .errors = errors->write.number(),
                      .failure = failure->write.number(),
                      .parent = getpid()};
    const pid_t id = fork();
    if (id < 0) {
        return cannot("start a process", errno);
    }
    if (id == 0) {
        launch(plan);
    }
    setpgid(id, id);  // whoever of the two comes first
    Process process(id, Descriptor(static_cast<int>(syscall(SYS_pidfd_open, id, 0))));
    check(process.exit_.is_open(), "the kernel has process descriptors");
    failure->write.close();
    if (const int error = read_failure(failure->read); error != 0) {
        process.reap();
        return cannot("run " + *path, error);
    }
    process.input = std::move(input->write);
    process.output = std::move(output->read);
    process.errors = std::move(errors->read);
    for (const Descriptor* end : {&process.input, &process.output, &process.errors}) {
        set_nonblocking(*end);
    }
    return process;
}

Process::Process(Process&& other) noexcept
    : input(std::move(other.input)),
      output(std::move(other.output)),
      errors(std::move(other.errors)),
      id_(std::exchange(other.id_, -1)),
      exit_(std::move(other.exit_)) {}

Process::~Process() {
    if (id_ > 0) {
        signal_group(SIGKILL);
        reap();
    }
}

void Process::signal_group(int signal) const {
    check(id_ > 0, "only a program that is not reaped has a group");
    runtime::signal_group(id_, signal);
}

ExitStatus Process::reap() {
    siginfo_t info{};
    check(wait_for(P_PID, static_cast<id_t>(id_), info, WEXITED | WNOWAIT) == 0,
          "a started program can be waited for");
    // Until it is reaped, nobody else can get its group's number.
    signal_group(SIGKILL);
    wait_for(P_PID, static_cast<id_t>(std::exchange(id_, -1)), info, WEXITED);
    return to_status(info);
}

pid_t fork_child(int death_signal, const std::function<int()>& body) {
    const pid_t parent = getpid();
    const pid_t id = fork();
    if (id < 0) {
        throw system_error("cannot fork");
    }
    if (id == 0) {
        prctl(PR_SET_PDEATHSIG, death_signal);
        exit_now(getppid() == parent ? body() : 0);
    }
    return id;
}

void adopt_orphans() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::optional<ExitedChild> find_exited_child() {
    siginfo_t info{};
    if (wait_for(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
        return std::nullopt;
    }
    return ExitedChild{info.si_pid, to_status(info)};
}

void reap_child(pid_t id) {
    siginfo_t info{};
    wait_for(P_PID, static_cast<id_t>(id), info, WEXITED | WNOHANG);
}

void signal_process(pid_t id, int signal) {
    check(id > 0, "a signal goes to one process");
    kill(id, signal);
}

void signal_group(pid_t group, int signal) {
    check(group > 1, "a signal goes to one group");
    kill(-group, signal);
}

pid_t parent_id() {
    return getppid();
}

pid_t own_id() {
    return getpid();
}

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) {
        return "localhost";
    }
    return name.data();
}

void ignore_signal(int signal) {
    std::signal(signal, SIG_IGN);
}

void let_others_go_first(int by) {
    setpriority(PRIO_PROCESS, 0, by);
}

void exit_now(int status) {
    _exit(status);
}

SharedMemory::SharedMemory(std::size_t octets)
    : data_(mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
      octets_(octets) {
    if (data_ == MAP_FAILED) {
        throw system_error("cannot share memory");
    }
}

SharedMemory::~SharedMemory() {
    munmap(data_, octets_);
}

}  // namespace xebec::runtime

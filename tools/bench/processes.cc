#include "tools/bench/processes.h"

#include "runtime/clock.h"
#include "runtime/files.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace xebec::bench {

using std::chrono::seconds;

namespace {

constexpr std::chrono::milliseconds look_pause{5};
constexpr seconds start_max{300};
constexpr std::chrono::milliseconds log_time{200};  // for the last lines of a broker
constexpr std::size_t log_octets_max = 4096;

[[noreturn]] void fail_for(const runtime::ExitedChild& exited) {
    sleep_for(log_time);
    throw std::runtime_error("process " + std::to_string(exited.id) +
                             " of the measurement ended too early: " + to_string(exited.status));
}

}  // namespace

SharedBoard::SharedBoard() : memory_(sizeof(Board)), board_(new(memory_.data()) Board{}) {}

void check_children() {
    if (const auto exited = runtime::find_exited_child()) {
        fail_for(*exited);
    }
}

Child::Child(const std::function<void()>& body)
    : id_(runtime::fork_child(SIGKILL, [&body] {
          // Nothing that stands on the stack of the process it was copied from may end here.
          try {
              body();
              return 0;
          } catch (const std::exception& error) {
              std::fprintf(stderr, "xebec-bench: %s\n", error.what());
              return 1;
          }
      })) {}

Child::~Child() {
    if (id_ > 0) {
        runtime::signal_process(id_, SIGKILL);
        waitpid(id_, nullptr, 0);
    }
}

void Child::join() {
    auto exited = runtime::find_exited_child();
    for (; !exited; exited = runtime::find_exited_child()) {
        sleep_for(look_pause);
    }
    if (exited->id != id_) {
        fail_for(*exited);
    }
    int status = 0;
    waitpid(id_, &status, 0);
    id_ = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error("a measuring process failed");
    }
}

// ---- programs ----

namespace {

std::unique_ptr<runtime::Process> start_process(const std::vector<std::string>& arguments) {
    auto process = runtime::Process::spawn({.arguments = arguments});
    if (!process) {
        throw std::runtime_error(process.error().detail);
    }
    return std::make_unique<runtime::Process>(std::move(*process));
}

std::string stat_of(pid_t process, const std::string& name) {
    return runtime::read_file("/proc/" + std::to_string(process) + "/" + name).value_or("");
}

// The number behind `name` in a file of lines such as "VmHWM:     1234 kB".
std::uint64_t figure_of(pid_t process, const std::string& file, const std::string& name) {
    const std::string text = '\n' + stat_of(process, file);
    const std::string label = '\n' + name + ':';
    const std::size_t at = text.find(label);
    if (at == std::string::npos) {
        throw std::runtime_error("/proc does not tell " + name + " of a process");
    }
    return std::stoull(text.substr(at + label.size()));
}

std::uint64_t resident_octets(pid_t process) {
    return figure_of(process, "status", "VmRSS") * 1024;
}

}  // namespace

Background::Background(const std::vector<std::string>& arguments) {
    std::vector<std::string> quoted{"/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null 2>&1"};
    quoted.insert(quoted.end(), arguments.begin(), arguments.end());
    process_ = start_process(quoted);
}

Background::~Background() {
    process_->signal_group(SIGKILL);
    process_->reap();
}

std::uint64_t Background::memory_octets() const {
    return resident_octets(process_->id());
}

namespace {

// A program whose log nobody reads stops when the pipe is full. If it ends before its reader does,
// its last words are shown.
[[noreturn]] void read_log(int descriptor) {
    std::array<char, 4096> buffer{};
    std::string last;
    while (true) {
        runtime::DescriptorWait wait;
        wait.add_readable(descriptor);
        wait.wait_until({});
        const ssize_t got = read(descriptor, buffer.data(), buffer.size());
        if (got > 0) {
            last.append(buffer.data(), static_cast<std::size_t>(got));
            last.erase(0, last.size() - std::min(last.size(), log_octets_max));
        } else if (got == 0) {
            std::fprintf(stderr, "the end of a broker's log:\n%s", last.c_str());
            descriptor = -1;
        }
    }
}

}  // namespace

BrokerProcess::BrokerProcess(const BrokerOptions& options)
    : options_(options), folder_(options.parent) {
    start();
}

BrokerProcess::~BrokerProcess() {
    kill();
}

void BrokerProcess::kill() {
    log_reader_.reset();
    if (process_) {
        process_->signal_group(SIGKILL);
        process_->reap();
        process_.reset();
    }
}

Duration BrokerProcess::start() {
    std::vector<std::string> arguments{
        options_.program,    "--data",    folder_.path() / "data", "--durability",
        options_.durability, "--clients", "tcp://127.0.0.1:*",     "--workers",
        "tcp://127.0.0.1:*", "--updates", "tcp://127.0.0.1:*"};
    if (!options_.memory.empty()) {
        arguments.insert(arguments.end(), {"--memory", options_.memory});
    }
    const Instant began = runtime::now().steady;
    process_ = start_process(arguments);
    std::string text;
    std::array<char, 4096> buffer{};
    const Instant end = began + start_max;
    while (text.find(" updates tcp") == std::string::npos || text.back() != '\n') {
        runtime::DescriptorWait wait;
        wait.add_readable(process_->errors.number());
        wait.wait_until(end);
        const ssize_t got = read(process_->errors.number(), buffer.data(), buffer.size());
        if (got == 0 || runtime::now().steady > end) {
            throw std::runtime_error("the broker does not start: " +
                                     (text.empty() ? options_.program + " said nothing" : text));
        }
        text.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    const Duration took = runtime::now().steady - began;
    log_reader_ = std::make_unique<Child>([this] { read_log(process_->errors.number()); });
    std::istringstream words(text.substr(text.find("ready, ")));
    for (std::string word; words >> word;) {
        for (const auto& [name, endpoint] :
             {std::pair{"clients", &clients_}, std::pair{"workers", &workers_},
              std::pair{"updates", &updates_}}) {
            if (word == name) {
                words >> *endpoint;
            }
        }
    }
    return took;
}

std::uint64_t BrokerProcess::memory_octets() const {
    return resident_octets(process_->id());
}

std::uint64_t BrokerProcess::memory_octets_max() const {
    return figure_of(process_->id(), "status", "VmHWM") * 1024;
}

std::uint64_t BrokerProcess::read_octets() const {
    return figure_of(process_->id(), "io", "read_bytes");
}

std::uint64_t BrokerProcess::written_octets() const {
    return figure_of(process_->id(), "io", "write_bytes");
}

Duration BrokerProcess::cpu() const {
    const std::string stat = stat_of(process_->id(), "stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) {
        fields >> skipped;
    }
    std::int64_t user = 0;
    std::int64_t system = 0;
    fields >> user >> system;
    return std::chrono::nanoseconds{(user + system) * 1'000'000'000 / sysconf(_SC_CLK_TCK)};
}

std::string sibling(const std::string& name) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

void sleep_for(Duration duration) {
    std::this_thread::sleep_for(duration);
}

}  // namespace xebec::bench

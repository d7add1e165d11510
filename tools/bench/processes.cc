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

}  // namespace

SharedBoard::SharedBoard() : memory_(sizeof(Board)), board_(new(memory_.data()) Board{}) {}

void check_children() {
    if (runtime::find_exited_child()) {
        throw std::runtime_error("a process of the measurement ended too early");
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
    while (true) {
        const auto exited = runtime::find_exited_child();
        if (exited && exited->id == id_) {
            break;
        }
        check_children();
        sleep_for(look_pause);
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

std::unique_ptr<runtime::Process> start(const std::vector<std::string>& arguments) {
    auto process = runtime::Process::spawn({.arguments = arguments});
    if (!process) {
        throw std::runtime_error(process.error().detail);
    }
    return std::make_unique<runtime::Process>(std::move(*process));
}

std::string stat_of(pid_t process, const std::string& name) {
    return runtime::read_file("/proc/" + std::to_string(process) + "/" + name).value_or("");
}

}  // namespace

Background::Background(const std::vector<std::string>& arguments) {
    std::vector<std::string> quoted{"/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null 2>&1"};
    quoted.insert(quoted.end(), arguments.begin(), arguments.end());
    process_ = start(quoted);
}

Background::~Background() {
    process_->signal_group(SIGKILL);
    process_->reap();
}

BrokerProcess::BrokerProcess(const std::string& program, const std::string& durability,
                             const std::string& folder)
    : folder_((folder.empty() ? std::filesystem::current_path().string() : folder) +
              "/xebec-bench-XXXXXX") {
    if (mkdtemp(folder_.data()) == nullptr) {
        throw std::runtime_error("cannot make a folder like " + folder_);
    }
    process_ = start({program, "--data", folder_ + "/data", "--durability", durability, "--memory",
                      "64GiB", "--clients", "tcp://127.0.0.1:*", "--workers", "tcp://127.0.0.1:*",
                      "--updates", "tcp://127.0.0.1:*"});
    std::string text;
    std::array<char, 4096> buffer{};
    const Instant end = runtime::now().steady + seconds{60};
    while (text.find(" updates tcp") == std::string::npos || text.back() != '\n') {
        runtime::DescriptorWait wait;
        wait.add_readable(process_->errors.number());
        wait.wait_until(end);
        const ssize_t got = read(process_->errors.number(), buffer.data(), buffer.size());
        if (got == 0 || runtime::now().steady > end) {
            throw std::runtime_error("the broker does not start: " + text);
        }
        text.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
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
}

BrokerProcess::~BrokerProcess() {
    process_->signal_group(SIGKILL);
    process_->reap();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::uint64_t BrokerProcess::memory_octets() const {
    std::istringstream fields(stat_of(process_->id(), "statm"));
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    fields >> all >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
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

#pragma once
// The processes of one measurement: programs and forked copies of this one, which end with it.

#include "protocol/time.h"
#include "runtime/process.h"
#include "tools/bench/disk.h"

#include <xebec/task.h>

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xebec::bench {

// What a measuring process tells this one.
struct Measured {
    double seconds = 0;       // from the end of the warm-up to the last result
    std::uint64_t tasks = 0;  // in that time
    std::uint64_t wrong = 0;  // results missing, doubled, or not their task's
    double p50_us = 0;        // of tasks one by one
    double p99_us = 0;
    double p999_us = 0;
};

// What a broker says of itself.
struct Figures {
    std::uint64_t submitted = 0;  // since it started, as are the next three
    std::uint64_t assigned = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t removed = 0;                            // by retention
    std::array<std::uint64_t, task_state_count> tasks{};  // now, by TaskState
    std::uint64_t step_max_us = 0;
};

// Memory that all processes of a measurement see.
struct Board {
    std::atomic<int> clients_port;
    std::atomic<int> workers_port;
    std::atomic<bool> is_done;
    Measured measured;
    Figures figures;
};

class SharedBoard {
public:
    SharedBoard();
    Board& operator*() const { return *board_; }
    Board* operator->() const { return board_; }

private:
    runtime::SharedMemory memory_;
    Board* board_;
};

// Throws std::runtime_error if a process that was started here has ended, though nobody waited for
// it.
void check_children();

// A forked copy of this process, killed at the end. There must be no ZeroMQ context yet.
class Child {
public:
    explicit Child(const std::function<void()>& body);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t id() const { return id_; }
    // Waits until it has ended by itself. Throws std::runtime_error if that was not as it should
    // be.
    void join();

private:
    pid_t id_ = -1;
};

// A program whose output is thrown away, killed at the end.
class Background {
public:
    explicit Background(const std::vector<std::string>& arguments);
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    std::uint64_t memory_octets() const;  // resident

private:
    std::unique_ptr<runtime::Process> process_;
};

struct BrokerOptions {
    std::string program;
    std::string durability;
    std::string memory;  // empty: as it likes
    std::string parent;  // where its folder is made; empty: the current folder
};

// A broker on free ports, with a data folder of its own, stopped and removed at the end.
class BrokerProcess {
public:
    explicit BrokerProcess(const BrokerOptions& options);
    ~BrokerProcess();
    BrokerProcess(const BrokerProcess&) = delete;
    BrokerProcess& operator=(const BrokerProcess&) = delete;

    // In the midst of what it does; `start` starts it again with the same data, on other ports.
    void kill();
    // Gives the time from its execution until it is ready.
    Duration start();

    const std::string& clients() const { return clients_; }
    const std::string& workers() const { return workers_; }
    const std::string& updates() const { return updates_; }
    std::filesystem::path journal() const { return folder_.path() / "data" / "journal"; }

    std::uint64_t memory_octets() const;      // resident
    std::uint64_t memory_octets_max() const;  // resident, at any time so far
    std::uint64_t read_octets() const;        // from the disk
    std::uint64_t written_octets() const;     // to the disk
    Duration cpu() const;                     // user and system, of all its threads

private:
    BrokerOptions options_;
    TemporaryFolder folder_;
    std::unique_ptr<runtime::Process> process_;
    std::unique_ptr<Child> log_reader_;
    std::string clients_;
    std::string workers_;
    std::string updates_;
};

// A program of this build: the one beside this program.
std::string sibling(const std::string& name);

void sleep_for(Duration duration);

}  // namespace xebec::bench

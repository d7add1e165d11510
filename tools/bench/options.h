#pragma once
// What is measured, and how much of it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xebec::bench {

struct Options {
    std::vector<std::string> tests;  // in order
    std::uint64_t count = 0;         // tasks that are measured; 0: as the test has it
    // Tasks before these; nothing: as the test has it, and where `count` is given a tenth of that.
    std::optional<std::uint64_t> warm_up;
    std::uint64_t payload = 64;          // octets of a task
    std::uint64_t batch = 0;             // tasks in a message; 0: as the test has it
    std::uint64_t window = 0;            // messages in flight; 0: as the test has it
    std::uint64_t waiting = 0;           // tasks that wait meanwhile; 0: as the test has it
    std::uint64_t workers = 1;           // worker processes
    std::uint64_t idle_workers = 1'000;  // of the test `workers`
    std::uint64_t seconds = 60;          // of the tests `soak` and `disk`
    bool finished = false;               // of the test `start`: the tasks have ended already
    std::uint64_t runs = 0;              // the median counts; 0: as many as the test takes
    std::string durability;              // of the broker; empty: as the test has it
    std::string memory;                  // of the broker; empty: as the test has it
    std::string data;    // the broker's folder; empty: a new one below the current folder
    std::string broker;  // the program; empty: the one beside this
    bool json = false;
};

// A value is the status with which to exit at once; what there is to say has been printed.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace xebec::bench

#pragma once
// A client and a worker that speak the native protocol and do nothing else, so that what is
// measured is the broker.

#include <chrono>
#include <cstdint>
#include <string>

namespace xebec::bench {

struct Board;

struct Load {
    std::uint64_t count = 0;  // tasks
    std::uint64_t warm_up = 0;
    std::uint64_t batch = 256;  // tasks in a message
    std::uint64_t window = 16;  // messages in flight
    std::uint64_t payload = 64;
    std::string kind = "bench";
    std::string queue = "bench";
    bool waits = true;  // for the results; else a task has ended when it is accepted
};

// Submits the load, compares every result with its task, and puts what it measured on the board.
void run_client(Board& board, const std::string& endpoint, const Load& load);

// Puts the broker's figures on the board.
void ask_figures(Board& board, const std::string& endpoint);

// Has the broker keep what has ended in a queue for so long.
void set_retention(const std::string& endpoint, const std::string& queue,
                   std::chrono::milliseconds retention);

// Gives back the first octets of each task; as many slots as credit, until it is killed.
void run_worker(const std::string& endpoint, const std::string& kind);

// Idle workers, each on a connection of its own, with heartbeats, until it is killed.
void run_idle_workers(Board& board, const std::string& endpoint, std::uint64_t count);

}  // namespace xebec::bench

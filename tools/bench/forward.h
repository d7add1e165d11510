#pragma once
// The limit to measure against: the same three processes, batched alike, around a broker that only
// forwards; or that also does the least that any task queue must.

#include <cstdint>

namespace xebec::bench {

struct Board;

enum class Forwarding {
    only,    // frames pass from one ROUTER to the other
    unpack,  // and each task is unpacked, put into a hash table and taken out, and packed again
};

// Runs until it is killed; its ports stand on the board.
void run_forwarder(Board& board, Forwarding forwarding);

// Answers each message with the first 16 octets of each of its tasks, until it is killed.
void run_forward_worker(Board& board);

struct ForwardLoad {
    std::uint64_t count = 0;  // tasks
    std::uint64_t warm_up = 0;
    std::uint64_t batch = 256;  // tasks in a message
    std::uint64_t window = 16;  // messages in flight
    std::uint64_t payload = 64;
};

// Sends the load, compares every result with its task, and puts what it measured on the board.
void run_forward_client(Board& board, const ForwardLoad& load);

}  // namespace xebec::bench

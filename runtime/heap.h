#pragma once
// Memory for the main thread's heap, mapped before it is needed. The kernel clears a page when it
// is touched first: 2 MiB at a time where pages are large, which is a millisecond in which a loop
// stands still. A thread of its own takes that over.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace xebec::runtime {

class HeapReserve {
public:
    // After each `top_up` at least `octets` are free at the heap's end, or 1 MiB somewhere in it,
    // if blocks of twice that size are taken from it (M_MMAP_THRESHOLD) and stay there
    // (M_TRIM_THRESHOLD).
    explicit HeapReserve(std::size_t octets);
    ~HeapReserve();
    HeapReserve(const HeapReserve&) = delete;
    HeapReserve& operator=(const HeapReserve&) = delete;

    // Lets the heap grow before its end is reached, and has that mapped in the background. Costs
    // about as much as a large block. On the thread whose heap it is: the process's first.
    void top_up();

private:
    void run(std::uintptr_t done);  // up to there nothing has to be mapped

    std::size_t octets_ = 0;
    bool is_used_ = false;                // not by the malloc of a sanitizer
    std::uintptr_t seen_ = 0;             // the heap's end at the last look
    std::atomic<std::uintptr_t> end_{0};  // up to where pages are wanted; 0: the thread ends
    std::thread thread_;
};

}  // namespace xebec::runtime

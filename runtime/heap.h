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
    // The heap grows by at least `octets` at a time, the first of them now, if blocks of that size
    // are taken from it (M_MMAP_THRESHOLD).
    explicit HeapReserve(std::size_t octets);
    ~HeapReserve();
    HeapReserve(const HeapReserve&) = delete;
    HeapReserve& operator=(const HeapReserve&) = delete;

    // Has what the heap grew by mapped, in the background. Costs next to nothing when it did not
    // grow. On the thread whose heap it is: the process's first.
    void top_up();

private:
    void run(std::uintptr_t done);  // up to there nothing has to be mapped

    std::uintptr_t seen_ = 0;             // the heap's end at the last look
    std::atomic<std::uintptr_t> end_{0};  // up to where pages are wanted; 0: the thread ends
    std::thread thread_;
};

}  // namespace xebec::runtime

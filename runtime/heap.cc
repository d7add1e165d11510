#include "runtime/heap.h"

#include <sys/mman.h>

#include <cstdlib>
#include <malloc.h>
#include <unistd.h>

namespace xebec::runtime {

namespace {

constexpr std::uintptr_t page_octets = 4096;

std::uintptr_t heap_end() {
    return reinterpret_cast<std::uintptr_t>(sbrk(0));  // glibc answers without a system call
}

// A compiler may leave out a pair of malloc and free that it sees through.
std::uintptr_t take_and_free(std::size_t octets) {
    void* volatile block = std::malloc(octets);
    const auto at = reinterpret_cast<std::uintptr_t>(block);
    std::free(block);
    return at;
}

// A block for which there is no hole begins where the heap's free end does. Where there is one, the
// heap need not grow soon.
bool is_room_short(std::size_t octets) {
    constexpr std::size_t more_than_most_holes = 1 << 20;
    const std::uintptr_t at = take_and_free(more_than_most_holes);
    return at < heap_end() && heap_end() - at < octets;
}

}  // namespace

HeapReserve::HeapReserve(std::size_t octets) : octets_(octets) {
    constexpr int top_pad = 1 << 20;  // where a step takes more than the reserve, in few calls
    mallopt(M_TOP_PAD, top_pad);
    const std::uintptr_t first = heap_end();
    take_and_free(2 * octets_);
    seen_ = heap_end();
    end_ = seen_;
    is_used_ = seen_ > first;
    thread_ = std::thread([this, first] { run(first); });
}

HeapReserve::~HeapReserve() {
    end_ = 0;
    end_.notify_one();
    thread_.join();
}

void HeapReserve::top_up() {
    if (is_used_ && is_room_short(octets_)) {
        take_and_free(2 * octets_);
    }
    const std::uintptr_t end = heap_end();
    if (end != seen_) {
        seen_ = end;
        end_ = end;
        end_.notify_one();
    }
}

void HeapReserve::run(std::uintptr_t done) {
    while (true) {
        end_.wait(done);
        const std::uintptr_t end = end_;
        if (end == 0) {
            return;
        }
        if (end > done) {
            const std::uintptr_t from = done / page_octets * page_octets;
            // What it does not map is mapped when it is touched, as without it: kernels before 5.14
            // do not know it.
            madvise(reinterpret_cast<void*>(from), end - from, MADV_POPULATE_WRITE);
        }
        done = end;
    }
}

}  // namespace xebec::runtime

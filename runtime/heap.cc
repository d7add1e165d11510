#include "runtime/heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <malloc.h>
#include <unistd.h>

namespace xebec::runtime {

namespace {

constexpr std::uintptr_t page_octets = 4096;

std::uintptr_t heap_end() {
    return reinterpret_cast<std::uintptr_t>(sbrk(0));  // glibc answers without a system call
}

}  // namespace

HeapReserve::HeapReserve(std::size_t octets) {
    mallopt(M_TOP_PAD,
            static_cast<int>(std::min<std::size_t>(octets, std::numeric_limits<int>::max())));
    const std::uintptr_t first = heap_end();
    // The first reserve. A compiler may leave out a pair of malloc and free that it sees through.
    void* volatile reserve = std::malloc(octets);
    std::free(reserve);
    seen_ = heap_end();
    end_ = seen_;
    thread_ = std::thread([this, first] { run(first); });
}

HeapReserve::~HeapReserve() {
    end_ = 0;
    end_.notify_one();
    thread_.join();
}

void HeapReserve::top_up() {
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

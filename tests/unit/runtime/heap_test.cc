#include "runtime/heap.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <malloc.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace xebec::runtime {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t reserve_octets = 8 << 20;

std::uintptr_t end_of_heap() {
    return reinterpret_cast<std::uintptr_t>(sbrk(0));
}

// Whether the last `octets` of the heap are mapped.
bool is_mapped(std::size_t octets) {
    std::vector<unsigned char> pages(octets / page);
    const std::uintptr_t from = (end_of_heap() - octets) / page * page;
    if (mincore(reinterpret_cast<void*>(from), octets, pages.data()) != 0) {
        return false;
    }
    for (const unsigned char state : pages) {
        if ((state & 1) == 0) {
            return false;
        }
    }
    return true;
}

bool becomes_mapped(std::size_t octets) {
    constexpr std::chrono::seconds patience{60};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!is_mapped(octets) && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
    }
    return is_mapped(octets);
}

TEST(HeapReserve, IsMappedBeforeTheHeapNeedsIt) {
    mallopt(M_MMAP_THRESHOLD, 4 * static_cast<int>(reserve_octets));
    mallopt(M_TRIM_THRESHOLD, 32 * static_cast<int>(reserve_octets));
    const std::uintptr_t before = end_of_heap();
    HeapReserve reserve(reserve_octets);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "this build's malloc does not use the heap";
#endif
    ASSERT_GE(end_of_heap(), before + reserve_octets);
    EXPECT_TRUE(becomes_mapped(reserve_octets));

    constexpr std::size_t block_octets = 64 << 10;
    std::vector<void*> blocks;
    for (std::size_t taken = 0; taken < 8 * reserve_octets; taken += block_octets) {
        blocks.push_back(std::malloc(block_octets));
        reserve.top_up();
        const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(blocks.back()) + block_octets;
        ASSERT_GE(end_of_heap(), last + reserve_octets);
    }
    EXPECT_TRUE(becomes_mapped(reserve_octets));

    for (void* block : blocks) {
        std::free(block);
    }
}

}  // namespace
}  // namespace xebec::runtime

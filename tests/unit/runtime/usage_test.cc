#include "runtime/usage.h"

#include "runtime/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace xebec::runtime {
namespace {

using namespace std::chrono_literals;

TEST(ProcessUse, CountsMemoryAndProcessorTimeOfThisProcess) {
    const ProcessUse before = process_use();
    volatile std::uint64_t sum = 0;
    const Instant begin = now().steady;
    while (process_use().processor < before.processor + 2ms && now().steady < begin + 10s) {
        for (std::uint64_t i = 0; i < 100'000; ++i) {
            sum = sum + i;
        }
    }

    EXPECT_GT(before.resident_octets, 100'000U);
    EXPECT_GE(process_use().processor, before.processor + 2ms);
}

TEST(DiskSpace, IsThatOfTheFolder) {
    const DiskSpace space = disk_space(".");

    EXPECT_GT(space.total, 0U);
    EXPECT_LE(space.used + space.free, space.total);
}

TEST(DiskSpace, OfNoFolderIsNotKnown) {
    EXPECT_EQ(disk_space("/no/such/folder").total, 0U);
}

TEST(ProcessorLoad, IsWhatWasDoneBetweenTwoLooks) {
    ProcessorLoad load;
    const Instant begin{1h};

    EXPECT_EQ(load.permille(3s, begin), 0U) << "there is nothing to compare with";
    EXPECT_EQ(load.permille(3s + 250ms, begin + 1s), 250U);
    EXPECT_EQ(load.permille(6s + 250ms, begin + 3s), 1'500U) << "of two cores";
    EXPECT_EQ(load.permille(6s + 250ms, begin + 4s), 0U);
}

}  // namespace
}  // namespace xebec::runtime

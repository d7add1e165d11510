#include "worker/local_machine.h"

#include "runtime/clock.h"

#include <gtest/gtest.h>

namespace xebec::worker {
namespace {

TEST(LocalMachine, KnowsWhatItHas) {
    const auto machine = local_machine("");

    const MachineUse use = machine->look(runtime::now());

    EXPECT_LE(use.cpu_permille, 1'000U);
    EXPECT_GT(use.memory_used, 0U);
    EXPECT_GT(use.memory_total, use.memory_used);
    EXPECT_GT(use.disk_total, 0U);
    EXPECT_GE(use.disk_total, use.disk_used);
    EXPECT_GT(use.process_resident, 0U);
    EXPECT_TRUE(use.gpus.empty());
}

}  // namespace
}  // namespace xebec::worker

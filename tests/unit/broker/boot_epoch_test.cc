#include "broker/boot_epoch.h"

#include "runtime/files.h"
#include "tests/unit/runtime/temporary_folder.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace xebec::broker {
namespace {

using std::chrono::seconds;

constexpr WallTime at(std::int64_t second) {
    return WallTime{seconds{second}};
}

TEST(BootEpoch, BeginsWithTheSecondsOfTheClock) {
    const testing::TemporaryFolder folder;

    const BootEpoch epoch(folder.path(), at(1'000));

    EXPECT_EQ(epoch.value(), 1'000U);
    EXPECT_EQ(runtime::read_file(folder / "epoch"), "1000\n");
}

TEST(BootEpoch, GrowsWithEveryStartWhateverTheClockSays) {  // I6, I21
    const testing::TemporaryFolder folder;
    std::uint32_t last = 0;

    for (const std::int64_t second : {1'000, 1'000, 500, -7, 2'000}) {
        const BootEpoch epoch(folder.path(), at(second));
        EXPECT_GT(epoch.value(), last);
        last = epoch.value();
    }

    EXPECT_EQ(last, 2'000U);
}

TEST(BootEpoch, MovesARestoredBackupForward) {  // I6, F26
    const testing::TemporaryFolder folder;
    runtime::replace_file(folder / "epoch", "900\n");

    EXPECT_EQ(BootEpoch(folder.path(), at(5'000)).value(), 5'000U);
}

TEST(BootEpoch, IsStoredBeforeARaiseReturns) {  // I6
    const testing::TemporaryFolder folder;
    BootEpoch epoch(folder.path(), at(1'000));

    epoch.raise(7'777);

    EXPECT_EQ(epoch.value(), 7'777U);
    EXPECT_EQ(runtime::read_file(folder / "epoch"), "7777\n");
    EXPECT_EQ(BootEpoch(folder.path(), at(1'000)).value(), 7'778U);
}

TEST(BootEpoch, RefusesADamagedFile) {  // F11, I24
    for (const char* content :
         {"", "\n", "12", "twelve\n", "-3\n", "99999999999\n", "4294967295\n"}) {
        const testing::TemporaryFolder folder;
        runtime::replace_file(folder / "epoch", content);

        EXPECT_THROW(BootEpoch(folder.path(), at(1'000)), std::runtime_error) << content;
        EXPECT_EQ(runtime::read_file(folder / "epoch"), content) << "left as it was";
    }
}

TEST(BootEpoch, DoesNotStartWithoutItsFolder) {
    const testing::TemporaryFolder folder;

    EXPECT_THROW(BootEpoch(folder / "missing", at(1'000)), std::runtime_error);
}

}  // namespace
}  // namespace xebec::broker

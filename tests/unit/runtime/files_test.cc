// Small files that are replaced whole, and the lock that keeps a second process out.

#include "runtime/files.h"

#include "tests/unit/runtime/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace xebec::runtime {
namespace {

TEST(File, IsReadAsItWasReplaced) {
    const testing::TemporaryFolder folder;
    const std::string large(100'000, 'x');

    replace_file(folder / "epoch", "1");
    EXPECT_EQ(read_file(folder / "epoch"), "1");
    replace_file(folder / "epoch", large);
    EXPECT_EQ(read_file(folder / "epoch"), large);
    replace_file(folder / "epoch", "");
    EXPECT_EQ(read_file(folder / "epoch"), "");

    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, IsNothingWhenItIsNotThere) {
    const testing::TemporaryFolder folder;

    EXPECT_EQ(read_file(folder / "absent"), std::nullopt);
}

TEST(File, ThatCannotBeReadSaysSo) {
    const testing::TemporaryFolder folder;

    EXPECT_THROW(read_file(folder.path()), std::runtime_error);
}

TEST(File, ThatCannotBeReplacedKeepsItsContent) {
    const testing::TemporaryFolder folder;
    replace_file(folder / "epoch", "old");
    std::filesystem::create_directory(folder / "epoch.new");

    EXPECT_THROW(replace_file(folder / "epoch", "new"), std::runtime_error);
    EXPECT_THROW(replace_file(folder / "no" / "epoch", "new"), std::runtime_error);

    EXPECT_EQ(read_file(folder / "epoch"), "old");
}

TEST(File, MayBeNamedWithoutAFolder) {
    const testing::TemporaryFolder folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());

    EXPECT_NO_THROW(replace_file("epoch", "1"));

    std::filesystem::current_path(before);
    EXPECT_EQ(read_file(folder / "epoch"), "1");
}

TEST(FileLock, KeepsASecondOneOut) {  // F26
    const testing::TemporaryFolder folder;
    std::optional<FileLock> first(folder / "lock");
    std::string complaint;

    try {
        const FileLock second(folder / "lock");
    } catch (const std::runtime_error& error) {
        complaint = error.what();
    }
    EXPECT_EQ(complaint, "another broker is using " + folder.path().string() +
                             "; give each broker a --data folder of its own");

    first.reset();
    EXPECT_NO_THROW(FileLock(folder / "lock"));
}

TEST(FileLock, NeedsItsFolder) {
    const testing::TemporaryFolder folder;

    EXPECT_THROW(FileLock(folder / "no" / "lock"), std::runtime_error);
}

}  // namespace
}  // namespace xebec::runtime

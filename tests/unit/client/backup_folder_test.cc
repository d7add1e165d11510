#include "client/commands/backup_folder.h"

#include "runtime/files.h"
#include "tests/unit/runtime/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

namespace xebec::client {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

void write_segments(BackupFolder& folder) {
    folder.begin_segment(7);
    folder.append("first ");
    folder.append("segment");
    folder.end_segment();
    folder.begin_segment(8);
    folder.append("second");
    folder.end_segment();
}

TEST(BackupFolder, IsADataFolderOnceItIsFinished) {
    const testing::TemporaryFolder outer;
    const fs::path path = outer / "backups" / "monday";
    {
        BackupFolder folder(path);
        write_segments(folder);
        EXPECT_EQ(names_in(path), std::set<std::string>{"journal"});
        EXPECT_EQ(names_in(path / "journal"),
                  (std::set<std::string>{"segment-0000000007", "segment-0000000008",
                                         "unfinished-backup"}));
        folder.finish(42);
    }

    EXPECT_EQ(names_in(path), (std::set<std::string>{"epoch", "journal"}));
    EXPECT_EQ(names_in(path / "journal"),
              (std::set<std::string>{"segment-0000000007", "segment-0000000008"}));
    EXPECT_EQ(runtime::read_file(path / "epoch"), "42\n");
    EXPECT_EQ(runtime::read_file(path / "journal" / "segment-0000000007"), "first segment");
    EXPECT_EQ(runtime::read_file(path / "journal" / "segment-0000000008"), "second");
}

TEST(BackupFolder, MakesSegmentsAsLargeAsTheirHeadersSay) {
    const testing::TemporaryFolder outer;
    std::string header(64, 'h');
    header.replace(20, 4, std::string("\x00\x10\x00\x00", 4));
    {
        BackupFolder folder(outer / "backup");
        folder.begin_segment(1);
        folder.append(header);
        folder.append("a frame");
        folder.end_segment();
        folder.finish(1);
    }

    std::string expected = header + "a frame";
    expected.resize(4096);
    EXPECT_EQ(runtime::read_file(outer / "backup" / "journal" / "segment-0000000001"), expected);
}

TEST(BackupFolder, IsForItsOwnerAlone) {
    const testing::TemporaryFolder outer;
    const fs::path path = outer / "backup";
    fs::create_directory(path);
    fs::permissions(path, fs::perms::all);
    BackupFolder folder(path);
    write_segments(folder);
    folder.finish(42);

    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    EXPECT_EQ(fs::status(path / "journal").permissions(), fs::perms::owner_all);
    for (const fs::path& file : {path / "epoch", path / "journal" / "segment-0000000007"}) {
        EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    }
}

TEST(BackupFolder, GoesAgainUnlessItIsFinished) {
    const testing::TemporaryFolder outer;
    fs::create_directory(outer / "was there");
    for (const char* name : {"new", "was there"}) {
        BackupFolder folder(outer / name);
        write_segments(folder);
        EXPECT_THROW(folder.begin_segment(8), runtime::FileError);
    }

    EXPECT_EQ(names_in(outer.path()), std::set<std::string>{"was there"});
    EXPECT_TRUE(names_in(outer / "was there").empty());
}

TEST(BackupFolder, IsEmptyOrAbsentBefore) {
    const testing::TemporaryFolder outer;
    fs::create_directory(outer / "empty");
    fs::create_directories(outer / "full" / "something");
    runtime::replace_file(outer / "file", "precious");

    EXPECT_EQ(BackupFolder::problem(outer / "absent"), "");
    EXPECT_EQ(BackupFolder::problem(outer / "empty"), "");
    EXPECT_THAT(BackupFolder::problem(outer / "full"), ::testing::HasSubstr("is not empty"));
    EXPECT_THAT(BackupFolder::problem(outer / "file"), ::testing::HasSubstr("is not a folder"));
}

}  // namespace
}  // namespace xebec::client

#include "runtime/posix_files.h"

#include "tests/unit/runtime/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unistd.h>

namespace xebec::runtime {

namespace {

using testing::TemporaryFolder;

int calls = 0;

// Every other call is interrupted; the others do seven octets at most.
ssize_t read_haltingly(int descriptor, void* into, size_t size, off_t offset) {
    if (++calls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return pread(descriptor, into, std::min<size_t>(size, 7), offset);
}

ssize_t write_haltingly(int descriptor, const void* from, size_t size, off_t offset) {
    if (++calls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return pwrite(descriptor, from, std::min<size_t>(size, 7), offset);
}

int fail_to_flush(int) {
    ++calls;
    errno = EIO;
    return -1;
}

TEST(PosixFiles, AreWrittenAndReadWholeThoughCallsAreShortOrInterrupted) {  // F9
    TemporaryFolder folder;
    PosixFiles files({.read_at = read_haltingly, .write_at = write_haltingly, .flush = fdatasync});
    const auto file = files.open(folder / "a", FileAccess::create);
    const std::string octets(1'000, 'x');

    file->write_at(24, octets);
    file->flush();

    std::string again(2'000, ' ');
    EXPECT_EQ(file->read_at(24, again.data(), again.size()), octets.size());
    EXPECT_EQ(again.substr(0, octets.size()), octets);
    EXPECT_EQ(file->size(), 1'024U);
}

TEST(PosixFiles, AreFlushedOnceAndNeverAgain) {  // I23
    TemporaryFolder folder;
    PosixFiles files({.read_at = pread, .write_at = pwrite, .flush = fail_to_flush});
    const auto file = files.open(folder / "a", FileAccess::create);
    calls = 0;

    EXPECT_THROW(file->flush(), FileError);
    EXPECT_EQ(calls, 1);
}

TEST(PosixFiles, SayWhatFailedAndWhy) {
    TemporaryFolder folder;
    PosixFiles files;
    try {
        files.open(folder / "none", FileAccess::read);
        FAIL() << "it was opened";
    } catch (const FileError& error) {
        EXPECT_EQ(error.code(), ENOENT);
        EXPECT_EQ(std::string(error.what()),
                  "cannot open " + (folder / "none").string() + ": No such file or directory");
    }
    files.open(folder / "a", FileAccess::create);
    EXPECT_THROW(files.open(folder / "a", FileAccess::create), FileError);
}

TEST(PosixFiles, TakeRoomListRenameAndRemove) {
    TemporaryFolder folder;
    PosixFiles files;
    files.open(folder / "b", FileAccess::create)->allocate(10'000);
    files.rename(folder / "b", folder / "a");
    files.link(folder / "a", folder / "c");
    files.flush_folder(folder.path());

    EXPECT_EQ(files.list(folder.path()), (std::vector<std::string>{"a", "c"}));
    EXPECT_EQ(files.open(folder / "c", FileAccess::read)->size(), 10'000U);
    files.remove(folder / "a");
    EXPECT_FALSE(files.exists(folder / "a"));
    EXPECT_GT(files.free_octets(folder.path()), 0U);
}

TEST(PosixFiles, AreForTheirOwnerAlone) {
    using std::filesystem::perms;
    TemporaryFolder folder;
    PosixFiles files;
    files.make_folder(folder / "a" / "b" / "");
    files.make_folder(folder / "a" / "b");
    files.open(folder / "a" / "b" / "c", FileAccess::create);

    EXPECT_EQ(std::filesystem::status(folder / "a").permissions(), perms::owner_all);
    EXPECT_EQ(std::filesystem::status(folder / "a" / "b").permissions(), perms::owner_all);
    EXPECT_EQ(std::filesystem::status(folder / "a" / "b" / "c").permissions(),
              perms::owner_read | perms::owner_write);
    EXPECT_THROW(files.make_folder(folder / "a" / "b" / "c"), FileError);
    EXPECT_THROW(files.make_folder(folder / "a" / "b" / "c" / "d"), FileError);
    EXPECT_THROW(files.make_folder("/proc/xebec"), FileError);
    EXPECT_THROW(files.make_folder(""), FileError);
}

}  // namespace

}  // namespace xebec::runtime

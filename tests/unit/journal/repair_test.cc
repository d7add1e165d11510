#include "broker/journal/repair.h"

#include "broker/journal/journal_error.h"
#include "tests/unit/journal/fixture.h"

#include <algorithm>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

struct JournalRepair : JournalFixture {
    void change(const std::filesystem::path& path, std::uint64_t offset) {
        std::string content = disk.content(path);
        content[offset] ^= 1;
        disk.set_content(path, content);
    }
    RepairReport repair(RepairMode mode) { return broker::journal::repair(disk, folder, 0, mode); }
};

std::string header_of_version(std::uint16_t version) {
    const auto octets = encode(SegmentHeader{.segment = 1, .octets = small_segment_octets});
    std::string header(octets.data(), octets.size());
    store(&header[8], version);
    store(&header[40], payload_checksum(std::string_view(header).substr(0, 40)));
    return header;
}

TEST_F(JournalRepair, FindsNothingInAWholeJournal) {
    open();
    fill(0, 100);
    journal.reset();
    EXPECT_FALSE(repair(RepairMode::cut).is_damaged);
    open();
    EXPECT_EQ(replayed.records, appended);
}

TEST_F(JournalRepair, CutsAtTheDamageAndKeepsTheRestAside) {
    open();
    fill(0, 50);
    journal.reset();
    change(segment_path(3), 2'048 + 70);
    EXPECT_THROW(open(), JournalError);
    const auto before = disk.snapshot();

    const RepairReport dry = repair(RepairMode::dry_run);
    EXPECT_EQ(disk.snapshot(), before) << "a dry run changes nothing";
    const RepairReport report = repair(RepairMode::cut);

    EXPECT_TRUE(report.is_damaged);
    EXPECT_EQ(report.file, segment_path(3));
    EXPECT_EQ(report.offset, 2'048U);
    EXPECT_EQ(dry.records, report.records);
    EXPECT_TRUE(dry.kept_in.empty());
    EXPECT_FALSE(report.kept_in.empty());
    open();
    EXPECT_LT(replayed.records.size(), appended.size());
    EXPECT_EQ(replayed.records.size() + report.records + 1, appended.size())
        << "the damaged one cannot be counted";
    EXPECT_TRUE(std::equal(replayed.records.begin(), replayed.records.end(), appended.begin()));
    EXPECT_FALSE(repair(RepairMode::cut).is_damaged);
}

// Else what is last then would miss those that went later.
TEST_F(JournalRepair, LetsAStartGoOnWhereOldSegmentsHaveGone) {
    open();
    fill(0, 100);
    ASSERT_GT(journal->segment(), 6U);
    journal->trim(4);
    work_later();
    journal.reset();
    ASSERT_FALSE(disk.exists(segment_path(3)));
    for (const std::uint64_t offset : {std::uint64_t{2'048}, opening_offset}) {
        const auto files = disk.snapshot();
        change(segment_path(6), offset + 40);
        EXPECT_TRUE(repair(RepairMode::cut).is_damaged);
        open();

        EXPECT_FALSE(replayed.records.empty());
        EXPECT_NE(std::search(appended.begin(), appended.end(), replayed.records.begin(),
                              replayed.records.end()),
                  appended.end());
        EXPECT_FALSE(repair(RepairMode::dry_run).is_damaged);
        journal.reset();
        disk.restore(files);
    }
}

TEST_F(JournalRepair, EveryChangedOctetThatStopsAStartCanBeCut) {  // F11, I24
    segment_octets = 6 << 10;
    open();
    fill(0, 16, 300);
    journal.reset();
    const auto files = disk.snapshot();
    for (const auto& [path, content] : files) {
        for (std::size_t at = 0; at < content.size(); at += 5) {
            if (path.find("spare") != std::string::npos || (at >= 8 && at < 10)) {
                continue;
            }
            auto changed = files;
            changed[path][at] = static_cast<char>(changed[path][at] ^ 1);
            disk.restore(changed);
            try {
                open();
                continue;
            } catch (const JournalError&) {
                journal.reset();
            }
            ASSERT_TRUE(repair(RepairMode::cut).is_damaged) << path << " " << at;
            ASSERT_NO_THROW(open()) << path << " " << at;
            ASSERT_TRUE(
                std::equal(replayed.records.begin(), replayed.records.end(), appended.begin()));
        }
    }
}

TEST_F(JournalRepair, GivesAFileThatIsTooShortItsSizeAgain) {  // F11, I24
    open();
    fill(0, 3);
    stop();
    const std::string path = segment_path(1);
    disk.set_content(path, disk.content(path).substr(0, 2'048 + 100));
    EXPECT_THROW(open(), JournalError);
    journal.reset();

    const RepairReport report = repair(RepairMode::cut);

    EXPECT_TRUE(report.is_damaged);
    EXPECT_EQ(report.offset, 2'048U);
    EXPECT_EQ(disk.content(path).size(), segment_octets);
    open();
    EXPECT_EQ(replayed.records.size(), 2U);
    EXPECT_FALSE(repair(RepairMode::dry_run).is_damaged);
}

TEST_F(JournalRepair, LetsAStartGoOnWithoutAMissingSegment) {
    open();
    fill(0, 50);
    journal.reset();
    disk.forget(segment_path(3));
    try {
        open();
        FAIL() << "it started";
    } catch (const JournalError& error) {
        EXPECT_NE(std::string(error.what()).find("segment 3"), std::string::npos);
    }
    EXPECT_TRUE(repair(RepairMode::cut).is_damaged);
    open();
    EXPECT_TRUE(std::equal(replayed.records.begin(), replayed.records.end(), appended.begin()));
}

TEST_F(JournalRepair, DoesNotReplaceAMissingBeginning) {
    open();
    fill(0, 50);
    journal.reset();
    disk.forget(segment_path(1));
    EXPECT_THROW(open(), JournalError);
}

TEST_F(JournalRepair, ForeignFilesAndOtherVersionsAreRefusedWithASentence) {  // F25, F26
    open();
    fill(0, 3);
    journal.reset();
    const auto files = disk.snapshot();
    const auto refusal = [this] {
        try {
            open();
        } catch (const JournalError& error) {
            return std::string(error.what());
        }
        return std::string();
    };

    disk.set_content(std::filesystem::path(folder) / "notes.txt", "hello");
    EXPECT_NE(refusal().find("move it elsewhere"), std::string::npos);

    disk.restore(files);
    const auto newer = header_of_version(format_version + 1);
    std::string content = files.at(segment_path(1));
    content.replace(0, newer.size(), newer);
    disk.set_content(segment_path(1), content);
    EXPECT_NE(refusal().find("start the newer xebec"), std::string::npos);

    disk.restore(files);
    disk.set_content(segment_path(7), files.at(segment_path(1)));
    EXPECT_NE(refusal().find("segment"), std::string::npos);
}

}  // namespace

}  // namespace xebec::testing

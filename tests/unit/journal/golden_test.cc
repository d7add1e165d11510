// Journals of every version there has been are kept for ever; this program has to read them. To
// write the present version's anew (only before it is released): XEBEC_WRITE_GOLDEN=1.

#include "broker/journal/format.h"
#include "runtime/posix_files.h"
#include "tests/support/journal_records.h"
#include "tests/unit/journal/fixture.h"
#include "tests/unit/runtime/temporary_folder.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;
namespace fs = std::filesystem;

const fs::path golden = XEBEC_GOLDEN_FOLDER;
const std::string large(600, 'x');

// Two lives: one that ended cleanly, and one that was killed.
void write_journal(const fs::path& folder) {
    runtime::PosixFiles files;
    for (const bool is_first : {true, false}) {
        Journal journal(files, {.folder = folder, .segment_octets = 8 << 10, .seed = 1},
                        [](const Record&, const Places&) {});
        journal.append(is_first ? records_of_every_type(large)
                                : std::vector<Record>{accepted(1'000, "the second life")});
        if (is_first) {
            journal.close();
        }
        Instant now{};
        while (const auto next = journal.work(now)) {
            now = std::max(now, *next);
            if (now > Instant{}) {
                break;
            }
        }
    }
}

void expect_to_be_read(const std::string& name, const std::vector<Record>& records) {
    TemporaryFolder folder;
    fs::copy(golden / name, folder / "journal");
    std::vector<std::string> expected;
    for (const Record& record : records) {
        expected.push_back(fingerprint(record));
    }
    expected.push_back(fingerprint(accepted(1'000, "the second life")));

    runtime::PosixFiles files;
    Replayed replayed;
    Journal journal(files, {.folder = folder / "journal", .segment_octets = 8 << 10, .seed = 2},
                    replayed.sink());

    EXPECT_EQ(replayed.records, expected);
    EXPECT_TRUE(journal.cuts().empty());
}

TEST(GoldenJournal, OfVersion1GivesItsRecords) {  // F25
    expect_to_be_read("journal-v1", records_of_version_1(large));
}

TEST(GoldenJournal, OfVersion2GivesItsRecords) {  // F25
    expect_to_be_read("journal-v2", records_of_version_2(large));
}

TEST(GoldenJournal, OfVersion3GivesItsRecords) {  // F25
    expect_to_be_read("journal-v3", records_of_version_3(large));
}

TEST(GoldenJournal, OfVersion4GivesItsRecords) {  // F25
    if (std::getenv("XEBEC_WRITE_GOLDEN") != nullptr) {
        fs::remove_all(golden / "journal-v4");
        write_journal(golden / "journal-v4");
        fs::remove(golden / "journal-v4" / segment_name(3));  // the next one, never used
    }
    expect_to_be_read("journal-v4", records_of_every_type(large));
}

// Its first segment is shelved, and the second has gone.
void write_shelved_journal(const fs::path& folder) {
    runtime::PosixFiles files;
    Journal journal(files, {.folder = folder, .segment_octets = 8 << 10, .seed = 1},
                    [](const Record&, const Places&) {});
    const auto work = [&journal] {
        for (Instant now{}; journal.work(now) == now;) {
        }
    };
    std::uint32_t in_first = 0;
    for (std::uint64_t number = 1; journal.segment() < 3; ++number) {
        const Record record = accepted(number, number % 2 == 0 ? large : "in line");
        journal.append({&record, 1});
        work();
        in_first += journal.segment() == 1 ? 1 : 0;
    }
    const std::vector<Record> records{
        SegmentShelved{.segment = 1, .runs = {1, 1, in_first - 2}, .is_last = true}};
    journal.append(records);
    work();
    journal.trim(2, Journal::Before::is_shelved);
    journal.trim(3);
    work();
    journal.close();
    work();
}

TEST(GoldenJournal, OfVersion4GivesWhatIsShelved) {  // F25
    if (std::getenv("XEBEC_WRITE_GOLDEN") != nullptr) {
        fs::remove_all(golden / "journal-v4-shelved");
        write_shelved_journal(golden / "journal-v4-shelved");
        fs::remove(golden / "journal-v4-shelved" / segment_name(4));  // the next one, never used
    }
    TemporaryFolder folder;
    fs::copy(golden / "journal-v4-shelved", folder / "journal");
    runtime::PosixFiles files;
    Replayed replayed;
    const Journal journal(files,
                          {.folder = folder / "journal", .segment_octets = 8 << 10, .seed = 2},
                          replayed.sink());

    EXPECT_EQ(journal.shelves(), std::set<std::uint32_t>{1});
    EXPECT_EQ(replayed.shelved, (std::vector<std::uint64_t>{1, 3, 4, 5, 6, 7, 8}));
    EXPECT_FALSE(fs::exists(folder / "journal" / segment_name(2)));
}

// What was made ready by an older program and never used is not begun: what is written now could
// not be read as that version.
TEST(GoldenJournal, OfAnOlderVersionGoesOnInTheNewestOne) {
    TemporaryFolder folder;
    fs::copy(golden / "journal-v1", folder / "journal");
    const auto version_of = [&](std::uint32_t segment) {
        std::ifstream file(folder / "journal" / segment_name(segment), std::ios::binary);
        std::string octets(sector_octets, '\0');
        file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
        return decode_segment_header(octets).version;
    };
    const auto unused = encode(SegmentHeader{.segment = 3, .octets = 8 << 10, .version = 1});
    std::string octets(8 << 10, '\0');
    std::copy(unused.begin(), unused.end(), octets.begin());
    std::ofstream(folder / "journal" / segment_name(3), std::ios::binary) << octets;

    runtime::PosixFiles files;
    Replayed replayed;
    Journal journal(files, {.folder = folder / "journal", .segment_octets = 8 << 10, .seed = 2},
                    replayed.sink());

    EXPECT_EQ(version_of(2), 1U);
    EXPECT_EQ(version_of(3), format_version);
}

}  // namespace

}  // namespace xebec::testing

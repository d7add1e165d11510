// Journals of every version there has been are kept for ever; this program has to read them. To
// write the present version's anew (only before it is released): XEBEC_WRITE_GOLDEN=1.

#include "runtime/posix_files.h"
#include "tests/support/journal_records.h"
#include "tests/unit/journal/fixture.h"
#include "tests/unit/runtime/temporary_folder.h"

#include <cstdlib>
#include <filesystem>

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

TEST(GoldenJournal, OfVersion1GivesItsRecords) {  // F25
    if (std::getenv("XEBEC_WRITE_GOLDEN") != nullptr) {
        fs::remove_all(golden / "journal-v1");
        write_journal(golden / "journal-v1");
        fs::remove(golden / "journal-v1" / segment_name(3));  // the next one, never used
    }
    TemporaryFolder folder;
    fs::copy(golden / "journal-v1", folder / "journal");
    std::vector<std::string> expected;
    for (const Record& record : records_of_every_type(large)) {
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

}  // namespace

}  // namespace xebec::testing

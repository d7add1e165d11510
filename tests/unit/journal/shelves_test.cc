// Segments that stay when those around them have gone, and what a start reads of them.

#include "broker/journal/journal_error.h"
#include "broker/journal/repair.h"
#include "tests/unit/journal/fixture.h"

#include <algorithm>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

struct ShelvedSegments : JournalFixture {
    std::uint64_t number_last = 0;
    std::uint64_t in_first = 0;  // tasks in the first segment

    // Four segments of tasks with payloads in line and apart.
    ShelvedSegments() {
        open();
        work();
        while (journal->segment() < 4) {
            ++number_last;
            fill(number_last, 1, number_last % 3 == 0 ? 300 : 100);
            in_first += journal->segment() == 1 ? 1 : 0;
        }
    }
    // Tells the first segment's tasks by their order but for the second, and shelves it.
    void tell() {
        append({SegmentShelved{.segment = 1, .runs = {1, 1}}});
        append({SegmentShelved{.segment = 1,
                               .first = 2,
                               .runs = {static_cast<std::uint32_t>(in_first - 2)},
                               .is_last = true}});
        work();
    }
    void shelve() {
        tell();
        journal->trim(2, Journal::Before::is_shelved);
        journal->trim(3);
        work_later();
    }
    bool exists(std::uint32_t segment) { return disk.exists(segment_path(segment)); }
    std::vector<std::uint64_t> held() const {
        std::vector<std::uint64_t> numbers{1};
        for (std::uint64_t number = 3; number <= in_first; ++number) {
            numbers.push_back(number);
        }
        return numbers;
    }
    std::string refusal() {
        try {
            open();
        } catch (const JournalError& error) {
            return error.what();
        }
        return {};
    }
    void change(std::uint64_t offset) {
        std::string content = disk.content(segment_path(1));
        content[offset] ^= 1;
        disk.set_content(segment_path(1), content);
    }
};

TEST_F(ShelvedSegments, GiveTheTasksThatHoldWhereTheyAreToldOf) {  // I1, I2
    shelve();
    ASSERT_TRUE(exists(1));
    ASSERT_FALSE(exists(2));
    open();

    EXPECT_EQ(replayed.shelved, held());
    EXPECT_EQ(replayed.shelf.size(), in_first) << "what does not hold has its place among them";
    EXPECT_EQ(replayed.shelf[1], 2U);
    EXPECT_EQ(replayed.records,
              std::vector(appended.end() - static_cast<std::ptrdiff_t>(replayed.records.size()),
                          appended.end()));
    EXPECT_EQ(journal->shelves(), std::set<std::uint32_t>{1});
    for (const Places& place : replayed.shelved_places) {
        const ReadRequest request{.locator = place.payload, .token = 1};
        journal->read({&request, 1});
        journal->work_reads();
        const auto answers = journal->take_answers();
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].fault, "");
        EXPECT_EQ(answers[0].octets.size(), place.payload_octets);
    }
}

TEST_F(ShelvedSegments, GiveNothingWhileTheyAreInTheSequence) {  // I2, I22
    tell();
    open();

    EXPECT_TRUE(replayed.shelved.empty());
    EXPECT_EQ(replayed.records, appended);
    EXPECT_TRUE(journal->shelves().empty());
}

TEST_F(ShelvedSegments, GiveNothingTwice) {  // I2
    shelve();
    tell();
    open();

    EXPECT_EQ(replayed.shelved, held());
}

TEST_F(ShelvedSegments, AreGivenBackWhenNothingOfThemHolds) {
    shelve();
    append({SegmentShelved{.segment = 1, .is_last = true}});
    work();
    journal->unshelve(1);
    work_later();
    EXPECT_FALSE(exists(1));
    open();

    EXPECT_TRUE(replayed.shelved.empty()) << "though it was told of before";
}

TEST_F(ShelvedSegments, ThatAPowerCutBroughtBackGoAtTheNextStart) {  // F4
    shelve();
    const auto files = disk.snapshot();
    append({SegmentShelved{.segment = 1, .is_last = true}});
    work();
    journal->unshelve(1);
    work_later();
    disk.set_content(segment_path(1), files.at(segment_path(1)));
    open();

    EXPECT_FALSE(exists(1));
    EXPECT_TRUE(journal->shelves().empty());
}

// What says that nothing of a shelf holds is in the page cache only when the start that reads it
// there is killed, too.
TEST_F(ShelvedSegments, GoWhenWhatSaysSoIsOnTheDisk) {  // F1, F4, I1
    shelve();
    const auto files = disk.snapshot();
    std::uint64_t operation = 0;
    for (bool was_killed = true; was_killed; ++operation) {
        journal.reset();
        disk.~SimulatedDisk();
        new (&disk) SimulatedDisk(operation);
        disk.restore(files);
        open();
        append({SegmentShelved{.segment = 1, .is_last = true}});
        disk.kill_at(disk.operations() + 1);
        EXPECT_THROW(work(), Killed);  // written, and not flushed
        journal.reset();
        disk.revive();

        disk.kill_at(disk.operations() + operation);
        was_killed = false;
        try {
            open();
        } catch (const Killed&) {
            was_killed = true;
        }
        journal.reset();
        disk.revive();
        disk.cut_power();

        ASSERT_NO_THROW(open()) << operation;
        EXPECT_TRUE(replayed.shelved.empty() || replayed.shelved == held()) << operation;
    }
    EXPECT_GT(operation, 5U);
}

// With `relaxed` it is durable before.
TEST_F(ShelvedSegments, OfRelaxedGoWhenWhatSaysSoIsFlushed) {  // F4, I22
    shelve();
    flush_every = std::chrono::seconds{1};
    open();
    work();
    append({SegmentShelved{.segment = 1, .is_last = true}});
    work();
    journal->unshelve(1);
    work();
    EXPECT_FALSE(exists(1));
    journal.reset();
    disk.cut_power();

    ASSERT_NO_THROW(open());
    EXPECT_TRUE(replayed.shelved.empty());
}

TEST_F(ShelvedSegments, ThatAreMissingAreNamed) {  // I24
    shelve();
    journal.reset();
    disk.forget(segment_path(1));

    EXPECT_NE(refusal().find("segment 1 of the journal is missing"), std::string::npos);
}

TEST_F(ShelvedSegments, AreHeldForABackup) {  // I1
    shelve();
    const auto held = journal->hold(7);
    ASSERT_FALSE(held.empty());
    EXPECT_EQ(held.front().segment, 1U);

    append({SegmentShelved{.segment = 1, .is_last = true}});
    work();
    journal->unshelve(1);
    work_later();
    EXPECT_TRUE(exists(1));
    journal->release(7);
    work_later();
    EXPECT_FALSE(exists(1));
}

// What was told of behind the damage is lost; the rest is not.
TEST_F(ShelvedSegments, ThatAreDamagedAreCutByARepair) {  // F11, I24
    shelve();
    journal.reset();
    constexpr std::uint64_t third_frame = 2'048;
    change(third_frame + 70);
    EXPECT_NE(refusal().find("segment-0000000001 is damaged at octet 2048"), std::string::npos);
    journal.reset();
    const auto before = disk.snapshot();

    const RepairReport dry = repair(disk, folder, 0, RepairMode::dry_run);
    EXPECT_EQ(disk.snapshot(), before);
    EXPECT_EQ(dry.file, segment_path(1));
    EXPECT_EQ(dry.offset, third_frame);
    EXPECT_GT(dry.records, 0U);
    const RepairReport report = repair(disk, folder, 0, RepairMode::cut);
    EXPECT_EQ(report.records, dry.records);
    ASSERT_EQ(report.kept_in.size(), 1U);
    EXPECT_TRUE(disk.exists(report.kept_in[0]));

    EXPECT_FALSE(repair(disk, folder, 0, RepairMode::dry_run).is_damaged);
    open();
    EXPECT_EQ(replayed.shelved, std::vector<std::uint64_t>{1});
    EXPECT_EQ(replayed.shelf, (std::map<std::uint32_t, std::uint64_t>{{0, 1}, {1, 2}}));
}

// What shelves it is lost with the tail, and it is still where it was.
TEST_F(ShelvedSegments, AreInTheSequenceAgainWhereTheirTellingIsCut) {  // I1, I24
    const std::size_t before = appended.size();
    const std::uint32_t last = journal->segment();
    const std::uint64_t offset = journal->segment_taken();
    tell();
    journal->trim(2, Journal::Before::is_shelved);
    work_later();
    ASSERT_EQ(journal->segment(), last);
    journal.reset();
    std::string content = disk.content(segment_path(last));
    content[offset + 70] ^= 1;
    disk.set_content(segment_path(last), content);

    const RepairReport report = repair(disk, folder, 0, RepairMode::cut);
    EXPECT_EQ(report.offset, offset);
    EXPECT_TRUE(exists(1));

    open();
    EXPECT_TRUE(replayed.shelved.empty());
    EXPECT_EQ(
        replayed.records,
        std::vector(appended.begin(), appended.begin() + static_cast<std::ptrdiff_t>(before)));
}

// As often as it takes.
TEST_F(ShelvedSegments, AreCutByARepairThatMayBeKilledAnywhere) {  // F1, I24
    shelve();
    const std::uint32_t last = journal->segment();
    fill(1'000, 40);
    ASSERT_GT(journal->segment(), last + 1);
    journal.reset();
    const auto files = disk.snapshot();
    for (const auto& [damaged, offset] :
         {std::pair{3U, frames_offset}, std::pair{last, frames_offset},
          std::pair{last, opening_offset}, std::pair{last + 1, frames_offset},
          std::pair{last + 1, opening_offset}}) {
        std::size_t expected = 0;
        bool was_killed = true;
        for (std::uint64_t operation = 0; was_killed; ++operation) {
            disk.restore(files);
            std::string content = disk.content(segment_path(damaged));
            content[offset + 20] ^= 1;
            disk.set_content(segment_path(damaged), content);
            disk.kill_at(disk.operations() + operation);
            was_killed = false;
            try {
                repair(disk, folder, 0, RepairMode::cut);
            } catch (const Killed&) {
                was_killed = true;
            }
            disk.revive();
            repair(disk, folder, 0, RepairMode::cut);

            ASSERT_EQ(refusal(), "") << damaged << ' ' << offset << ' ' << operation;
            expected = operation == 0 ? replayed.records.size() : expected;
            EXPECT_EQ(replayed.records.size(), expected) << operation;
            journal.reset();
        }
    }
}

// A start would take its file for one that a power cut has brought back.
TEST_F(ShelvedSegments, ThatAreToldOfBehindTheDamageAreKeptAside) {  // I24
    shelve();
    const std::uint32_t last = journal->segment();
    journal.reset();
    std::string content = disk.content(segment_path(3));
    content[frames_offset + 70] ^= 1;
    disk.set_content(segment_path(3), content);
    ASSERT_GT(last, 3U);

    const RepairReport dry = repair(disk, folder, 0, RepairMode::dry_run);
    EXPECT_EQ(dry.file, segment_path(3));
    EXPECT_TRUE(std::count(dry.segments.begin(), dry.segments.end(), segment_path(1)));
    EXPECT_TRUE(exists(1));
    const RepairReport report = repair(disk, folder, 0, RepairMode::cut);
    EXPECT_EQ(report.segments, dry.segments);

    EXPECT_FALSE(exists(1));
    EXPECT_TRUE(disk.exists(std::filesystem::path(folder) / "cut-segment-0000000001"));
    open();
    EXPECT_TRUE(replayed.shelved.empty());
}

// Whatever octet it is: it is told before anything is lost, or it does not matter.
TEST_F(ShelvedSegments, OfWhichOneOctetHasChangedAreRefusedOrWhole) {  // F11, I24
    shelve();
    journal.reset();
    const auto files = disk.snapshot();
    const std::size_t size = files.at(segment_path(1)).size();
    std::size_t refused = 0;
    for (std::size_t at = 0; at < size; at += 7) {
        disk.restore(files);
        change(at);
        if (refusal().empty()) {
            ASSERT_EQ(replayed.shelved, held()) << at;
        } else {
            ++refused;
        }
        journal.reset();
    }
    EXPECT_GT(refused, size / 7 / 4);
}

}  // namespace

}  // namespace xebec::testing

// What is held for a backup stays, and a copy of it is a journal.

#include "tests/unit/journal/fixture.h"

#include <algorithm>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

struct HeldSegments : JournalFixture {
    // The octets, read in pieces beside the writer, as files on a disk of their own.
    std::map<std::string, std::string> copy(const std::vector<SegmentUse>& held) {
        constexpr std::uint64_t piece_octets_max = 3'000;
        std::map<std::string, std::string> files;
        for (const SegmentUse& use : held) {
            std::string& content = files[segment_path(use.segment).string()];
            while (content.size() < use.octets) {
                const auto octets = std::min(piece_octets_max, use.octets - content.size());
                const auto answer = read({.at = {use.segment, offset_of(content)},
                                          .octets = static_cast<std::uint32_t>(octets),
                                          .token = 7});
                EXPECT_EQ(answer.fault, "");
                EXPECT_EQ(answer.octets.size(), octets);
                if (answer.octets.size() != octets) {
                    return files;
                }
                content += answer.octets.view();
            }
            content.resize(small_segment_octets);
        }
        return files;
    }
    PieceAnswer read(const PieceRequest& request) {
        journal->read_pieces({&request, 1});
        EXPECT_TRUE(journal->work_reads());
        std::vector<PieceAnswer> answers = journal->take_pieces();
        EXPECT_EQ(answers.size(), 1U);
        return answers.empty() ? PieceAnswer{} : answers.front();
    }

    // A start on the copy: everything that was durable, as far back as the copy goes.
    void expect_journal(const std::map<std::string, std::string>& files, Position durable) {
        SimulatedDisk other{2};
        other.restore(files);
        Replayed there;
        const Journal started(
            other, {.folder = folder, .segment_octets = segment_octets, .seed = 1}, there.sink());

        EXPECT_EQ(started.end(), durable);
        EXPECT_TRUE(started.cuts().empty());
        ASSERT_LE(there.records.size(), durable);
        const auto end = appended.begin() + static_cast<std::ptrdiff_t>(durable);
        EXPECT_EQ(there.records,
                  std::vector(end - static_cast<std::ptrdiff_t>(there.records.size()), end));
    }
    static std::uint32_t offset_of(const std::string& content) {
        return static_cast<std::uint32_t>(content.size());
    }
    std::size_t segments_on_the_disk() const {
        const std::vector<std::string> names = disk.names();
        return static_cast<std::size_t>(std::count_if(
            names.begin(), names.end(),
            [](const std::string& name) { return name.find("/segment-") != std::string::npos; }));
    }
};

TEST_F(HeldSegments, AreAJournalUpToWhatIsDurable) {  // I1, I22
    open();
    fill(0, 200);
    append({accepted(200, "not durable yet")});

    const std::vector<SegmentUse> held = journal->hold(1);
    work();
    fill(201, 50);

    ASSERT_GT(held.size(), 5U);
    EXPECT_EQ(held.front().segment, 1U);
    expect_journal(copy(held), 200);
}

TEST_F(HeldSegments, AreOneBehindAStartToo) {  // I22
    open();
    expect_journal(copy(journal->hold(1)), 0);
    fill(0, 30);
    open();

    expect_journal(copy(journal->hold(1)), 30);
}

TEST_F(HeldSegments, StayUntilTheyAreReleased) {  // I1
    open();
    fill(0, 200);
    const std::uint32_t head = journal->segment();
    const std::size_t count = segments_on_the_disk();
    const std::vector<SegmentUse> held = journal->hold(1);

    journal->trim(head);
    work_later();
    EXPECT_EQ(segments_on_the_disk(), count);
    fill(200, 1);
    expect_journal(copy(held), 200);

    journal->release(1);
    work_later();
    EXPECT_EQ(journal->segments().size(), 1U);
    EXPECT_EQ(segments_on_the_disk(), 2U) << "the head, the next one";
}

// What the disk's side has been told to remove, and has not said in a frame yet, a start would ask
// for.
TEST_F(HeldSegments, AreAllThatAStartAsksFor) {  // I22
    open();
    fill(0, 200);
    const std::uint32_t head = journal->segment();
    journal->trim(head);

    const std::vector<SegmentUse> held = journal->hold(1);
    work();

    EXPECT_EQ(held.front().segment, 1U);
    expect_journal(copy(held), 200);
    const std::vector<SegmentUse> later = journal->hold(2);
    EXPECT_EQ(later.front().segment, head) << "now a frame says it";
    expect_journal(copy(later), 200);
}

TEST_F(HeldSegments, AreHeldByEachBackup) {
    open();
    fill(0, 100);
    const std::vector<SegmentUse> held = journal->hold(1);
    fill(100, 100);
    journal->hold(2);
    journal->trim(journal->segment());

    journal->release(2);
    work_later();
    expect_journal(copy(held), 100);
    journal->release(1);
    work_later();
    EXPECT_EQ(journal->segments().size(), 1U);
}

TEST_F(HeldSegments, AreWhatWasWrittenWithoutAFlushToo) {
    flush_every = std::chrono::milliseconds{50};
    open();
    work();
    append({accepted(0, "a")});
    journal->work(now);
    ASSERT_EQ(journal->durable_position(), 1U);

    expect_journal(copy(journal->hold(1)), 1);
}

TEST_F(HeldSegments, AreCopiedAtAnyMomentWhileOthersGo) {  // I1, I22
    open();
    std::mt19937_64 dice(7);
    std::uint64_t number = 0;
    for (std::uint64_t backup = 1; backup < 100; ++backup) {
        for (std::uint64_t i = dice() % 20; i > 0; --i) {
            append({accepted(number++, std::string(dice() % 600, 'x'))});
            journal->work(now);
            if (dice() % 8 == 0) {
                journal->trim(journal->segment() - std::min(journal->segment() - 1U, 3U));
            }
        }
        const Position durable = journal->durable_position();
        const std::vector<SegmentUse> held = journal->hold(backup);
        journal->trim(journal->segment());
        const std::uint64_t before = number;
        while (number < before + 30) {
            append({accepted(number++, std::string(dice() % 600, 'y'))});
            work();
        }
        expect_journal(copy(held), durable);
        journal->release(backup);
    }
    EXPECT_GT(journal->segment(), 100U);
}

TEST_F(HeldSegments, AreReadLaterWhenDescriptorsOrMemoryAreUsedUp) {  // F21, F24
    for (const int code : {EMFILE, ENFILE, ENOMEM}) {
        open();
        fill(0, 30);
        const std::uint32_t segment = journal->hold(1).front().segment;
        disk.fail_opens(code);

        const std::vector<PieceRequest> requests{{.at = {segment, 0}, .octets = 100, .token = 7},
                                                 {.at = {segment, 100}, .octets = 50, .token = 8}};
        journal->read_pieces(requests);
        EXPECT_FALSE(journal->work_reads());
        EXPECT_FALSE(journal->work_reads());
        EXPECT_TRUE(journal->must_retry_reads());
        EXPECT_TRUE(journal->take_pieces().empty());
        disk.revive();
        EXPECT_TRUE(journal->work_reads());
        EXPECT_TRUE(journal->work_reads());

        const std::vector<PieceAnswer> answers = journal->take_pieces();
        ASSERT_EQ(answers.size(), 2U);
        EXPECT_EQ(answers[0].token, 7U);
        EXPECT_EQ(answers[0].octets.size(), 100U);
        EXPECT_EQ(answers[1].token, 8U);
        EXPECT_EQ(answers[1].octets.size(), 50U);
        EXPECT_FALSE(journal->must_retry_reads());
    }
}

TEST_F(HeldSegments, AreNotReadBeyondTheirEnd) {
    open();
    fill(0, 10);
    const std::uint32_t segment = journal->hold(1).front().segment;

    const PieceAnswer beyond =
        read({.at = {segment, static_cast<std::uint32_t>(segment_octets) - 10}, .octets = 11});
    const PieceAnswer absent = read({.at = {99, 0}, .octets = 1});

    EXPECT_NE(beyond.fault.find("is shorter than it was"), std::string::npos) << beyond.fault;
    EXPECT_NE(absent.fault.find("cannot open"), std::string::npos) << absent.fault;
    EXPECT_TRUE(beyond.octets.empty());
}

}  // namespace

}  // namespace xebec::testing

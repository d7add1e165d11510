#include "tests/unit/journal/fixture.h"

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

using JournalOf = JournalFixture;

TEST_F(JournalOf, NothingIsDurableBeforeItIsFlushed) {  // I1
    open();

    EXPECT_EQ(append({accepted(1, "a"), accepted(2, "b")}), 0U);
    EXPECT_EQ(journal->end(), 2U);
    EXPECT_EQ(journal->durable_position(), 0U);
    EXPECT_GT(journal->octets_waiting(), 0U);
    work();

    EXPECT_EQ(journal->durable_position(), 2U);
    EXPECT_EQ(journal->octets_waiting(), 0U);
}

TEST_F(JournalOf, OneRecordAloneIsFlushedAtOnce) {
    open();
    work();
    append({accepted(1, "a")});
    const std::uint64_t flushes = disk.flushes();

    journal->work(now);

    EXPECT_EQ(disk.flushes(), flushes + 1);
    EXPECT_EQ(journal->durable_position(), 1U);
}

TEST_F(JournalOf, WhatIsAppendedDuringAFlushSharesTheNext) {
    open();
    work();
    for (std::uint64_t i = 0; i < 10; ++i) {
        append({accepted(i, "a")});
    }
    const std::uint64_t flushes = disk.flushes();

    journal->work(now);

    EXPECT_EQ(disk.flushes(), flushes + 1);
    EXPECT_EQ(journal->durable_position(), 10U);
}

TEST_F(JournalOf, RecordsOfEveryTypeComeBackInOrder) {
    const std::string large(1'000, 'x');
    segment_octets = 64 << 10;
    open();
    const std::vector<Record> records = records_of_every_type(large);
    append(records);
    work();
    const std::vector<Places> places(journal->places().begin(), journal->places().end());

    open();

    EXPECT_EQ(replayed.records, appended);
    EXPECT_EQ(journal->end(), records.size());
    EXPECT_EQ(journal->durable_position(), records.size());
}

TEST_F(JournalOf, RecordsAreAnnouncedBeforeTheyComeBack) {
    open();
    for (std::uint64_t first = 1; first < 100; first += 33) {  // frames, and segments, of many
        std::vector<Record> records;
        for (std::uint64_t number = first; number < first + 33; ++number) {
            records.push_back(accepted(number, "a"));
            records.emplace_back(TaskCancelled{.number = number});
        }
        append(records);
        work();
    }
    journal.reset();

    std::vector<std::pair<std::uint64_t, std::optional<TaskId>>> announced;
    std::size_t replayed_count = 0;
    const Journal again(
        disk, {.folder = folder, .segment_octets = segment_octets, .seed = ++seed},
        [&](const Record& record, const Places&) {
            ASSERT_LT(replayed_count, announced.size());
            const auto& [number, id] = announced[replayed_count++];
            if (const auto* task = std::get_if<TaskAccepted>(&record)) {
                EXPECT_EQ(number, task->number);
                EXPECT_EQ(id, task->id);
            } else {
                EXPECT_EQ(number, std::get<TaskCancelled>(record).number);
                EXPECT_EQ(id, std::nullopt);
            }
        },
        [&](std::uint64_t number, const std::optional<TaskId>& id) {
            announced.emplace_back(number, id);
        });

    EXPECT_EQ(replayed_count, 198U);
    EXPECT_EQ(announced.size(), 198U);
}

// The records' payloads and results lie at these places.
void expect_octets_at(Journal& journal, const std::vector<Record>& records,
                      std::span<const Places> places) {
    std::vector<ReadRequest> requests;
    std::vector<std::string> expected;
    for (const Places& one : places) {
        for (const Locator& locator : {one.payload, one.result}) {
            if (!locator.is_nowhere()) {
                requests.push_back({locator, requests.size()});
            }
        }
    }
    for (const Record& record : records) {
        for (const std::string& payload : payloads_of(record)) {
            expected.push_back(payload);
        }
    }
    ASSERT_EQ(requests.size(), expected.size());
    EXPECT_FALSE(journal.work_reads());
    journal.read(requests);
    EXPECT_TRUE(journal.work_reads());
    const auto answers = journal.take_answers();
    ASSERT_EQ(answers.size(), expected.size());
    for (const ReadAnswer& answer : answers) {
        EXPECT_EQ(answer.fault, "");
        EXPECT_EQ(answer.octets.view(), expected[answer.token]);
    }
}

TEST_F(JournalOf, PayloadsAreReadBackFromWhereTheyWereSaidToLie) {
    const std::string large(1'000, 'x');
    segment_octets = 64 << 10;
    open();
    const std::vector<Record> records = records_of_every_type(large);
    append(records);
    const std::vector<Places> places(journal->places().begin(), journal->places().end());
    work();
    expect_octets_at(*journal, records, places);

    open();  // written again: they lie elsewhere
    work();
    expect_octets_at(*journal, records, replayed.places);
}

TEST_F(JournalOf, ManyPayloadsAreGivenBackInParts) {
    segment_octets = 1 << 20;
    open();
    append({accepted(1, "payload")});
    const Locator at = journal->places()[0].payload;
    work();
    std::vector<ReadRequest> requests;
    for (std::uint64_t i = 0; i < 5'000; ++i) {
        requests.push_back({at, i});
    }

    journal->read(requests);
    std::vector<std::size_t> parts;
    std::uint64_t next = 0;
    while (journal->work_reads()) {
        const auto answers = journal->take_answers();
        for (const ReadAnswer& answer : answers) {
            EXPECT_EQ(answer.token, next++);
            EXPECT_EQ(answer.octets.view(), "payload");
        }
        parts.push_back(answers.size());
    }

    EXPECT_EQ(parts, (std::vector<std::size_t>{2'048, 2'048, 904}));
}

TEST_F(JournalOf, NeighboursAreReadBackTogether) {
    segment_octets = 1 << 20;
    open();
    std::vector<Record> records;
    std::vector<std::string> expected;
    for (std::uint64_t i = 0; i < 400; ++i) {
        // Some longer than what is read at once, and some that lie across its end.
        expected.emplace_back(i % 50 == 7 ? 10'000 : 20 + i, static_cast<char>('a' + i % 26));
        records.push_back(accepted(i + 1, expected.back()));
    }
    append(records);
    const std::vector<Places> places(journal->places().begin(), journal->places().end());
    work();
    std::vector<ReadRequest> requests;
    for (std::uint64_t i = 0; i < 400; ++i) {
        requests.push_back({places[399 - i].payload, 399 - i});
    }
    std::string content = disk.content(segment_path(places[0].payload.segment));
    content[places[100].payload.offset + 50] = '?';
    disk.set_content(segment_path(places[0].payload.segment), content);

    const std::uint64_t reads_before = disk.reads();
    journal->read(requests);
    journal->work_reads();
    const auto answers = journal->take_answers();

    ASSERT_EQ(answers.size(), 400U);
    for (const ReadAnswer& answer : answers) {
        const bool is_damaged = answer.token == 100;
        EXPECT_EQ(answer.octets.view(), is_damaged ? "" : expected[answer.token]);
        EXPECT_EQ(answer.fault.empty(), !is_damaged);
    }
    EXPECT_LT(disk.reads() - reads_before, 60U);
}

TEST_F(JournalOf, ADamagedPayloadIsNotGivenOut) {  // I24
    open();
    append({accepted(1, std::string(1'000, 'x'))});
    const Locator locator = journal->places()[0].payload;
    work();
    std::string content = disk.content(segment_path(locator.segment));
    content[locator.offset + 500] = 'y';
    disk.set_content(segment_path(locator.segment), content);

    journal->read(std::vector<ReadRequest>{{locator, 7}});
    journal->work_reads();
    const auto answers = journal->take_answers();

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].token, 7U);
    EXPECT_TRUE(answers[0].octets.empty());
    EXPECT_NE(answers[0].fault.find("damaged"), std::string::npos);
}

TEST_F(JournalOf, APayloadIsReadLaterWhenDescriptorsOrMemoryAreUsedUp) {  // F21, F24
    for (const int code : {EMFILE, ENFILE, ENOMEM}) {
        open();
        append({accepted(1, std::string(1'000, 'x'))});
        const Locator locator = journal->places()[0].payload;
        work();
        disk.fail_opens(code);

        journal->read(std::vector<ReadRequest>{{locator, 7}});
        EXPECT_FALSE(journal->work_reads());
        EXPECT_FALSE(journal->work_reads());
        EXPECT_TRUE(journal->must_retry_reads());
        EXPECT_TRUE(journal->take_answers().empty());
        disk.revive();
        EXPECT_TRUE(journal->work_reads());

        const auto answers = journal->take_answers();
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].token, 7U);
        EXPECT_EQ(answers[0].octets.view(), std::string(1'000, 'x'));
        EXPECT_FALSE(journal->must_retry_reads());
    }
}

TEST_F(JournalOf, APayloadThatTheDiskCannotReadIsNotAskedForAgain) {
    open();
    append({accepted(1, std::string(1'000, 'x'))});
    const Locator locator = journal->places()[0].payload;
    work();
    disk.fail_opens(EIO);

    journal->read(std::vector<ReadRequest>{{locator, 7}});

    EXPECT_TRUE(journal->work_reads());
    EXPECT_NE(journal->take_answers().at(0).fault, "");
    EXPECT_FALSE(journal->must_retry_reads());
}

TEST_F(JournalOf, ManySegmentsComeBackInOrderAfterManyStarts) {
    for (std::uint64_t start = 0; start < 5; ++start) {
        open();
        ASSERT_EQ(replayed.records, appended);
        fill(start * 100, 100);
        if (start % 2 == 0) {
            stop();
        }
    }
    EXPECT_GT(disk.names().size(), 10U);
    open();
    EXPECT_EQ(replayed.records, appended);
}

TEST_F(JournalOf, ABatchLargerThanASegmentTakesSeveralFrames) {
    open();
    std::vector<std::string> payloads;
    for (std::uint64_t i = 0; i < 300; ++i) {
        payloads.push_back(std::string(i % 7 == 0 ? 400 : 40, static_cast<char>('a' + i % 26)));
    }
    std::vector<Record> records;
    for (std::uint64_t i = 0; i < 300; ++i) {
        records.push_back(accepted(i, payloads[i]));
    }
    append(records);
    const std::vector<Places> places(journal->places().begin(), journal->places().end());
    work();
    EXPECT_EQ(journal->durable_position(), 300U);
    EXPECT_GT(places.back().segment, places.front().segment + 1);
    expect_octets_at(*journal, records, places);

    open();

    EXPECT_EQ(replayed.records, appended);
    work();
    expect_octets_at(*journal, records, replayed.places);
}

TEST_F(JournalOf, ACleanStopIsKnownAtTheNextStart) {
    open();
    fill(0, 3);
    stop();
    open();
    EXPECT_TRUE(journal->was_stopped_cleanly());
    EXPECT_EQ(journal->records_written_again(), 0U);

    open();
    EXPECT_FALSE(journal->was_stopped_cleanly());
}

TEST_F(JournalOf, WhatNoFrameSaysIsOnTheDiskIsWrittenAgain) {  // F8
    open();
    fill(0, 3);
    open();
    EXPECT_EQ(journal->records_written_again(), 1U);
    work();

    open();
    EXPECT_EQ(journal->records_written_again(), 0U) << "the opening says so";
    EXPECT_EQ(replayed.records, appended);
}

TEST_F(JournalOf, AnIdleWriterSaysHowFarItHasFlushed) {
    open();
    fill(0, 3);
    work_later();
    const std::uint64_t operations = disk.operations();
    work_later();
    EXPECT_EQ(disk.operations(), operations) << "once is enough";

    open();
    EXPECT_EQ(journal->records_written_again(), 0U);
}

TEST_F(JournalOf, TheFileOfASegmentThatWillGoIsTheNextOne) {
    open();
    work();
    fill(0, 1);
    journal->announce_trim();
    for (std::uint64_t number = 1; journal->segment() == 1; ++number) {
        fill(number, 1);
    }
    fill(1'000, 10);
    EXPECT_EQ(disk.names().size(), 3U) << "room is taken for another, in case it comes too late";
    EXPECT_FALSE(disk.exists(segment_path(3)));

    journal->trim(2);
    work();

    EXPECT_EQ(disk.names().size(), 2U) << "the head, and the next one";
    EXPECT_TRUE(disk.exists(segment_path(3)));
}

TEST_F(JournalOf, ThatASegmentWillGoDoesNotCostTheReserve) {  // F7
    open();
    work();
    disk.set_octets_max(0);
    fill(0, 1);
    journal->announce_trim();
    std::uint64_t number = 1;
    for (; journal->segment() == 1 || !journal->is_disk_full(); ++number) {
        fill(number, 1);
        ASSERT_LT(number, 100U);
    }
    fill(number, 10);
    EXPECT_EQ(journal->durable_position(), number + 10);
    EXPECT_EQ(journal->segment(), 2U);

    journal->trim(2);
    work();

    EXPECT_FALSE(journal->is_disk_full());
    EXPECT_TRUE(disk.exists(segment_path(3)));
}

TEST_F(JournalOf, TrimmedSegmentsGo) {
    open();
    fill(0, 200);
    const std::uint32_t head = journal->segment();
    ASSERT_GT(head, 5U);
    journal->trim(head);
    work();

    ASSERT_EQ(journal->segments().size(), 1U);
    EXPECT_EQ(journal->segments()[0].segment, head);
    EXPECT_EQ(disk.names().size(), 2U) << "the head and the next one";
    appended.clear();
    fill(1'000, 100);
    open();
    EXPECT_GE(replayed.records.size(), 100U);
    EXPECT_EQ(std::vector<std::string>(replayed.records.end() - 100, replayed.records.end()),
              appended);
}

TEST_F(JournalOf, OldFramesInARecycledSegmentNeverPass) {
    open();
    for (std::uint64_t round = 0; round < 20; ++round) {
        fill(round * 100, 40);
        journal->trim(journal->segment());
        work();
    }
    open();
    EXPECT_TRUE(journal->cuts().empty());
    ASSERT_LT(replayed.records.size(), 80U);
    const auto count = static_cast<std::ptrdiff_t>(replayed.records.size());
    EXPECT_EQ(replayed.records, std::vector(appended.end() - count, appended.end()));
}

TEST_F(JournalOf, RelaxedIsDurableWhenWrittenAndFlushedNowAndThen) {
    flush_every = std::chrono::milliseconds{50};
    open();
    work();
    const std::uint64_t flushes = disk.flushes();
    append({accepted(1, "a")});
    journal->work(now);
    EXPECT_EQ(journal->durable_position(), 1U);
    EXPECT_EQ(disk.flushes(), flushes);

    work();
    const auto next = journal->work(now);
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(*next, now + flush_every);
    now = *next;
    journal->work(now);
    EXPECT_EQ(disk.flushes(), flushes + 1);
}

TEST_F(JournalOf, RelaxedIsFlushedInTimeHoweverMuchIsAppended) {  // I22
    flush_every = std::chrono::milliseconds{50};
    segment_octets = 1 << 20;
    open();
    work();
    const std::uint64_t flushes = disk.flushes();

    for (std::uint64_t i = 1; i <= 20; ++i) {  // always something to write, for 200 ms
        append({accepted(i, "a")});
        journal->work(now);
        now += std::chrono::milliseconds{10};
    }

    EXPECT_GE(disk.flushes(), flushes + 3);
}

TEST_F(JournalOf, AFullDiskIsToldWhileThereIsRoomAndEndsByItself) {  // F7
    open();
    work();
    disk.set_octets_max(0);
    std::uint64_t number = 0;
    while (!journal->is_disk_full()) {
        fill(number++, 1);
        ASSERT_LT(number, 1'000U);
        ASSERT_FALSE(journal->has_failed());
    }
    EXPECT_EQ(journal->durable_position(), number);
    fill(number, 10);
    EXPECT_EQ(journal->durable_position(), number + 10) << "the reserve takes some more";
    number += 10;

    fill(number, 100);  // beyond the reserve: they wait
    EXPECT_FALSE(journal->has_failed());
    EXPECT_LT(journal->durable_position(), number + 100);
    disk.set_octets_max(UINT64_MAX);
    work_later();

    EXPECT_FALSE(journal->is_disk_full());
    EXPECT_EQ(journal->durable_position(), number + 100);
    open();
    EXPECT_EQ(replayed.records, appended);
}

TEST_F(JournalOf, AfterAFailedFlushNothingIsDurableAnyMore) {  // I23, F8
    open();
    fill(0, 3);
    disk.fail_at(disk.operations() + 1, EIO);
    append({accepted(10, "a")});
    work();
    EXPECT_TRUE(journal->has_failed());
    EXPECT_NE(journal->failure().find("cannot flush"), std::string::npos);

    append({accepted(11, "b")});
    const std::uint64_t operations = disk.operations();
    work_later();

    EXPECT_EQ(journal->durable_position(), 3U);
    EXPECT_EQ(disk.operations(), operations) << "nothing is tried again";
}

}  // namespace

}  // namespace xebec::testing

// What happens to the journal when the disk, the power or the process fails.

#include "broker/journal/journal_error.h"
#include "tests/unit/journal/fixture.h"

#include <random>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

using JournalUnderFaults = JournalFixture;

bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST_F(JournalUnderFaults, ATornTailIsCutAtEveryOctet) {  // F5, I22, I24
    open();
    fill(0, 2);
    work_later();
    const auto before = disk.snapshot();
    append({accepted(2, std::string(700, 'x')), accepted(3, "y")});
    work();
    const auto after = disk.snapshot();
    const std::string path = segment_path(journal->segment());
    journal.reset();
    std::size_t begin = 0;
    while (before.at(path)[begin] == after.at(path)[begin]) {
        ++begin;
    }
    const std::uint64_t frame_begin = begin / 512 * 512;
    for (std::uint64_t kept = 0; kept < 1'536; ++kept) {
        auto files = before;
        files[path].replace(frame_begin, kept, after.at(path), frame_begin, kept);
        const bool is_whole = files[path] == after.at(path);
        disk.restore(files);

        open();

        ASSERT_EQ(replayed.records.size(), is_whole ? 4U : 2U) << kept;
        ASSERT_TRUE(is_prefix(replayed.records, appended));
        if (kept >= 64 && !is_whole) {
            ASSERT_EQ(journal->cuts().size(), 1U) << kept;
            ASSERT_EQ(journal->cuts()[0].offset, frame_begin);
        }
    }
}

// Opens what lies on the disk; what comes back has to be `appended`, or a part of it from the
// beginning that is told to be cut, or nothing at all with a sentence.
void expect_seen(JournalFixture& fixture, std::size_t durable, const std::string& what) {
    try {
        fixture.open();
    } catch (const JournalError& error) {
        return;
    }
    ASSERT_TRUE(is_prefix(fixture.replayed.records, fixture.appended)) << what;
    ASSERT_GE(fixture.replayed.records.size(), durable) << what;
    if (fixture.replayed.records.size() < fixture.appended.size()) {
        ASSERT_FALSE(fixture.journal->cuts().empty()) << what;
    }
}

TEST_F(JournalUnderFaults, EveryChangedOctetIsSeen) {  // F11, I24
    segment_octets = 6 << 10;
    open();
    fill(0, 4);
    stop();
    open();
    fill(4, 12, 300);  // two segments
    work_later();
    const std::size_t durable = appended.size();
    append({accepted(100, "tail")});
    work();
    journal.reset();
    const auto files = disk.snapshot();
    const auto all = appended;
    for (const auto& [path, content] : files) {
        if (path.find("spare") != std::string::npos) {
            continue;
        }
        for (std::size_t at = 0; at < content.size(); ++at) {
            auto changed = files;
            changed[path][at] = static_cast<char>(changed[path][at] ^ (1 << (at % 8)));
            disk.restore(changed);
            expect_seen(*this, durable, path + " octet " + std::to_string(at));
            if (HasFatalFailure()) {
                return;
            }
        }
    }
}

TEST_F(JournalUnderFaults, EveryFileThatIsTooShortIsSeen) {  // F11, I24
    segment_octets = 6 << 10;
    open();
    fill(0, 4);
    stop();
    open();
    fill(4, 12, 300);  // two segments
    work_later();
    journal.reset();
    const auto files = disk.snapshot();
    for (const auto& [path, content] : files) {
        if (path.find("spare") != std::string::npos) {
            continue;
        }
        for (std::size_t size = 0; size < content.size(); size += 64) {
            auto shorter = files;
            shorter[path].resize(size);
            disk.restore(shorter);
            expect_seen(*this, appended.size(), path + " of " + std::to_string(size) + " octets");
            if (HasFatalFailure()) {
                return;
            }
        }
    }
}

TEST_F(JournalUnderFaults, DamageBeforeTheLastMarkStopsTheStart) {  // I24
    open();
    fill(0, 3);
    work_later();
    const auto path = segment_path(journal->segment());
    journal.reset();
    std::string content = disk.content(path);
    content[1'024 + 70] ^= 1;
    disk.set_content(path, content);

    try {
        open();
        FAIL() << "it started";
    } catch (const JournalError& error) {
        EXPECT_TRUE(error.is_damage());
        EXPECT_EQ(error.file(), path);
        EXPECT_EQ(error.offset(), 1'024U);
        EXPECT_NE(std::string(error.what()).find("--repair"), std::string::npos);
    }
}

// Two starts with work in between, under a fault somewhere.
void run_twice(JournalFixture& fixture, std::size_t& durable) {
    for (std::uint64_t start = 0; start < 2; ++start) {
        fixture.open();
        ASSERT_TRUE(is_prefix(fixture.replayed.records, fixture.appended));
        fixture.appended.resize(fixture.replayed.records.size());
        for (std::uint64_t i = 0; i < 12; ++i) {
            fixture.append({accepted(start * 100 + i, std::string(300, 'x'))});
            fixture.work();
            durable = fixture.journal->durable_position();
        }
        fixture.work_later();
    }
}

TEST_F(JournalUnderFaults, AStartMayBeKilledAtEveryOperation) {  // F1, I22
    std::uint64_t operation = 0;
    for (bool was_killed = true; was_killed; ++operation) {
        for (const bool is_power_cut : {false, true}) {
            disk.~SimulatedDisk();
            new (&disk) SimulatedDisk(operation * 2 + (is_power_cut ? 1 : 0));
            appended.clear();
            std::size_t durable = 0;
            disk.kill_at(operation);
            was_killed = false;
            try {
                run_twice(*this, durable);
            } catch (const Killed&) {
                was_killed = true;
            }
            journal.reset();
            disk.revive();
            if (is_power_cut) {
                disk.cut_power();
            }
            open();
            ASSERT_TRUE(is_prefix(replayed.records, appended)) << operation;
            ASSERT_GE(replayed.records.size(), durable) << operation << is_power_cut;
        }
    }
    EXPECT_GT(operation, 50U);
}

TEST_F(JournalUnderFaults, EveryOperationMayFail) {  // F7, F8, F9, I23
    for (const int code : {EIO, ENOSPC}) {
        std::uint64_t operation = 0;
        for (bool is_over = false; !is_over; ++operation) {
            disk.~SimulatedDisk();
            new (&disk) SimulatedDisk(operation);
            appended.clear();
            std::size_t durable = 0;
            disk.fail_at(operation, code);
            try {
                run_twice(*this, durable);
            } catch (const runtime::FileError&) {
            } catch (const JournalError& error) {
                FAIL() << error.what();
            }
            is_over = disk.operations() <= operation;
            journal.reset();
            disk.revive();
            disk.cut_power();
            open();
            ASSERT_TRUE(is_prefix(replayed.records, appended)) << operation;
            ASSERT_GE(replayed.records.size(), durable) << operation;
        }
        EXPECT_GT(operation, 50U);
    }
}

// Until there is room again, or somebody who starts has made some.
void run_on_a_full_disk(JournalFixture& fixture, std::size_t& durable) {
    try {
        fixture.open();
    } catch (const runtime::FileError& error) {
        ASSERT_EQ(error.code(), ENOSPC);
        fixture.journal.reset();
        fixture.disk.make_room();
        fixture.open();
    }
    bool was_full = false;
    for (std::uint64_t i = 0; i < 60; ++i) {
        fixture.fill(i, 1, 300);
        ASSERT_FALSE(fixture.journal->has_failed());
        if (fixture.journal->is_disk_full() && !std::exchange(was_full, true)) {
            fixture.fill(1'000, 5);
            ASSERT_EQ(fixture.journal->durable_position(), fixture.appended.size())
                << "the reserve";
        }
    }
    durable = fixture.journal->durable_position();
}

TEST_F(JournalUnderFaults, TheDiskMayBeFullFromEveryOperationOn) {  // F7, I22, L4
    std::uint64_t operation = 0;
    std::uint64_t times_full = 0;
    for (bool is_over = false; !is_over; ++operation) {
        for (const bool is_killed : {false, true}) {
            disk.~SimulatedDisk();
            new (&disk) SimulatedDisk(operation);
            appended.clear();
            std::size_t durable = 0;
            disk.fill_at(operation);
            ASSERT_NO_FATAL_FAILURE(run_on_a_full_disk(*this, durable)) << operation;
            is_over = disk.operations() <= operation;
            times_full += journal->is_disk_full() ? 1 : 0;
            if (is_killed) {
                journal.reset();
                disk.make_room();
                disk.cut_power();
            } else {
                disk.make_room();
                work_later();
                ASSERT_FALSE(journal->is_disk_full()) << operation;
                ASSERT_EQ(journal->durable_position(), appended.size()) << operation;
                durable = appended.size();
            }
            open();
            ASSERT_TRUE(is_prefix(replayed.records, appended)) << operation;
            ASSERT_GE(replayed.records.size(), durable) << operation;
        }
    }
    EXPECT_GT(operation, 100U);
    EXPECT_GT(times_full, 50U);
}

TEST_F(JournalUnderFaults, RelaxedLosesAtMostWhatWasNotFlushed) {  // F1, F4
    flush_every = std::chrono::milliseconds{50};
    std::size_t lost = 0;
    for (std::uint64_t dice = 0; dice < 20; ++dice) {
        disk.~SimulatedDisk();
        new (&disk) SimulatedDisk(dice);
        const bool is_power_cut = dice % 2 == 1;
        appended.clear();
        open();
        fill(0, 3);
        now += flush_every;
        work();
        const std::size_t flushed = appended.size();
        fill(3, 3);
        ASSERT_EQ(journal->durable_position(), appended.size()) << "written is as good as told";
        journal.reset();
        if (is_power_cut) {
            disk.cut_power();
        }

        open();

        ASSERT_TRUE(is_prefix(replayed.records, appended)) << dice;
        ASSERT_GE(replayed.records.size(), is_power_cut ? flushed : appended.size()) << dice;
        lost += appended.size() - replayed.records.size();
    }
    EXPECT_GT(lost, 0U);
}

// What one start wrote and could not flush, the next finds in memory only (F8).
TEST_F(JournalUnderFaults, StartsInARowMayFail) {
    open();
    fill(0, 3);
    journal.reset();
    const auto files = disk.snapshot();
    const auto start_fails_at = [this](std::uint64_t operation) {
        disk.fail_at(disk.operations() + operation, EIO);
        bool has_failed = false;
        try {
            open();
        } catch (const runtime::FileError&) {
            has_failed = true;
        }
        journal.reset();
        disk.revive();
        return has_failed;
    };
    std::uint64_t first = 0;
    for (bool first_fails = true; first_fails; ++first) {
        std::uint64_t second = 0;
        for (bool second_fails = true; second_fails; ++second) {
            disk.~SimulatedDisk();
            new (&disk) SimulatedDisk(first * 100 + second);
            disk.restore(files);
            first_fails = start_fails_at(first);
            second_fails = start_fails_at(second);
            open();
            journal.reset();
            disk.cut_power();
            ASSERT_NO_THROW(open()) << first << " " << second;
            ASSERT_EQ(replayed.records, appended) << first << " " << second;
        }
    }
    EXPECT_GT(first, 10U);
}

// ---- at random ----

struct RandomFaults : JournalFixture, ::testing::WithParamInterface<std::uint64_t> {
    std::mt19937_64 random{GetParam()};
    std::uint64_t number = 0;
    std::size_t durable = 0;
    std::size_t needed = 0;  // records before this one may have been trimmed
    std::uint32_t segment = 0;
    std::size_t segment_begin = 0;  // all records from this one on lie in it or behind

    std::uint64_t draw(std::uint64_t below) { return random() % below; }

    void start() {
        open();
        const std::size_t end = journal->end();
        ASSERT_LE(replayed.records.size(), end);
        const std::size_t begin = end - replayed.records.size();
        ASSERT_LE(begin, needed);
        ASSERT_GE(end, durable);
        ASSERT_LE(end, appended.size());
        ASSERT_TRUE(std::equal(replayed.records.begin(), replayed.records.end(),
                               appended.begin() + static_cast<std::ptrdiff_t>(begin)));
        appended.resize(end);
        segment = journal->segment();
        segment_begin = end;
    }

    void append_some() {
        const std::string payload(draw(8) == 0 ? 300 + draw(900) : draw(100), 'p');
        std::vector<Record> records;
        for (std::uint64_t i = 0, count = 1 + draw(5); i < count; ++i) {
            records.push_back(accepted(number++, payload));
        }
        append(records);
        if (journal->segment() != segment) {
            segment = journal->segment();
            segment_begin = appended.size();
        }
    }

    void live() {
        for (std::uint64_t step = 0, steps = draw(60); step < steps; ++step) {
            append_some();
            if (draw(20) == 0) {
                needed = std::max(needed, segment_begin);
                journal->trim(segment);
            }
            for (std::uint64_t i = 0, count = draw(4); i < count; ++i) {
                journal->work(now);
                durable = std::max<std::size_t>(durable, journal->durable_position());
            }
            now += std::chrono::milliseconds{draw(200)};
        }
        if (draw(4) == 0) {
            stop();
        }
    }
};

// I1, I22, I23, F1, F4, F6, F7, F8
TEST_P(RandomFaults, WhatWasToldDurableIsThereInOrder) {
    disk.~SimulatedDisk();
    new (&disk) SimulatedDisk(GetParam());
    for (int round = 0; round < 40 && !HasFatalFailure(); ++round) {
        const std::uint64_t fault = draw(6);
        const std::uint64_t operation = disk.operations() + draw(120);
        if (fault == 0) {
            disk.fail_at(operation, EIO);
        } else if (fault <= 2) {
            disk.kill_at(operation);
        }
        disk.set_octets_max(fault == 3 ? draw(10) * segment_octets : UINT64_MAX);
        try {
            start();
            live();
        } catch (const Killed&) {
        } catch (const runtime::FileError&) {
        }
        journal.reset();
        disk.revive();
        if (draw(2) == 0) {
            disk.cut_power();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFaults, ::testing::Range<std::uint64_t>(1, 31));

}  // namespace

}  // namespace xebec::testing

#include "broker/journal/threads.h"

#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "runtime/posix_files.h"
#include "tests/support/journal_records.h"
#include "tests/unit/journal/fixture.h"
#include "tests/unit/runtime/temporary_folder.h"

#include <chrono>
#include <thread>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

void wait_for(const Threads& threads) {
    runtime::DescriptorWait wait;
    wait.add_readable(threads.wakeup().descriptor());
    wait.wait_until(std::nullopt);
    threads.wakeup().clear();
}

bool is_woken_up(const Threads& threads) {
    runtime::DescriptorWait wait;
    const std::size_t wakeup = wait.add_readable(threads.wakeup().descriptor());
    wait.wait_until(runtime::now().steady);
    return wait.is_ready(wakeup);
}

TEST(JournalThreads, WriteReadBackAndStopCleanlyOnRealFiles) {
    TemporaryFolder folder;
    runtime::PosixFiles files;
    const Options options{.folder = folder / "journal", .segment_octets = 1 << 20, .seed = 1};
    const std::string payload(3'000, 'x');
    std::vector<std::string> appended;
    {
        Replayed replayed;
        Journal journal(files, options, replayed.sink());
        Threads threads(journal);
        std::vector<Locator> locators;
        for (std::uint64_t i = 0; i < 1'000; ++i) {
            const std::vector<Record> records = {accepted(i, payload)};
            appended.push_back(fingerprint(records[0]));
            journal.append(records);
            journal.write();
            locators.push_back(journal.places()[0].payload);
        }
        while (journal.durable_position() < 1'000) {
            wait_for(threads);
        }
        EXPECT_FALSE(journal.has_failed()) << journal.failure();

        std::vector<ReadRequest> requests;
        for (const Locator& locator : locators) {
            requests.push_back({locator, 0});
        }
        journal.read(requests);
        std::size_t right = 0;
        for (std::size_t answered = 0; answered < requests.size();) {
            wait_for(threads);
            for (const ReadAnswer& answer : journal.take_answers()) {
                ++answered;
                right += answer.octets.view() == payload ? 1U : 0U;
            }
        }
        EXPECT_EQ(right, requests.size());
        journal.close();
        while (!journal.is_closed()) {
            wait_for(threads);
        }
    }
    Replayed replayed;
    Journal journal(files, options, replayed.sink());
    EXPECT_TRUE(journal.was_stopped_cleanly());
    EXPECT_EQ(replayed.records, appended);
}

TEST(JournalThreads, WakeTheirOwnerForWhatItAwaits) {
    TemporaryFolder folder;
    runtime::PosixFiles files;
    const Options options{.folder = folder / "journal", .segment_octets = 1 << 20, .seed = 1};
    Replayed replayed;
    Journal journal(files, options, replayed.sink());
    Threads threads(journal);
    std::uint64_t number = 0;
    const auto append_durably = [&] {
        journal.append(std::vector<Record>{accepted(++number, "")});
        journal.write();
        while (journal.durable_position() < journal.end()) {
            std::this_thread::yield();
        }
    };

    for (int round = 0; round < 100; ++round) {
        journal.await(journal.end() + 2);
        append_durably();
        EXPECT_FALSE(is_woken_up(threads)) << round;
        append_durably();
        wait_for(threads);
    }
}

}  // namespace

}  // namespace xebec::testing

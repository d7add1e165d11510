#pragma once
// A journal on a simulated disk, driven by hand.

#include "broker/journal/journal.h"
#include "tests/support/journal_records.h"
#include "tests/support/simulated_disk.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xebec::testing {

constexpr std::uint64_t small_segment_octets = 8 << 10;

// What a start gives back.
struct Replayed {
    std::vector<std::string> records;  // fingerprints
    std::vector<broker::journal::Places> places;
    std::vector<std::uint64_t> shelved;  // tasks that a shelved segment tells again
    std::vector<broker::journal::Places> shelved_places;
    std::map<std::uint32_t, std::uint64_t> shelf;  // all that it tells of, by their order

    broker::journal::Replay sink() {
        return [this](const broker::Record& record, const broker::journal::Places& where) {
            if (where.is_shelved) {
                const std::uint64_t number = std::get<broker::TaskCarried>(record).number;
                shelf[where.order] = number;
                if (where.holds) {
                    shelved.push_back(number);
                    shelved_places.push_back(where);
                }
                return;
            }
            records.push_back(fingerprint(record, where.payload_octets, where.result_octets));
            places.push_back(where);
        };
    }
};

struct JournalFixture : ::testing::Test {
    static constexpr const char* folder = "/data/journal";

    SimulatedDisk disk{1};
    std::unique_ptr<broker::journal::Journal> journal;
    Replayed replayed;                  // by the last start
    std::vector<std::string> appended;  // by all of them
    Instant now{std::chrono::hours{1}};
    std::uint64_t seed = 0;
    std::uint64_t segment_octets = small_segment_octets;
    Duration flush_every{0};

    void open() {
        journal.reset();
        replayed = {};
        journal = std::make_unique<broker::journal::Journal>(
            disk,
            broker::journal::Options{.folder = folder,
                                     .segment_octets = segment_octets,
                                     .seed = ++seed,
                                     .writer = {.flush_every = flush_every}},
            replayed.sink());
    }

    broker::Position append(const std::vector<broker::Record>& records) {
        for (const broker::Record& record : records) {
            appended.push_back(fingerprint(record));
        }
        return journal->append(records);
    }

    // Until there is nothing to do at this instant.
    void work() {
        for (int i = 0; i < 10'000; ++i) {
            const auto next = journal->work(now);
            if (!next || *next > now) {
                return;
            }
        }
        FAIL() << "the journal never comes to rest";
    }
    void work_later() {
        work();
        now += std::chrono::seconds{2};
        work();
    }
    void stop() {
        journal->close();
        work();
        journal.reset();
    }
    void fill(std::uint64_t first, std::uint64_t count, std::size_t payload_octets = 100) {
        for (std::uint64_t i = first; i < first + count; ++i) {
            append({accepted(i, std::string(payload_octets, static_cast<char>('a' + i % 26)))});
            work();
        }
    }
    std::filesystem::path segment_path(std::uint32_t segment) const {
        return std::filesystem::path(folder) / broker::journal::segment_name(segment);
    }
};

}  // namespace xebec::testing

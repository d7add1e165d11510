#include "broker/journal/record_codec.h"
#include "broker/journal/record_skimmer.h"
#include "tests/support/journal_records.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

std::string text_of(const Subject& subject) {
    return std::to_string(static_cast<int>(subject.type)) + " " + std::to_string(subject.number) +
           " " + (subject.id ? to_string(*subject.id) : "-");
}

Subject subject_of(const Record& record) {
    return std::visit(
        [&record](const auto& r) {
            Subject subject{.type = type_of(record)};
            if constexpr (requires { r.number; }) {
                subject.number = r.number;
            }
            if constexpr (requires { r.id; }) {
                if (subject.type != RecordType::task_removed_by_number) {
                    subject.id = r.id;
                }
            }
            return subject;
        },
        record);
}

// Both read from a buffer of exactly this size, so that a sanitizer sees reads beyond it.
struct Metadata {
    explicit Metadata(const std::string& from)
        : memory(std::make_unique<char[]>(from.size())), octets(memory.get(), from.size()) {
        from.copy(memory.get(), from.size());
    }
    std::unique_ptr<char[]> memory;
    std::string_view octets;
};

// Nothing: it is no sequence of records.
std::optional<std::vector<std::string>> skimmed(const std::string& octets) {
    const Metadata metadata(octets);
    RecordSkimmer skimmer(metadata.octets);
    std::vector<std::string> subjects;
    while (const auto subject = skimmer.next()) {
        subjects.push_back(text_of(*subject));
    }
    return skimmer.is_good() ? std::optional(subjects) : std::nullopt;
}

std::optional<std::vector<std::string>> decoded(const std::string& octets) {
    const Metadata metadata(octets);
    RecordDecoder decoder(metadata.octets);
    std::vector<std::string> subjects;
    while (const auto record = decoder.next()) {
        subjects.push_back(text_of(subject_of(*record)));
    }
    return decoder.fault().empty() ? std::optional(subjects) : std::nullopt;
}

TEST(RecordSkimmer, SeesWhatTheDecoderSees) {
    const std::vector<Record> records = records_of_every_type(std::string(5'000, 'x'));
    const auto seen = skimmed(encoded(records));

    ASSERT_TRUE(seen);
    ASSERT_EQ(seen->size(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ((*seen)[i], text_of(subject_of(records[i]))) << "record " << i;
    }
}

TEST(RecordSkimmer, RefusesEveryPrefixOfARecord) {
    for (const Record& record : records_of_every_type(std::string(5'000, 'x'))) {
        const std::string octets = encoded({record});
        for (std::size_t size = 1; size < octets.size(); ++size) {
            EXPECT_FALSE(skimmed(octets.substr(0, size)))
                << "type " << record.index() + 1 << ", octets " << size;
        }
    }
}

TEST(RecordSkimmer, RefusesATypeOfANewerFormat) {
    EXPECT_FALSE(skimmed("\x7F"));
    EXPECT_FALSE(skimmed(std::string(1, '\0')));
}

TEST(RecordSkimmer, AgreesWithTheDecoderAboutWhateverThatAccepts) {
    std::mt19937_64 random{11};
    std::vector<std::string> good;
    for (const Record& record : records_of_every_type(std::string(300, 'x'))) {
        good.push_back(encoded({record, record}));
    }
    int accepted = 0;
    for (int round = 0; round < 50'000; ++round) {
        const std::string octets = mutated(good[random() % good.size()], random);
        const auto seen = skimmed(octets);
        if (const auto expected = decoded(octets)) {
            ++accepted;
            ASSERT_EQ(seen, expected);
        }
    }
    EXPECT_GT(accepted, 2'000);
}

}  // namespace

}  // namespace xebec::testing

#include "broker/journal/record_codec.h"
#include "tests/support/journal_records.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace xebec::testing {

namespace {

using namespace broker;
using namespace broker::journal;

// Decodes from a buffer of exactly this size, so that a sanitizer sees reads beyond it.
std::vector<std::string> decoded(const std::string& octets, std::string& fault) {
    const auto exact = std::make_unique<char[]>(octets.size());
    octets.copy(exact.get(), octets.size());
    RecordDecoder decoder({exact.get(), octets.size()});
    std::vector<std::string> records;
    while (const auto record = decoder.next()) {
        records.push_back(
            fingerprint(*record, decoder.places().payload_octets, decoder.places().result_octets));
    }
    fault = decoder.fault();
    return records;
}

TEST(RecordCodec, GivesBackEveryField) {
    const std::vector<Record> records = records_of_every_type(std::string(5'000, 'x'));
    std::string fault;

    const auto again = decoded(encoded(records), fault);

    EXPECT_EQ(fault, "");
    ASSERT_EQ(again.size(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ(again[i], fingerprint(records[i])) << "record " << i;
    }
}

TEST(RecordCodec, KnowsEveryTypeOfRecord) {
    std::vector<bool> is_there(std::variant_size_v<Record>);
    for (const Record& record : records_of_every_type("x")) {
        is_there[record.index()] = true;
    }
    EXPECT_EQ(is_there, std::vector<bool>(std::variant_size_v<Record>, true));
}

TEST(RecordCodec, RefusesEveryPrefixOfARecord) {
    for (const Record& record : records_of_every_type(std::string(5'000, 'x'))) {
        const std::string octets = encoded({record});
        for (std::size_t size = 1; size < octets.size(); ++size) {
            std::string fault;
            EXPECT_TRUE(decoded(octets.substr(0, size), fault).empty());
            EXPECT_NE(fault, "");
        }
    }
}

TEST(RecordCodec, RefusesATypeOfANewerFormat) {
    std::string fault;
    EXPECT_TRUE(decoded(std::string("\x7F", 1), fault).empty());
    EXPECT_NE(fault.find("newer"), std::string::npos);
}

TEST(RecordCodec, SurvivesWhateverItIsGiven) {
    std::mt19937_64 random{7};
    const std::string good = encoded(records_of_every_type(std::string(5'000, 'x')));
    std::string fault;
    const std::size_t all = decoded(good, fault).size();
    int refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::string octets = mutated(good, random);
        EXPECT_LE(decoded(octets, fault).size(), octets.size());
        refused += fault.empty() ? 0 : 1;
    }
    EXPECT_GT(all, 10U);
    EXPECT_GT(refused, 10'000);
}

}  // namespace

}  // namespace xebec::testing

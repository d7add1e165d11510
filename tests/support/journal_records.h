#pragma once
// Records for tests of the journal, and how to compare them.

#include "broker/core/records.h"
#include "broker/journal/record_codec.h"
#include "broker/journal/record_types.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace xebec::testing {

// One of every type at least, with fields that differ from their defaults; `large` is a payload
// that stands apart.
std::vector<broker::Record> records_of_every_type(std::string_view large);
// Those that there were in that version of the format.
std::vector<broker::Record> records_of_version_1(std::string_view large);
std::vector<broker::Record> records_of_version_2(std::string_view large);
std::vector<broker::Record> records_of_version_3(std::string_view large);

broker::Record accepted(std::uint64_t number, std::string_view payload);

// Equal for equal records. A payload that stands apart counts by its size.
std::string fingerprint(broker::Record record, std::uint32_t payload_octets,
                        std::uint32_t result_octets);
std::string fingerprint(const broker::Record& record);  // of one that was not stored yet

// What the octets of a record say it is.
broker::journal::RecordType type_of(const broker::Record& record);

// The records as octets, one after the other, as a frame has them.
std::string encoded(const std::vector<broker::Record>& records);
// The same octets with some of them changed, and cut somewhere.
std::string mutated(std::string octets, std::mt19937_64& random);

// The payload and the result of a record, those that are not empty.
std::vector<std::string> payloads_of(const broker::Record& record);

}  // namespace xebec::testing

// A start with a journal that may hold anything: refused, or opened; and what is opened once opens
// again with the same records. The first octet says what the others are. Even: a whole segment.
// Odd: the metadata of a frame whose checksums are right, with half as many records; a skimmer sees
// records of the same types in it as the decoder.

#include "broker/journal/frame_writer.h"
#include "broker/journal/journal.h"
#include "broker/journal/octets.h"
#include "broker/journal/record_codec.h"
#include "broker/journal/record_skimmer.h"
#include "protocol/check.h"
#include "tests/support/journal_records.h"
#include "tests/support/simulated_disk.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace xebec;
using namespace xebec::broker;
using namespace xebec::broker::journal;

constexpr const char* folder = "/journal";
constexpr std::size_t segment_octets = 8 << 10;
constexpr std::uint64_t nonce = 7;

std::string segment_around(std::string_view metadata, std::uint32_t record_count) {
    metadata = metadata.substr(0, segment_octets - 4 * sector_octets);
    std::string octets(segment_octets, '\0');
    const auto header =
        encode(SegmentHeader{.segment = 1, .octets = segment_octets, .nonce = nonce});
    octets.replace(0, header.size(), header.data(), header.size());
    Chain chain{.nonce = nonce};
    Frame opening{.kind = FrameKind::opening, .offset = opening_offset, .flushed = opening_offset};
    chain.link(opening, {}, octets.data() + opening_offset);
    Frame frame{.offset = frames_offset,
                .flushed = opening_offset,
                .metadata_octets = static_cast<std::uint32_t>(metadata.size()),
                .record_count = record_count};
    metadata.copy(octets.data() + frames_offset + frame_header_octets, metadata.size());
    chain.link(frame, metadata, octets.data() + frames_offset);
    return octets;
}

void compare_skimmer(std::string_view metadata) {
    RecordDecoder decoder(metadata);
    RecordSkimmer skimmer(metadata);
    while (const auto record = decoder.next()) {
        const auto subject = skimmer.next();
        check(subject && subject->type == testing::type_of(*record),
              "the skimmer sees the records that the decoder sees");
    }
    check(!decoder.fault().empty() || (!skimmer.next() && skimmer.is_good()),
          "the skimmer ends where the decoder ends");
}

// How many records of each type there are; nothing: it was refused.
bool open(testing::SimulatedDisk& disk, std::vector<std::size_t>& types) {
    try {
        const Journal journal(
            disk, {.folder = folder, .segment_octets = segment_octets},
            [&types](const Record& record, const Places&) { types.push_back(record.index()); });
        return true;
    } catch (const JournalError&) {
        return false;
    } catch (const runtime::FileError&) {
        return false;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 1) {
        compare_skimmer(rest);
    }
    testing::SimulatedDisk disk(1);
    disk.set_content(std::string(folder) + "/segment-0000000001",
                     data[0] % 2 == 0 ? std::string(rest) : segment_around(rest, data[0] / 2));
    std::vector<std::size_t> first;
    if (open(disk, first)) {
        std::vector<std::size_t> second;
        check(open(disk, second), "what was opened once opens again (I22)");
        check(first == second, "a start does not change the records (I22)");
    }
    return 0;
}

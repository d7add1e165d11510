#pragma once
// What a start does with the journal it finds: verifies it, gives back its records in order, and
// begins a new segment in which everything stands again that was not known to be on the disk.

#include "broker/journal/format.h"
#include "broker/journal/position.h"
#include "broker/journal/record_codec.h"
#include "broker/journal/segment_files.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace xebec::broker::journal {

// Called for each record in order. Its texts are borrowed for the length of the call; a payload
// that stands apart is empty and told by its place.
using Replay = std::function<void(const Record&, const Places&)>;

// Called a few records before: of which task it will be, by its number, and by its id if the record
// has it.
using Ahead = std::function<void(std::uint64_t number, const std::optional<TaskId>& id)>;

// A tail that a power cut or a crash left unfinished: no one had been told that it was there.
struct CutTail {
    std::filesystem::path file;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    std::filesystem::path kept_in;
};

// The segment that is written to.
struct Head {
    FreshSegment segment;
    std::uint64_t end = 0;       // where the next frame goes
    std::uint64_t flushed = 0;   // everything before is on the disk
    std::uint64_t checksum = 0;  // of the last frame
    Position position = 0;       // the next record's
    std::uint32_t oldest = 1;
};

struct Recovered {
    Head head;
    std::vector<SegmentUse> segments;  // their files, oldest first, the head included
    std::vector<CutTail> cuts;
    std::uint64_t records_written_again = 0;
    bool was_stopped_cleanly = false;
};

// Throws JournalError, or runtime::FileError.
Recovered recover(SegmentFiles& files, const Replay& replay, const Ahead& ahead = {});

}  // namespace xebec::broker::journal

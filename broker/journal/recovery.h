#pragma once
// What a start does with the journal it finds: verifies it, gives back its records in order, and
// begins a new segment in which everything stands again that was not known to be on the disk.

#include "broker/journal/format.h"
#include "broker/journal/position.h"
#include "broker/journal/record_codec.h"
#include "broker/journal/segment_files.h"
#include "broker/journal/shelf_replay.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace xebec::broker::journal {

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
    std::set<std::uint32_t> shelves;   // of these, those that are before the oldest
    std::vector<CutTail> cuts;
    std::uint64_t records_written_again = 0;
    bool was_stopped_cleanly = false;
};

// Throws JournalError, or runtime::FileError.
Recovered recover(SegmentFiles& files, const Replay& replay, const Ahead& ahead = {});

}  // namespace xebec::broker::journal

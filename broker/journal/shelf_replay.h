#pragma once
// What shelved segments tell, at a start: where a record says which of their tasks hold.

#include "broker/core/shelves.h"
#include "broker/journal/announced_records.h"
#include "broker/journal/found_segments.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace xebec::broker::journal {

// Called for each record in order. Its texts are borrowed for the length of the call; a payload
// that stands apart is empty and told by its place. Of a shelf those that do not hold are given,
// too: their place says so.
using Replay = std::function<void(const Record&, const Places&)>;

class ShelfReplay {
public:
    ShelfReplay(const Replay& replay, const Ahead& ahead);
    ~ShelfReplay();
    ShelfReplay(const ShelfReplay&) = delete;
    ShelfReplay& operator=(const ShelfReplay&) = delete;

    // Segments before the oldest that is needed: shelved ones, and those that were given up before
    // a power cut took back their removal.
    void add(FoundSegment segment);
    // Of the journal's record: the tasks that it tells again, if their segment is one of those.
    // What was told of already is left out. Throws JournalError.
    void tell(const SegmentShelved& record);

    bool is_shelved(std::uint32_t segment) const { return shelves_.find(segment) != nullptr; }
    const std::map<std::uint32_t, FoundSegment>& segments() const { return segments_; }
    // Behind the last record: throws JournalError if one of those before `oldest` is missing.
    void expect_all(std::uint32_t oldest, const std::filesystem::path& folder) const;

private:
    class Cursor;
    struct Range {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };

    void walk(const SegmentShelved& record);
    bool note_told(std::uint32_t segment, const Range& range);

    const Replay& replay_;
    const Ahead& ahead_;
    std::map<std::uint32_t, FoundSegment> segments_;
    std::map<std::uint32_t, std::vector<Range>> told_;
    Shelves shelves_;
    std::unique_ptr<Cursor> cursor_;
};

}  // namespace xebec::broker::journal

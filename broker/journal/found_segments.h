#pragma once
// The segments that lie in a journal's folder, as their headers and first frames present them.

#include "broker/journal/format.h"
#include "broker/journal/segment_files.h"
#include "broker/journal/segment_reader.h"
#include "runtime/file_system.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace xebec::broker::journal {

struct FoundSegment {
    std::filesystem::path path;
    std::unique_ptr<runtime::File> file;
    SegmentHeader header;
    std::optional<Frame> opening;  // nothing: it never came into use, or the opening is damaged

    SegmentReader reader(Depth depth) const { return {*file, header, depth}; }
};

// In order; those at the end may lack an opening. Throws JournalError.
std::vector<FoundSegment> find_segments(runtime::FileSystem& files,
                                        const std::filesystem::path& folder,
                                        std::uint32_t partition);

// Throw JournalError if one is missing in between, as may be only before the oldest that is needed.
void expect_neighbours(const FoundSegment& before, const FoundSegment& after);
void expect_no_gap(std::span<const FoundSegment> segments);

}  // namespace xebec::broker::journal

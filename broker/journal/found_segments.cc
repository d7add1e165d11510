#include "broker/journal/found_segments.h"

#include "broker/journal/journal_error.h"

#include <cerrno>

namespace xebec::broker::journal {

namespace {

std::unique_ptr<runtime::File> open_to_read(runtime::FileSystem& files,
                                            const std::filesystem::path& path) {
    try {
        return files.open(path, runtime::FileAccess::read);
    } catch (const runtime::FileError& error) {
        if (error.code() == EACCES || error.code() == EPERM) {
            throw JournalError(std::string(error.what()) +
                               "; start the broker as the user who owns the data folder");
        }
        throw;
    }
}

SegmentHeader read_header(runtime::File& file, const std::filesystem::path& path) {
    char octets[sector_octets];
    const std::size_t size = file.read_at(0, octets, sizeof octets);
    const DecodedHeader decoded = decode_segment_header({octets, size});
    switch (decoded.fault) {
        case HeaderFault::none:
            return decoded.header;
        case HeaderFault::foreign:
            throw JournalError::damage(path, 0, "it does not begin as a segment of a journal does");
        case HeaderFault::damaged:
            throw JournalError::damage(path, 0, "its header is not what was written");
        case HeaderFault::other_version:
            throw JournalError(
                path.string() + " has version " + std::to_string(decoded.version) +
                " of the journal's format; this xebec reads versions " +
                std::to_string(format_version_oldest) + " to " + std::to_string(format_version) +
                (decoded.version > format_version
                     ? ": start the newer xebec that wrote it"
                     : ": start the older xebec that wrote it, let the tasks finish, and begin "
                       "with an empty data folder"));
    }
    return decoded.header;
}

FoundSegment look_at(runtime::FileSystem& files, const std::filesystem::path& path,
                     std::uint32_t number, std::uint32_t partition) {
    FoundSegment found{.path = path, .file = open_to_read(files, path)};
    found.header = read_header(*found.file, path);
    if (found.header.segment != number) {
        throw JournalError(path.string() + " is segment " + std::to_string(found.header.segment) +
                           " by its header: give it back its name, " +
                           segment_name(found.header.segment));
    }
    if (found.header.partition != partition) {
        throw JournalError(path.string() + " belongs to partition " +
                           std::to_string(found.header.partition) +
                           ", another broker's: give each its own --data folder");
    }
    if (found.header.octets < segment_octets_min || found.header.octets > segment_octets_max) {
        throw JournalError::damage(path, 20, "its header gives an impossible size");
    }
    found.opening = found.reader(Depth::metadata).read_opening();
    return found;
}

}  // namespace

void expect_neighbours(const FoundSegment& before, const FoundSegment& after) {
    if (after.header.segment != before.header.segment + 1) {
        throw JournalError("segment " + std::to_string(before.header.segment + 1) +
                           " of the journal is missing in " + before.path.parent_path().string() +
                           ": restore it, or see what xebec-broker --repair would cut");
    }
}

void expect_no_gap(std::span<const FoundSegment> segments) {
    for (std::size_t i = 1; i < segments.size(); ++i) {
        expect_neighbours(segments[i - 1], segments[i]);
    }
}

std::vector<FoundSegment> find_segments(runtime::FileSystem& files,
                                        const std::filesystem::path& folder,
                                        std::uint32_t partition) {
    std::vector<FoundSegment> found;
    for (const std::string& name : files.list(folder)) {
        if (const auto number = parse_segment_name(name)) {
            FoundSegment segment = look_at(files, folder / name, *number, partition);
            if (segment.opening && !found.empty() && !found.back().opening) {
                throw JournalError::damage(found.back().path, opening_offset,
                                           "its first frame is not what was written");
            }
            found.push_back(std::move(segment));
        } else if (!name.starts_with(spare_prefix) && !name.starts_with(cut_prefix)) {
            throw JournalError((folder / name).string() +
                               " is no file of a journal: move it elsewhere");
        }
    }
    return found;
}

}  // namespace xebec::broker::journal

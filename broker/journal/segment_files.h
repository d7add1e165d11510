#pragma once
// The journal's files: where they lie, how the next segment is made ready, and where an old one
// goes.

#include "broker/journal/format.h"
#include "runtime/file_system.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xebec::broker::journal {

// A segment that has a header and a name, and nothing in it yet.
struct FreshSegment {
    std::uint32_t segment = 0;
    std::uint64_t nonce = 0;
    std::unique_ptr<runtime::File> file;
};

class SegmentFiles {
public:
    using Path = runtime::FileSystem::Path;

    struct Options {
        Path folder;
        std::uint32_t partition = 0;
        std::uint64_t segment_octets = segment_octets_default;
        std::uint64_t seed = 0;  // random, another one in every run
    };

    SegmentFiles(runtime::FileSystem& files, Options options);

    Path path_of(std::uint32_t segment) const { return options_.folder / segment_name(segment); }
    const Options& options() const { return options_; }
    runtime::FileSystem& files() const { return files_; }

    // What was begun with larger segments goes on with them.
    void raise_segment_octets(std::uint64_t octets) {
        options_.segment_octets = std::max(options_.segment_octets, octets);
    }

    // Makes a segment ready, a slice of the work at a time; true when it is. Throws
    // runtime::FileError; when that is for want of room, the work begins anew with the next call.
    bool prepare(std::uint32_t segment);
    // Whether room was taken on the disk for it, and zeros come next: that takes time.
    bool needs_zeros() const { return stage_ == Stage::zeros; }
    // Does without them: flushes will be slower, but nothing is written twice.
    void skip_zeros();
    FreshSegment take_prepared();
    // One that was made ready before and never used: it need not be made again.
    void adopt(const SegmentHeader& header);

    // A segment that is needed no more: kept for the next one if that is wanted and there is no
    // other, or removed.
    void retire(std::uint32_t segment, bool is_wanted);

private:
    void begin();
    void write_zeros();
    void give_name(std::uint32_t segment);
    void give_up_zeros();
    std::uint64_t next_nonce(std::uint32_t segment);

    enum class Stage { idle, zeros, header, ready };

    runtime::FileSystem& files_;
    Options options_;
    std::vector<std::string> spares_;
    std::uint64_t spare_last_ = 0;

    Stage stage_ = Stage::idle;
    std::string name_;  // of the spare that is being made ready
    std::uint64_t zeros_ = 0;
    FreshSegment fresh_;
};

}  // namespace xebec::broker::journal

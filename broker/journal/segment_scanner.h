#pragma once
// Lists what a sealed segment speaks of, beside the writer, so that what is still needed can be
// told again and the segment can go.

#include "broker/core/places.h"
#include "runtime/file_system.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

namespace xebec::broker::journal {

class SegmentScanner {
public:
    SegmentScanner(runtime::FileSystem& files, std::filesystem::path folder)
        : files_(files), folder_(std::move(folder)) {}

    // The owner's side; one at a time. There has to be one behind it that was begun, and both have
    // to stay until the answer. The memory of an answer that the owner has let go of by then is
    // used again.
    void ask(std::uint32_t segment);
    // A shelved one: there need be none behind it, and only the first `tasks` it tells of matter.
    void ask_for_shelf(std::uint32_t segment, std::size_t tasks);
    std::shared_ptr<const Mentions> take_answer();  // nothing: it is not there yet

    // The disk's side: false if nothing was asked for. A segment that cannot be read for want of
    // descriptors or memory stays asked for: that is no damage.
    bool work();
    bool must_retry() const { return must_retry_; }

private:
    struct Asked {
        std::uint32_t segment = 0;
        std::optional<std::size_t> tasks;  // of a shelf
    };

    void ask(const Asked& asked);
    bool scan(const Asked& asked, Mentions& mentions);  // false: later
    void read(const Asked& asked, Mentions& mentions);

    runtime::FileSystem& files_;
    std::filesystem::path folder_;
    bool must_retry_ = false;

    std::mutex mutex_;  // of what follows
    std::optional<Asked> asked_;
    std::shared_ptr<Mentions> answer_;
    // As long as nobody else holds it, its memory is free: that of the largest scan, for good.
    std::shared_ptr<Mentions> latest_;
};

}  // namespace xebec::broker::journal

#pragma once
// Reads pieces of segments as they are, for backups, beside the writer.

#include "broker/journal/format.h"
#include "protocol/blob.h"
#include "runtime/file_system.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xebec::broker::journal {

struct PieceRequest {
    Locator at;
    std::uint32_t octets = 0;
    std::uint64_t token = 0;  // the caller's own
};

struct PieceAnswer {
    std::uint64_t token = 0;
    Blob octets;
    std::string fault;  // not empty: it cannot be read
};

class PieceReader {
public:
    PieceReader(runtime::FileSystem& files, std::filesystem::path folder)
        : files_(files), folder_(std::move(folder)) {}

    // The owner's side. What is asked for is durable.
    void ask(std::span<const PieceRequest> requests);
    std::vector<PieceAnswer> take_answers();

    // The disk's side: reads one piece, so that nothing else waits for long; false if none was
    // asked for. One that cannot be read for want of descriptors or memory stays asked for.
    bool work();
    bool must_retry() const { return must_retry_; }

private:
    std::optional<PieceAnswer> read(const PieceRequest& request);  // nothing: later

    runtime::FileSystem& files_;
    std::filesystem::path folder_;
    bool must_retry_ = false;

    std::mutex mutex_;  // of what follows
    std::deque<PieceRequest> requests_;
    std::vector<PieceAnswer> answers_;
};

}  // namespace xebec::broker::journal

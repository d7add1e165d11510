#pragma once
// Reads payloads and results back from the journal, in batches, beside the writer.

#include "broker/journal/format.h"
#include "broker/journal/octets.h"
#include "protocol/blob.h"
#include "runtime/file_system.h"

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::broker::journal {

struct ReadRequest {
    Locator locator;
    std::uint64_t token = 0;  // the caller's own
};

struct ReadAnswer {
    Locator locator;
    std::uint64_t token = 0;
    Blob octets;
    std::string fault;  // not empty: it is damaged, or the disk cannot read it
};

class PayloadReader {
public:
    PayloadReader(runtime::FileSystem& files, std::filesystem::path folder)
        : files_(files), folder_(std::move(folder)) {}

    // The owner's side. What is asked for has to be durable, and its segment has to stay until the
    // answer is there.
    void ask(std::span<const ReadRequest> requests);
    std::vector<ReadAnswer> take_answers();

    // The disk's side: answers what was asked for so far; false if that was nothing. What cannot be
    // read for want of descriptors or memory stays asked for: that is no damage.
    bool work();
    bool must_retry() const { return must_retry_; }

private:
    struct OpenSegment {
        std::uint32_t segment = 0;
        std::unique_ptr<runtime::File> file;
    };

    // What was read last: neighbours that are asked for together are read together.
    struct Window {
        Locator at;
        Buffer octets;
    };

    std::optional<ReadAnswer> read(const ReadRequest& request, Window& window);  // nothing: later
    // So many octets from there on, fewer if the file ends; until the next call.
    std::string_view look(const Locator& at, std::size_t octets, Window& window);
    runtime::File& open(std::uint32_t segment);

    runtime::FileSystem& files_;
    std::filesystem::path folder_;
    std::list<OpenSegment> open_;  // used last first
    bool must_retry_ = false;

    std::mutex mutex_;  // of what follows
    std::vector<ReadRequest> requests_;
    std::vector<ReadAnswer> answers_;
};

}  // namespace xebec::broker::journal

#include "broker/journal/segment_scanner.h"

#include "broker/journal/record_skimmer.h"
#include "broker/journal/segment_reader.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace xebec::broker::journal {

namespace {

void note(const Subject& subject, Mentions& mentions) {
    switch (subject.type) {
        case RecordType::task_accepted:
        case RecordType::task_carried:
            mentions.tasks.push_back({subject.number, *subject.id});
            break;
        case RecordType::task_removed:
        case RecordType::tombstone_carried:
            mentions.tombstones.push_back({subject.number, *subject.id});
            break;
        case RecordType::queue_changed:
            mentions.queues.emplace_back(subject.queue);
            break;
        case RecordType::task_due:
        case RecordType::attempt_started:
        case RecordType::attempt_returned:
        case RecordType::attempt_failed:
        case RecordType::task_succeeded:
        case RecordType::task_died:
        case RecordType::task_cancelled:
        case RecordType::task_expired:
        case RecordType::task_retried:
        case RecordType::task_removed_by_number:
        case RecordType::floor_raised:
        case RecordType::bases_carried:
        case RecordType::history_carried:
        case RecordType::segment_shelved:  // the state knows the shelves
            break;
    }
}

// A segment that is read from its beginning; no opening if that is not right.
struct OpenSegment {
    OpenSegment(runtime::FileSystem& files, std::filesystem::path where)
        : path(std::move(where)), file(files.open(path, runtime::FileAccess::read)) {
        std::array<char, sector_octets> octets{};
        const std::size_t size = file->read_at(0, octets.data(), octets.size());
        const DecodedHeader decoded = decode_segment_header({octets.data(), size});
        if (decoded.fault == HeaderFault::none) {
            reader.emplace(*file, decoded.header, Depth::metadata);
            opening = reader->read_opening();
        }
    }

    std::filesystem::path path;
    std::unique_ptr<runtime::File> file;
    std::optional<SegmentReader> reader;
    std::optional<Frame> opening;
};

}  // namespace

void SegmentScanner::ask(std::uint32_t segment) {
    ask(Asked{.segment = segment, .tasks = {}});
}

void SegmentScanner::ask_for_shelf(std::uint32_t segment, std::size_t tasks) {
    ask(Asked{.segment = segment, .tasks = tasks});
}

void SegmentScanner::ask(const Asked& asked) {
    const std::lock_guard lock(mutex_);
    asked_ = asked;
    if (latest_.use_count() > 1) {
        latest_ = nullptr;  // it is somebody's still
    }
}

std::shared_ptr<const Mentions> SegmentScanner::take_answer() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answer_, nullptr);
}

bool SegmentScanner::work() {
    Asked asked;
    std::shared_ptr<Mentions> mentions;
    {
        const std::lock_guard lock(mutex_);
        if (!asked_) {
            return false;
        }
        asked = *std::exchange(asked_, std::nullopt);
        mentions =
            latest_ != nullptr ? std::exchange(latest_, nullptr) : std::make_shared<Mentions>();
    }
    mentions->segment = asked.segment;
    mentions->tasks.clear();
    mentions->tombstones.clear();
    mentions->queues.clear();
    mentions->fault.clear();
    must_retry_ = !scan(asked, *mentions);
    const std::lock_guard lock(mutex_);
    if (must_retry_) {
        asked_ = asked;
        return false;
    }
    answer_ = mentions;
    latest_ = std::move(mentions);
    return true;
}

bool SegmentScanner::scan(const Asked& asked, Mentions& mentions) {
    try {
        read(asked, mentions);
    } catch (const runtime::FileError& error) {
        if (error.is_passing()) {
            return false;
        }
        mentions.fault = error.what();
    }
    return true;
}

// A segment ends where the next one's opening says. A seal need not be there: a start may have been
// killed between the two. Of a shelf it matters only how much was told of.
void SegmentScanner::read(const Asked& asked, Mentions& mentions) {
    OpenSegment opened(files_, folder_ / segment_name(asked.segment));
    std::optional<OpenSegment> next;
    if (!asked.tasks) {
        next.emplace(files_, folder_ / segment_name(asked.segment + 1));
    }
    for (const OpenSegment* one : {&opened, next ? &*next : &opened}) {
        if (!one->opening) {
            mentions.fault = one->path.string() + " has no right header or opening";
            return;
        }
    }
    SegmentReader& reader = *opened.reader;
    const auto fail = [&](std::uint64_t offset, const std::string& fault) {
        mentions.fault =
            opened.path.string() + " at octet " + std::to_string(offset) + ": " + fault;
    };
    const auto is_over = [&] {
        return next ? reader.checksum() == next->opening->predecessor
                    : mentions.tasks.size() >= *asked.tasks;
    };
    bool is_cut = false;  // a repair closes a shelf where it cuts it
    while (!is_over() && !is_cut) {
        const std::uint64_t offset = reader.offset();
        const auto frame = reader.next();
        if (!frame) {
            fail(offset, reader.fault());
            return;
        }
        is_cut = !next && frame->kind == FrameKind::closing;
        if (frame->kind != FrameKind::batch) {
            continue;
        }
        RecordSkimmer records(reader.metadata());
        while (const auto subject = records.next()) {
            note(*subject, mentions);
        }
        if (!records.is_good()) {
            fail(offset, "its metadata is no sequence of records");
            return;
        }
    }
}

}  // namespace xebec::broker::journal

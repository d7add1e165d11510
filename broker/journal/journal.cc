#include "broker/journal/journal.h"

#include <utility>

namespace xebec::broker::journal {

Journal::Journal(runtime::FileSystem& files, const Options& options, const Replay& replay,
                 const Ahead& ahead)
    : shared_(options.segment_octets, {}, 0),
      reader_(files, options.folder),
      pieces_(files, options.folder) {
    if (!files.exists(options.folder)) {
        files.make_folder(options.folder);
        files.flush_folder(options.folder.parent_path());
    }
    SegmentFiles segments(files, {.folder = options.folder,
                                  .partition = options.partition,
                                  .segment_octets = options.segment_octets,
                                  .seed = options.seed});
    Recovered recovered = recover(segments, replay, ahead);
    cuts_ = std::move(recovered.cuts);
    records_written_again_ = recovered.records_written_again;
    was_stopped_cleanly_ = recovered.was_stopped_cleanly;
    end_ = recovered.head.position;
    segment_ = recovered.head.segment.segment;
    shared_.layout =
        Layout(segments.options().segment_octets, {segment_, recovered.head.end}, end_);
    segment_octets_ = segments.options().segment_octets;
    segment_taken_ = recovered.head.end;
    shared_.durable = end_;
    shared_.oldest_wanted = recovered.head.oldest;
    shared_.durable_end = {segment_, recovered.head.end, recovered.head.oldest};
    shared_.segments = std::move(recovered.segments);
    shared_.shelves = std::move(recovered.shelves);
    writer_.emplace(std::move(segments), std::move(recovered.head), options.writer, shared_);
}

Position Journal::append(std::span<const Record> records) {
    const Position first = end_;
    places_.clear();
    std::unique_lock lock(shared_.mutex, std::defer_lock);
    while (!records.empty()) {
        const std::size_t placed = places_.size();
        records = frame_.encode(records, segment_octets_, places_);
        if (!lock) {
            lock.lock();  // until the last frame: they become durable together
        }
        has_news_ = has_news_ || shared_.growing.empty();
        const std::uint64_t before = shared_.growing.octets();
        shared_.layout.put_down(frame_, shared_.growing, std::span(places_).subspan(placed));
        shared_.octets_waiting += shared_.growing.octets() - before;
        end_ = shared_.layout.end();
        segment_ = shared_.layout.cursor().segment;
        segment_taken_ = shared_.layout.cursor().offset;
    }
    return first;
}

void Journal::write() {
    if (std::exchange(has_news_, false)) {
        on_work();
    }
}

std::vector<SegmentUse> Journal::segments() const {
    const std::lock_guard lock(shared_.mutex);
    return shared_.segments;
}

void Journal::announce_trim() {
    const std::lock_guard lock(shared_.mutex);
    shared_.is_trim_announced = true;
}

void Journal::trim(std::uint32_t first_needed, Before before) {
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.is_trim_announced = false;
        if (before == Before::is_shelved) {
            shared_.shelves.insert(first_needed - 1);
        }
        shared_.oldest_wanted = std::max(shared_.oldest_wanted, std::min(first_needed, segment_));
    }
    on_work();
}

void Journal::unshelve(std::uint32_t segment) {
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.is_trim_announced = false;
        shared_.shelves.erase(segment);
    }
    on_work();
}

std::set<std::uint32_t> Journal::shelves() const {
    const std::lock_guard lock(shared_.mutex);
    return shared_.shelves;
}

std::uint32_t Journal::oldest() const {
    const std::lock_guard lock(shared_.mutex);
    return shared_.oldest_wanted;
}

std::string Journal::failure() const {
    const std::lock_guard lock(shared_.mutex);
    return shared_.failure;
}

void Journal::read(std::span<const ReadRequest> requests) {
    reader_.ask(requests);
    on_reads();
}

std::vector<SegmentUse> Journal::hold(std::uint64_t backup) {
    const std::lock_guard lock(shared_.mutex);
    const DurableEnd& end = shared_.durable_end;
    std::vector<SegmentUse> held;
    for (const SegmentUse& use : shared_.segments) {
        const bool is_shelved = shared_.shelves.contains(use.segment);
        if ((use.segment >= end.oldest || is_shelved) && use.segment <= end.segment) {
            held.push_back({use.segment, use.segment == end.segment ? end.offset : use.octets});
        }
    }
    shared_.holds.push_back({backup, end.oldest, shared_.shelves});
    return held;
}

void Journal::release(std::uint64_t backup) {
    {
        const std::lock_guard lock(shared_.mutex);
        std::erase_if(shared_.holds, [backup](const Hold& hold) { return hold.backup == backup; });
    }
    on_work();
}

void Journal::read_pieces(std::span<const PieceRequest> requests) {
    pieces_.ask(requests);
    on_reads();
}

void Journal::close() {
    {
        const std::lock_guard lock(shared_.mutex);
        shared_.is_closing = true;
    }
    on_work();
}

}  // namespace xebec::broker::journal

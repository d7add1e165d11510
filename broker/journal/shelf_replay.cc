#include "broker/journal/shelf_replay.h"

#include "broker/journal/journal_error.h"

#include <algorithm>
#include <string>

namespace xebec::broker::journal {

namespace {

// A task that has not changed since, as it is told again.
TaskCarried as_carried(const TaskAccepted& r) {
    const bool must_wait = r.not_before != WallTime{};
    return {.number = r.number,
            .id = r.id,
            .content_hash = r.content_hash,
            .kind = r.kind,
            .queue = r.queue,
            .payload = r.payload,
            .content_type = r.content_type,
            .priority = r.priority,
            .state = must_wait ? TaskState::scheduled : TaskState::ready,
            .attempts_max = r.attempts_max,
            .version = 1,
            .run_max = r.run_max,
            .not_before = r.not_before,
            .deadline = r.deadline,
            .accepted_at = r.at};
}

}  // namespace

// Goes through the records of a segment that tell of a task whole.
class ShelfReplay::Cursor {
public:
    Cursor(const FoundSegment& segment, const Ahead& ahead)
        : segment_(segment), reader_(segment.reader(Depth::metadata)), ahead_(ahead) {
        reader_.read_opening();
    }

    std::uint32_t segment() const { return segment_.header.segment; }
    std::uint32_t next_task() const { return next_task_; }

    // Nothing: a repair has cut the segment before that.
    std::optional<TaskCarried> next(Places& places) {
        for (;;) {
            while (const auto record = records_ ? records_->next() : std::nullopt) {
                const auto* accepted = std::get_if<TaskAccepted>(&*record);
                const auto* carried = std::get_if<TaskCarried>(&*record);
                if (accepted != nullptr || carried != nullptr) {
                    places = records_->decoder().places();
                    const std::uint64_t metadata = frame_.offset + frame_header_octets;
                    place(places, segment(), metadata, metadata + frame_.metadata_octets);
                    places.is_shelved = true;
                    places.order = next_task_++;
                    return accepted != nullptr ? as_carried(*accepted) : *carried;
                }
            }
            if (records_ && !records_->decoder().fault().empty()) {
                throw JournalError::damage(segment_.path, frame_.offset,
                                           records_->decoder().fault());
            }
            if (!read_frame()) {
                return std::nullopt;
            }
        }
    }

private:
    bool read_frame() {
        records_.reset();
        const std::uint64_t offset = reader_.offset();
        const auto frame = reader_.next();
        if (!frame && frame_.kind == FrameKind::closing) {
            return false;
        }
        if (!frame) {
            throw JournalError::damage(segment_.path, offset, reader_.fault());
        }
        frame_ = *frame;
        records_.emplace(reader_.metadata(), ahead_);
        return true;
    }

    const FoundSegment& segment_;
    SegmentReader reader_;
    const Ahead& ahead_;
    Frame frame_;
    std::optional<AnnouncedRecords> records_;
    std::uint32_t next_task_ = 0;
};

ShelfReplay::ShelfReplay(const Replay& replay, const Ahead& ahead)
    : replay_(replay), ahead_(ahead) {}

ShelfReplay::~ShelfReplay() = default;

void ShelfReplay::add(FoundSegment segment) {
    const std::uint32_t number = segment.header.segment;
    segments_.emplace(number, std::move(segment));
}

void ShelfReplay::tell(const SegmentShelved& record) {
    shelves_.apply(record);
    Range range{record.first, record.first};
    for (const std::uint32_t run : record.runs) {
        range.end += run;
    }
    if (range.begin < range.end && segments_.contains(record.segment) &&
        note_told(record.segment, range)) {
        walk(record);
    }
}

// False: all of it was told of before.
bool ShelfReplay::note_told(std::uint32_t segment, const Range& range) {
    std::vector<Range>& told = told_[segment];
    const bool is_known = std::any_of(told.begin(), told.end(), [&range](const Range& known) {
        return known.begin <= range.begin && range.end <= known.end;
    });
    if (is_known) {
        return false;
    }
    if (!told.empty() && told.back().end == range.begin) {
        told.back().end = range.end;
    } else {
        told.push_back(range);
    }
    return true;
}

void ShelfReplay::walk(const SegmentShelved& record) {
    const bool is_behind =
        cursor_ && cursor_->segment() == record.segment && cursor_->next_task() <= record.first;
    if (!is_behind) {
        cursor_ = std::make_unique<Cursor>(segments_.at(record.segment), ahead_);
    }
    const auto pass = [this](std::uint32_t count, bool holds) {
        Places places;
        for (; count > 0; --count) {
            const auto task = cursor_->next(places);
            if (!task) {
                return false;
            }
            places.holds = holds;
            replay_(*task, places);
        }
        return true;
    };
    bool is_there = pass(record.first - cursor_->next_task(), false);
    bool holds = true;
    for (const std::uint32_t run : record.runs) {
        is_there = is_there && pass(run, holds);
        holds = !holds;
    }
}

void ShelfReplay::expect_all(std::uint32_t oldest, const std::filesystem::path& folder) const {
    for (const auto& [segment, shelf] : shelves_.all()) {
        if (segment < oldest && !segments_.contains(segment)) {
            throw JournalError("segment " + std::to_string(segment) +
                               " of the journal is missing in " + folder.string() +
                               ": restore it, or restore a backup");
        }
    }
}

}  // namespace xebec::broker::journal

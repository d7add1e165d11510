#include "broker/journal/repair.h"

#include "broker/journal/frame_writer.h"
#include "broker/journal/journal_error.h"
#include "broker/journal/record_codec.h"
#include "broker/journal/shelf_replay.h"
#include "broker/journal/tail.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

namespace xebec::broker::journal {

namespace {

// Where the journal is whole no more: in a segment, or at the beginning of one.
struct Damage {
    std::size_t index = 0;  // among the segments
    std::uint64_t offset = 0;
    std::string fault;
};

// As many records 19 fit a sector, whatever numbers they have.
constexpr std::size_t shelves_gone_max = (sector_octets - frame_header_octets) / 9;

// Where the metadata of a segment ends, without what ends it.
std::uint64_t find_end(const FoundSegment& segment) {
    SegmentReader reader = segment.reader(Depth::metadata);
    reader.read_opening();
    std::uint64_t end = reader.offset();
    while (const auto frame = reader.next()) {
        const bool is_ending = frame->kind == FrameKind::seal || frame->kind == FrameKind::closing;
        end = is_ending ? end : reader.offset();
    }
    return end;
}

class Repair {
public:
    Repair(runtime::FileSystem& files, std::filesystem::path folder, std::uint32_t partition)
        : files_(files), folder_(std::move(folder)), partition_(partition) {}

    RepairReport run(RepairMode mode);

private:
    void list_segments();
    void set_old_segments_aside();
    void look_at_payloads(Damage& damage) const;
    void take_back_old_segments(Damage& damage);
    std::uint32_t find_oldest_named_before(const FoundSegment& segment, std::uint64_t end) const;
    std::optional<Damage> find_damage();
    std::set<std::uint32_t> find_shelved(const Damage& end) const;
    bool find_damage_in_shelves();
    std::optional<Damage> find_damage_in_headers() const;
    std::optional<Damage> walk(std::size_t index, const Frame& next) const;
    std::size_t opened_count() const;
    void cut(const Damage& damage, const std::set<std::uint32_t>& shelves_gone);
    void cut_shelf();
    struct Segment {
        std::uint32_t number = 0;
        std::filesystem::path path;
        DecodedHeader decoded;
        std::optional<FoundSegment> found;  // if its header is good
        std::uint64_t octets = 0;
    };
    void count(const Segment& segment, std::uint64_t from);
    void keep_segment(const Segment& segment);
    void keep_rest(const Segment& segment, std::uint64_t offset);
    void end_at(const Segment& segment, std::uint64_t offset, std::uint32_t oldest,
                const std::set<std::uint32_t>& shelves_gone);
    void write_frame(const FoundSegment& segment, Frame frame, std::uint32_t oldest,
                     std::string_view metadata = {});
    void write_zeros(const Segment& segment, std::uint64_t offset);

    runtime::FileSystem& files_;
    std::filesystem::path folder_;
    std::uint32_t partition_;
    std::vector<Segment> segments_;
    std::vector<Segment> old_;  // before the oldest that is needed, but for what is shelved
    RepairReport report_;
};

RepairReport Repair::run(RepairMode mode) {
    list_segments();
    set_old_segments_aside();
    auto damage = find_damage();
    if (!damage) {
        if (find_damage_in_shelves() && mode == RepairMode::cut) {
            cut_shelf();
        }
        return report_;
    }
    look_at_payloads(*damage);
    take_back_old_segments(*damage);
    report_.is_damaged = true;
    report_.fault = damage->fault;
    report_.file = segments_[damage->index].path;
    report_.offset = damage->offset;
    const bool is_whole_segment = damage->offset < frames_offset;
    for (std::size_t i = damage->index; i < segments_.size(); ++i) {
        count(segments_[i], i == damage->index ? damage->offset : 0);
        if (i > damage->index || is_whole_segment) {
            report_.segments.push_back(segments_[i].path);
        }
    }
    std::set<std::uint32_t> shelved = find_shelved(*damage);
    std::erase_if(old_, [&](const Segment& segment) { return shelved.erase(segment.number) > 0; });
    shelved.erase(shelved.lower_bound(segments_.front().number), shelved.end());
    if (shelved.size() > shelves_gone_max) {
        throw JournalError(report_.file.string() +
                           " is damaged, and what stands before that names too many segments that "
                           "have gone since: restore a backup");
    }
    for (const Segment& segment : old_) {
        count(segment, 0);
        report_.segments.push_back(segment.path);
    }
    if (mode == RepairMode::cut) {
        cut(*damage, shelved);
    }
    return report_;
}

void Repair::list_segments() {
    for (const std::string& name : files_.list(folder_)) {
        const auto number = parse_segment_name(name);
        if (!number) {
            continue;
        }
        Segment segment{.number = *number, .path = folder_ / name};
        auto file = files_.open(segment.path, runtime::FileAccess::read);
        char octets[sector_octets];
        segment.decoded = decode_segment_header({octets, file->read_at(0, octets, sizeof octets)});
        segment.octets = file->size();
        const SegmentHeader& header = segment.decoded.header;
        if (segment.decoded.fault == HeaderFault::other_version) {
            throw JournalError(segment.path.string() + " has another version of the format: " +
                               "only the xebec that wrote it can repair it");
        }
        if (segment.decoded.fault == HeaderFault::none && header.segment == *number &&
            header.partition == partition_ && header.octets >= segment_octets_min &&
            header.octets <= segment_octets_max) {
            segment.found =
                FoundSegment{.path = segment.path, .file = std::move(file), .header = header};
            segment.found->opening = segment.found->reader(Depth::metadata).read_opening();
        }
        segments_.push_back(std::move(segment));
    }
}

void Repair::set_old_segments_aside() {
    const std::size_t opened = opened_count();
    if (opened == 0) {
        return;
    }
    const std::uint32_t oldest = find_oldest_named(*segments_[opened - 1].found);
    const auto first =
        std::find_if(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(opened - 1),
                     [oldest](const Segment& segment) { return segment.number >= oldest; });
    std::move(segments_.begin(), first, std::back_inserter(old_));
    segments_.erase(segments_.begin(), first);
}

// A start reads the last segment whole: what will be the last one ends before what is not right
// there, payloads too.
void Repair::look_at_payloads(Damage& damage) const {
    const bool is_whole_segment = damage.offset < frames_offset;
    if (is_whole_segment && damage.index == 0) {
        return;
    }
    const std::size_t last = damage.index - (is_whole_segment ? 1 : 0);
    const FoundSegment& segment = *segments_[last].found;
    const Tail tail = examine_tail(segment);
    if (tail.end < (is_whole_segment ? find_end(segment) : damage.offset)) {
        damage = {last, tail.end, tail.fault};
    }
}

// What comes behind the damage said that they are needed no more; what is before it needs them.
void Repair::take_back_old_segments(Damage& damage) {
    const bool is_whole_segment = damage.offset < frames_offset;
    if (is_whole_segment && damage.index == 0) {
        return;
    }
    const std::size_t last = damage.index - (is_whole_segment ? 1 : 0);
    const std::uint32_t needed = find_oldest_named_before(
        *segments_[last].found, is_whole_segment ? UINT64_MAX : damage.offset);
    while (!old_.empty() && old_.back().number >= needed &&
           old_.back().number + 1 == segments_.front().number && old_.back().found &&
           old_.back().found->opening) {
        segments_.insert(segments_.begin(), std::move(old_.back()));
        old_.pop_back();
        ++damage.index;
        if (walk(0, *segments_[1].found->opening)) {  // it is damaged itself
            old_.push_back(std::move(segments_.front()));
            segments_.erase(segments_.begin());
            --damage.index;
            return;
        }
    }
}

std::uint32_t Repair::find_oldest_named_before(const FoundSegment& segment,
                                               std::uint64_t end) const {
    SegmentReader reader = segment.reader(Depth::metadata);
    const auto opening = reader.read_opening();
    std::uint32_t oldest = opening ? opening->oldest_segment : 0;
    while (reader.offset() < end) {
        const auto frame = reader.next();
        if (!frame) {
            break;
        }
        oldest = std::max(oldest, frame->oldest_segment);
    }
    return oldest;
}

// Those that are told of before the damage: a start would give the files of the others away.
std::set<std::uint32_t> Repair::find_shelved(const Damage& end) const {
    Shelves shelves;
    for (std::size_t i = 0; i < segments_.size() && i <= end.index; ++i) {
        if (!segments_[i].found || !segments_[i].found->opening) {
            break;
        }
        SegmentReader reader = segments_[i].found->reader(Depth::metadata);
        reader.read_opening();
        while ((i < end.index || reader.offset() < end.offset) && reader.next()) {
            RecordDecoder decoder(reader.metadata());
            while (const auto record = decoder.next()) {
                if (const auto* shelved = std::get_if<SegmentShelved>(&*record)) {
                    shelves.apply(*shelved);
                }
            }
        }
    }
    std::set<std::uint32_t> found;
    for (const auto& [segment, shelf] : shelves.all()) {
        found.insert(segment);
    }
    return found;
}

// Of an undamaged sequence: as a start would read them.
bool Repair::find_damage_in_shelves() {
    const Replay replay = [](const Record&, const Places&) {};
    const Ahead ahead;
    ShelfReplay shelves(replay, ahead);
    for (const Segment& segment : old_) {
        if (segment.found && segment.found->opening) {
            shelves.add({.path = segment.path,
                         .file = files_.open(segment.path, runtime::FileAccess::read),
                         .header = segment.found->header,
                         .opening = segment.found->opening});
        }
    }
    try {
        for (const Segment& segment : segments_) {
            SegmentReader reader = segment.found->reader(Depth::metadata);
            while (reader.offset() > opening_offset ? reader.next() : reader.read_opening()) {
                RecordDecoder decoder(reader.metadata());
                while (const auto record = decoder.next()) {
                    if (const auto* shelved = std::get_if<SegmentShelved>(&*record)) {
                        shelves.tell(*shelved);
                    }
                }
            }
        }
        shelves.expect_all(segments_.empty() ? 0 : segments_.front().number, folder_);
    } catch (const JournalError& error) {
        if (!error.is_damage()) {
            throw;  // one is missing
        }
        report_.is_damaged = true;
        report_.fault = error.fault();
        report_.file = error.file();
        report_.offset = error.offset();
        for (const Segment& segment : old_) {
            if (segment.path == report_.file) {
                count(segment, report_.offset);
            }
        }
    }
    return report_.is_damaged;
}

std::optional<Damage> Repair::find_damage() {
    const auto in_headers = find_damage_in_headers();
    const std::size_t whole = in_headers ? in_headers->index : opened_count();
    for (std::size_t i = 0; i + 1 < whole; ++i) {
        if (auto damage = walk(i, *segments_[i + 1].found->opening)) {
            return damage;
        }
    }
    if (in_headers) {
        return in_headers;
    }
    if (whole == 0) {
        const bool is_new = segments_.empty() || segments_.front().number == 1;
        return is_new ? std::nullopt
                      : std::optional(Damage{0, 0, "its first frame is not what was written"});
    }
    const Tail tail = examine_tail(*segments_[whole - 1].found);
    if (tail.is_damaged) {
        return Damage{whole - 1, tail.end, tail.fault};
    }
    if (whole < segments_.size()) {
        const Tail rest = examine_unopened(*segments_[whole].found);
        if (rest.is_damaged || tail.successor == Tail::Successor::begun) {
            return Damage{whole, 0, rest.fault};
        }
    } else if (tail.successor != Tail::Successor::none) {
        // Only the word that there is another segment can be taken back.
        return Damage{whole - 1, tail.frames.back().offset, "the next segment is missing"};
    }
    return std::nullopt;
}

std::optional<Damage> Repair::find_damage_in_headers() const {
    const std::size_t opened = opened_count();
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        if (i > 0 && segment.number != segments_[i - 1].number + 1) {
            return Damage{i, 0, "the segment before it is missing"};
        }
        if (!segment.found) {
            return Damage{i, 0, "its header is not what was written"};
        }
        if (!segment.found->opening && i < opened) {
            return Damage{i, 0, "its first frame is not what was written"};
        }
    }
    return std::nullopt;
}

// Segments up to the last that has an opening.
std::size_t Repair::opened_count() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (segments_[i].found && segments_[i].found->opening) {
            count = i + 1;
        }
    }
    return count;
}

std::optional<Damage> Repair::walk(std::size_t index, const Frame& next) const {
    SegmentReader reader = segments_[index].found->reader(Depth::metadata);
    reader.read_opening();
    while (reader.checksum() != next.predecessor) {
        const std::uint64_t offset = reader.offset();
        if (!reader.next()) {
            return Damage{index, offset, reader.fault()};
        }
        RecordDecoder decoder(reader.metadata());
        while (decoder.next()) {
        }
        if (!decoder.fault().empty()) {
            return Damage{index, offset, decoder.fault()};
        }
    }
    return std::nullopt;
}

void Repair::count(const Segment& segment, std::uint64_t from) {
    report_.octets += segment.octets - std::min(segment.octets, from);
    if (!segment.found) {
        return;
    }
    SegmentReader reader = segment.found->reader(Depth::metadata);
    while (const auto frame = reader.find_frame(from)) {
        report_.frames += frame->kind == FrameKind::batch ? 1 : 0;
        report_.records += frame->record_count;
        from = frame->end();
    }
}

// ---- cutting ----

// What is written is right from the first octet on, and the newest segment goes behind the others:
// for as long as it is there, it names the first one that is needed. What is damaged goes last. So
// a repair that is killed can be repeated.
void Repair::cut(const Damage& damage, const std::set<std::uint32_t>& shelves_gone) {
    const bool is_whole_segment = damage.offset < frames_offset;
    const std::uint32_t oldest = segments_.front().number;
    if (!is_whole_segment) {
        keep_rest(segments_[damage.index], damage.offset);
        end_at(segments_[damage.index], damage.offset, oldest, shelves_gone);
    } else if (damage.index > 0) {  // nothing follows it any more
        const Segment& last = segments_[damage.index - 1];
        end_at(last, find_end(*last.found), oldest, shelves_gone);
    }
    for (const Segment& segment : old_) {
        keep_segment(segment);
    }
    for (std::size_t i = damage.index + 1; i < segments_.size(); ++i) {
        keep_segment(segments_[i]);
    }
    if (is_whole_segment) {
        keep_segment(segments_[damage.index]);
    }
}

// The segment ends there, and takes back what it says of others that have gone since: which is the
// first, and which were shelved. It has its whole size again.
void Repair::end_at(const Segment& segment, std::uint64_t offset, std::uint32_t oldest,
                    const std::set<std::uint32_t>& shelves_gone) {
    const std::uint32_t named = find_oldest_named_before(*segment.found, offset);
    if (named >= oldest && shelves_gone.empty()) {
        write_zeros(segment, offset);
        return;
    }
    RecordEncoder encoder;
    Places places;
    for (const std::uint32_t shelf : shelves_gone) {
        encoder.add(SegmentShelved{.segment = shelf, .is_last = true}, places);
    }
    write_frame(*segment.found,
                {.kind = shelves_gone.empty() ? FrameKind::mark : FrameKind::batch,
                 .offset = static_cast<std::uint32_t>(offset),
                 .record_count = static_cast<std::uint32_t>(shelves_gone.size())},
                std::max(oldest, named), encoder.metadata());
    write_zeros(segment, offset + sector_octets);
}

// A closing frame says that nothing is missing behind it.
void Repair::cut_shelf() {
    const auto segment = std::find_if(
        old_.begin(), old_.end(), [this](const Segment& one) { return one.path == report_.file; });
    keep_rest(*segment, report_.offset);
    write_frame(*segment->found,
                {.kind = FrameKind::closing, .offset = static_cast<std::uint32_t>(report_.offset)},
                segment->found->opening->oldest_segment);
    write_zeros(*segment, report_.offset + sector_octets);
}

// As the next of the chain, in one sector.
void Repair::write_frame(const FoundSegment& segment, Frame frame, std::uint32_t oldest,
                         std::string_view metadata) {
    SegmentReader reader = segment.reader(Depth::metadata);
    reader.read_opening();
    while (reader.offset() < frame.offset && reader.next()) {
    }
    Chain chain{.nonce = segment.header.nonce,
                .checksum = reader.checksum(),
                .position = reader.position(),
                .oldest = oldest};
    frame.flushed = frame.offset;
    const auto file = files_.open(segment.path, runtime::FileAccess::change);
    write_sector(*file, chain, frame, metadata);
    file->flush();
}

void Repair::keep_segment(const Segment& segment) {
    const auto kept = folder_ / (std::string(cut_prefix) + segment_name(segment.number));
    files_.rename(segment.path, kept);
    files_.flush_folder(folder_);
    report_.kept_in.push_back(kept);
}

void Repair::keep_rest(const Segment& segment, std::uint64_t offset) {
    const auto kept = folder_ / (std::string(cut_prefix) + segment_name(segment.number) + "-" +
                                 std::to_string(offset));
    Buffer octets;
    octets.resize(segment.octets - offset);
    octets.resize(segment.found->file->read_at(offset, octets.data(), octets.size()));
    if (files_.exists(kept) && octets.view().find_first_not_of('\0') == std::string_view::npos) {
        report_.kept_in.push_back(kept);  // by a repair that was killed behind that
        return;
    }
    if (files_.exists(kept)) {
        files_.remove(kept);
    }
    const auto file = files_.open(kept, runtime::FileAccess::create);
    file->write_at(0, octets.view());
    file->flush();
    files_.flush_folder(folder_);
    report_.kept_in.push_back(kept);
}

// What is last then has its whole size again.
void Repair::write_zeros(const Segment& segment, std::uint64_t offset) {
    const auto file = files_.open(segment.path, runtime::FileAccess::change);
    const std::uint64_t end = std::max<std::uint64_t>(file->size(), segment.found->header.octets);
    file->write_at(offset, std::string(end - offset, '\0'));
    file->flush();
}

}  // namespace

RepairReport repair(runtime::FileSystem& files, const std::filesystem::path& folder,
                    std::uint32_t partition, RepairMode mode) {
    return Repair(files, folder, partition).run(mode);
}

}  // namespace xebec::broker::journal

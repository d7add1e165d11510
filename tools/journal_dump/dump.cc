#include "tools/journal_dump/dump.h"

#include "broker/journal/tail.h"
#include "tools/journal_dump/fields.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace xebec::journal_dump {

using namespace broker::journal;

namespace {

const char* name_of(FrameKind kind) {
    switch (kind) {
        case FrameKind::opening:
            return "opening";
        case FrameKind::batch:
            return "batch";
        case FrameKind::mark:
            return "mark";
        case FrameKind::closing:
            return "closing";
        case FrameKind::seal:
            return "seal";
    }
    return "unknown";
}

class Dump {
public:
    Dump(const Options& options, std::ostream& out) : options_(options), out_(out) {}

    void segment(const FoundSegment& segment, const FoundSegment* next);
    bool is_whole() const { return is_whole_; }

private:
    void put_frame(const FoundSegment& segment, const Frame& frame);
    void put_records(const FoundSegment& segment, const Frame& frame, std::string_view metadata);
    void put_end(const FoundSegment& segment, const SegmentReader& reader);
    void put(const Json& json);

    const Options& options_;
    std::ostream& out_;
    bool is_whole_ = true;
};

void Dump::segment(const FoundSegment& segment, const FoundSegment* next) {
    SegmentReader reader =
        segment.reader(options_.must_verify ? Depth::everything : Depth::metadata);
    const auto opening = reader.read_opening();
    if (!opening) {
        if (!options_.task) {
            put({{"segment", segment.header.segment}, {"frame", "none"}});
        }
        return;
    }
    put_frame(segment, *opening);
    const bool has_next = next != nullptr && next->opening;
    while (!has_next || reader.checksum() != next->opening->predecessor) {
        const auto frame = reader.next();
        if (!frame) {
            is_whole_ = is_whole_ && !has_next && !examine_tail(segment).is_damaged;
            put_end(segment, reader);
            return;
        }
        put_frame(segment, *frame);
        put_records(segment, *frame, reader.metadata());
    }
}

void Dump::put_frame(const FoundSegment& segment, const Frame& frame) {
    if (options_.task) {
        return;
    }
    put({{"segment", segment.header.segment},
         {"offset", frame.offset},
         {"frame", name_of(frame.kind)},
         {"octets", frame.octets()},
         {"records", frame.record_count},
         {"position", frame.position},
         {"flushed", frame.flushed},
         {"oldest", frame.oldest_segment}});
}

void Dump::put_records(const FoundSegment& segment, const Frame& frame, std::string_view metadata) {
    RecordDecoder decoder(metadata);
    std::uint64_t position = frame.position;
    while (const auto record = decoder.next()) {
        if (!options_.task || task_of(*record) == options_.task) {
            Json json = {{"segment", segment.header.segment}, {"position", position}};
            json.update(fields_of(*record, decoder.places()));
            put(json);
        }
        ++position;
    }
    if (!decoder.fault().empty()) {
        is_whole_ = false;
        put({{"segment", segment.header.segment},
             {"offset", frame.offset},
             {"fault", decoder.fault()}});
    }
}

void Dump::put_end(const FoundSegment& segment, const SegmentReader& reader) {
    if (!options_.task || !is_whole_) {
        put({{"segment", segment.header.segment},
             {"offset", reader.offset()},
             {is_whole_ ? "end" : "fault", reader.fault()}});
    }
}

// As one JSON object, or as its values with their names.
void Dump::put(const Json& json) {
    constexpr auto replace = Json::error_handler_t::replace;  // payloads need not be text
    if (options_.is_json) {
        out_ << json.dump(-1, ' ', false, replace) << '\n';
        return;
    }
    const char* separator = "";
    for (const auto& [name, value] : json.items()) {
        const bool is_heading = name == "frame" || name == "record";
        out_ << separator << (is_heading ? "" : name + " ")
             << (is_heading ? value.get<std::string>() : value.dump(-1, ' ', false, replace));
        separator = "  ";
    }
    out_ << '\n';
}

// Those before it are shelved, and may have gaps between them.
std::size_t find_oldest(const std::vector<FoundSegment>& segments) {
    const auto last = std::find_if(segments.rbegin(), segments.rend(),
                                   [](const auto& segment) { return segment.opening.has_value(); });
    if (last == segments.rend()) {
        return 0;
    }
    const std::uint32_t oldest = find_oldest_named(*last);
    const auto first = std::find_if(segments.begin(), segments.end(), [&](const auto& segment) {
        return segment.header.segment >= oldest;
    });
    return static_cast<std::size_t>(first - segments.begin());
}

}  // namespace

bool dump(runtime::FileSystem& files, const Options& options, std::ostream& out) {
    const auto segments = find_segments(files, options.folder, options.partition);
    const std::size_t oldest = find_oldest(segments);
    expect_no_gap(std::span(segments).subspan(oldest));
    Dump dump(options, out);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const bool has_next = i + 1 < segments.size() && i >= oldest;
        dump.segment(segments[i], has_next ? &segments[i + 1] : nullptr);
    }
    return dump.is_whole();
}

}  // namespace xebec::journal_dump

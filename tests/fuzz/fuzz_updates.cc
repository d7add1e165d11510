// What a watcher reads from the PUB socket: numbers, updates, figures with their histograms, and
// the texts it shows. Input: the topic, then the other frames.

#include "protocol/check.h"
#include "protocol/codec.h"
#include "protocol/histogram.h"
#include "protocol/names.h"
#include "protocol/time_text.h"
#include "tests/fuzz/input.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace xebec;

void read_updates(std::string_view numbers, std::string_view body) {
    if (const auto header = protocol::decode_updates_header(numbers)) {
        const auto octets = protocol::encode(*header);
        check(std::string_view(octets.data(), octets.size()) == numbers,
              "numbers come back as they went");
        format_utc(WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(header->time)}});
    }
    const auto updates = protocol::decode_updates(body);
    if (!updates) {
        return;
    }
    const std::string again = protocol::encode_updates(*updates);
    const auto twice = protocol::decode_updates(again);
    check(twice.has_value() && *twice == *updates, "updates come back as they went");
    for (const protocol::Update& update : *updates) {
        check(is_utf8(escape_controls(update.worker)), "a shown text is UTF-8");
    }
}

void read_histogram(const std::vector<std::uint64_t>& sparse) {
    Histogram histogram;
    if (histogram.add_sparse(sparse)) {
        const auto half = histogram.quantile(0.5);
        check(half <= histogram.quantile(0.99), "quantiles grow");
        Histogram copy;
        check(copy.add_sparse(histogram.to_sparse()) && copy.count() == histogram.count(),
              "a histogram comes back as it went");
    } else {
        check(histogram.count() == 0, "what is refused adds nothing");
    }
}

void read_figures(std::string_view body) {
    const auto figures = protocol::decode_figures(body);
    if (!figures) {
        return;
    }
    const std::string again = protocol::encode_figures(*figures);
    const auto twice = protocol::decode_figures(again);
    check(twice.has_value() && *twice == *figures, "figures come back as they went");
    for (const protocol::LaneView& lane : figures->lanes) {
        read_histogram(lane.wait_us);
        read_histogram(lane.run_us);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto frames = xebec::fuzz::frames_of(data, size);
    if (frames.size() >= 3) {
        read_updates(frames[1], frames[2]);
    }
    if (frames.size() == 2) {
        read_figures(frames[1]);
    }
    return 0;
}

#include "tools/bench/record_sizes.h"

#include "broker/core/core.h"
#include "broker/journal/record_codec.h"
#include "runtime/clock.h"
#include "tools/bench/samples.h"

#include <algorithm>
#include <string>

namespace xebec::bench {

namespace {

using namespace broker;

std::uint64_t octets_of(const Record& record) {
    journal::RecordEncoder encoder;
    journal::Places places;
    encoder.add(record, places);
    return encoder.extent().octets();
}

std::uint64_t count_in(const Figures& figures, TaskState state) {
    return figures.tasks.at(static_cast<std::size_t>(state));
}

}  // namespace

// Numbers take more octets the larger they are: that of the millionth task stands for all.
RecordSizes::RecordSizes(const Load& flow, const Load& waiting) {
    constexpr std::uint64_t number = 1'000'000;
    const Fence fence{.epoch = 1, .attempt = 1};
    const std::string payload(std::max(flow.payload, waiting.payload), 'x');
    const std::string_view flow_payload = std::string_view(payload).substr(0, flow.payload);
    const std::string_view result = flow_payload.substr(0, result_octets);
    const Blob worker = Blob::copy_of("bench-12345");
    const WallTime at = runtime::now().wall;

    accepted_ = octets_of(TaskAccepted{.number = number,
                                       .kind = flow.kind,
                                       .queue = flow.queue,
                                       .payload = flow_payload,
                                       .at = at});
    started_ =
        octets_of(AttemptStarted{.number = number, .fence = fence, .worker = worker, .at = at});
    succeeded_ = octets_of(TaskSucceeded{.number = number, .result = result, .at = at});
    removed_ = octets_of(TaskRemoved{.number = number, .fence = fence, .at = at});

    carried_ready_ =
        octets_of(TaskCarried{.number = number,
                              .kind = waiting.kind,
                              .queue = waiting.queue,
                              .payload = std::string_view(payload).substr(0, waiting.payload),
                              .accepted_at = at});
    TaskCarried carried{.number = number,
                        .kind = flow.kind,
                        .queue = flow.queue,
                        .payload = flow_payload,
                        .state = TaskState::leased,
                        .fence = fence,
                        .accepted_at = at,
                        .worker = worker,
                        .started_at = at};
    carried_leased_ = octets_of(carried);
    carried.state = TaskState::succeeded;
    carried.payload = {};
    carried.result = result;
    carried.finished_at = at;
    carried.finished_order = number;
    carried_succeeded_ = octets_of(carried);
    carried_tombstone_ =
        octets_of(TombstoneCarried{.number = number, .fence = fence, .removed_at = at});
}

std::uint64_t RecordSizes::of_new_records(const Figures& before, const Figures& after) const {
    return (after.submitted - before.submitted) * accepted_ +
           (after.assigned - before.assigned) * started_ +
           (after.succeeded - before.succeeded) * succeeded_ +
           (after.removed - before.removed) * removed_;
}

std::uint64_t RecordSizes::of_live_records(const Figures& figures) const {
    // While a segment goes there may be a quarter less of them than at most.
    const std::uint64_t tombstones =
        std::min<std::uint64_t>(figures.removed, CoreOptions{}.tombstones_max * 3 / 4);
    return count_in(figures, TaskState::ready) * carried_ready_ +
           count_in(figures, TaskState::leased) * carried_leased_ +
           count_in(figures, TaskState::succeeded) * carried_succeeded_ +
           tombstones * carried_tombstone_;
}

}  // namespace xebec::bench

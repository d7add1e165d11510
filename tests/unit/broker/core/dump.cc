#include "tests/unit/broker/core/dump.h"

#include <sstream>

namespace xebec::broker {

namespace {

std::int64_t ms(WallTime at) {
    return at.time_since_epoch().count();
}

void dump_details(std::ostream& out, const Task& task, const Details& details) {
    out << " series " << details.series << " not_before " << ms(details.not_before) << " deadline "
        << ms(details.deadline) << " run_max " << details.run_max.count() << " retry_at "
        << details.retry_at.time_since_epoch().count() << " worker " << details.worker.view()
        << " started " << ms(details.started_at) << " error " << details.error_class.view() << ": "
        << details.error_text.view() << " result " << static_cast<int>(details.result_type) << ' '
        << details.result.view();
    if (details.history) {
        for (const PastAttempt& attempt : details.history->attempts()) {
            out << " attempt " << attempt.attempt << ' ' << attempt.fence.value() << ' '
                << attempt.worker.view() << ' ' << ms(attempt.started_at) << ' '
                << ms(attempt.ended_at) << ' ' << to_string(attempt.state) << ' '
                << attempt.error_class.view() << ": " << attempt.error_text.view();
        }
    }
    if (is_final(task.state)) {
        out << " finished " << ms(details.finished_at) << " as " << details.finished_order;
    }
}

void dump_task(std::ostream& out, const State& state, const Task& task) {
    const Lane& lane = state.queues()[task.lane];
    out << "task " << task.number << ' ' << to_string(task.id) << " hash " << task.content_hash
        << ' ' << state.queues().name(lane.kind()) << " in " << state.queues()[lane.queue()].name
        << ' ' << to_string(task.state) << " priority " << static_cast<int>(task.priority)
        << " attempts " << state.tasks().attempts_of(task) << '/' << task.attempts_max << " fence "
        << state.tasks().fence_of(task).value() << " version " << state.tasks().version_of(task)
        << " accepted " << ms(task.accepted_at) << " returned " << task.is_returned << " payload "
        << static_cast<int>(task.content_type) << ' ' << task.payload.view();
    if (const Details* details = state.tasks().find_details(task)) {
        dump_details(out, task, *details);
    }
    out << '\n';
}

void dump_lane(std::ostream& out, const State& state, const Lane& lane) {
    out << "  lane " << state.queues().name(lane.kind()) << " ready " << lane.ready() << " leased "
        << lane.leased << " created " << lane.figures.created << " succeeded "
        << lane.figures.succeeded << " failed " << lane.figures.failed << " wait";
    for (const std::uint64_t value : lane.figures.wait.to_sparse()) {
        out << ' ' << value;
    }
    out << " run";
    for (const std::uint64_t value : lane.figures.run.to_sparse()) {
        out << ' ' << value;
    }
    const auto head = lane.head(state.tasks());
    out << " head " << (head ? head->rank.number : 0) << '\n';
}

void dump_queue(std::ostream& out, const State& state, const Queue& queue) {
    const Settings& settings = queue.settings;
    out << "queue " << queue.name << (queue.is_paused ? " paused" : "") << " created "
        << queue.created << " removed " << queue.removed << " sequence " << queue.sequence
        << " settings " << settings.lease.count() << ' ' << settings.run_max.count() << ' '
        << settings.attempts_max << ' ' << settings.pause_first.count() << ' '
        << settings.pause_max.count() << ' ' << settings.retention.count() << ' '
        << settings.tasks_max << " tasks";
    for (const std::uint64_t count : queue.tasks) {
        out << ' ' << count;
    }
    out << '\n';
    for (const LaneIndex lane : queue.lanes) {
        dump_lane(out, state, state.queues()[lane]);
    }
}

}  // namespace

std::string dump(const State& state) {
    std::ostringstream out;
    out << "last number " << state.number_last() << " octets " << state.octets() << " of final "
        << state.final_octets() << " floor " << ms(state.tombstones().floor()) << " tombstones "
        << state.tombstones().count() << '\n';
    const protocol::Totals& totals = state.totals();
    out << "totals " << totals.submitted << ' ' << totals.succeeded << ' ' << totals.failed << ' '
        << totals.dead << ' ' << totals.cancelled << ' ' << totals.expired << ' ' << totals.retried
        << ' ' << totals.removed << ' ' << totals.assigned << ' ' << totals.returned << '\n';
    for (const auto& [name, index] : state.queues().by_name()) {
        dump_queue(out, state, state.queues()[index]);
    }
    const NumberIndex& numbers = state.tasks().numbers();
    for (auto entry = numbers.find_below(state.number_last() + 1); entry;
         entry = numbers.find_below(entry->number)) {
        dump_task(out, state, state.tasks()[entry->task]);
    }
    return out.str();
}

}  // namespace xebec::broker

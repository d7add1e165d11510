// Lists and bulk actions: walks over all tasks, newest first, a bounded piece in each step.

#include "broker/core/core.h"
#include "protocol/wire_time.h"

#include <algorithm>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::size_t entries_per_step_max = 2'000;
constexpr std::uint64_t entries_per_request_max = 200'000;  // then the answer has a cursor
constexpr std::size_t scans_max = 1'000;
constexpr std::size_t list_items_default = 50;

}  // namespace

void Core::on(const Request& request, const List& message) {
    const std::size_t limit = message.limit == 0
                                  ? list_items_default
                                  : std::min<std::size_t>(message.limit, list_items_max);
    start_scan(request, message.count_only ? ScanAction::count : ScanAction::list, message.filter,
               message.cursor, limit);
}

void Core::start_scan(const Request& request, ScanAction action, const TaskFilter& filter,
                      std::uint64_t cursor, std::size_t limit) {
    if (scans_.size() >= scans_max) {
        refuse(request, Refusal::retry_later, "there are too many lists under way");
        return;
    }
    if (is_stopping_) {
        refuse(request, Refusal::shutting_down);
        return;
    }
    Filter wanted;
    const std::string_view wrong = wanted.assign(filter);
    if (!wrong.empty()) {
        refuse(request, Refusal::bad_value, wrong);
        return;
    }
    scans_.push_back({.asker = {request.session, sessions_[request.session].id},
                      .correlation = request.header.correlation,
                      .action = action,
                      .filter = std::move(wanted),
                      .below = cursor == 0 ? state_.number_shown_last() + 1 : cursor,
                      .limit = limit});
}

void Core::run_scans() {
    std::size_t budget = entries_per_step_max;
    for (std::size_t turns = scans_.size(); turns > 0 && budget > 0; --turns) {
        Scan scan = std::move(scans_.front());
        scans_.pop_front();
        if (sessions_.find(scan.asker.id) == no_session) {
            continue;
        }
        if (visit(scan, budget)) {
            finish(scan);
        } else {
            scans_.push_back(std::move(scan));
        }
    }
}

bool Core::visit(Scan& scan, std::size_t& budget) {
    for (; budget > 0; --budget) {
        const bool is_full = scan.action == ScanAction::list && scan.found.size() >= scan.limit;
        if (is_full || scan.visited >= entries_per_request_max) {
            return true;
        }
        const auto entry = state_.tasks().numbers().find_below(scan.below);
        if (!entry) {
            scan.below = 0;
            return true;
        }
        const Task& task = state_.tasks()[entry->task];
        if (is_before(scan, task)) {
            scan.below = 0;
            return true;
        }
        scan.below = entry->number;
        ++scan.visited;
        if (!matches(scan.filter, task)) {
            continue;
        }
        ++scan.matched;
        switch (scan.action) {
            case ScanAction::list:
                scan.found.push_back(entry->number);
                break;
            case ScanAction::count:
                break;
            case ScanAction::cancel:
                scan.changed += cancel(entry->task) == Refusal::none ? 1 : 0;
                break;
            case ScanAction::retry:
                scan.changed += retry(entry->task) == Refusal::none ? 1 : 0;
                break;
        }
    }
    return false;
}

// Whether it, and so all that are older, were accepted too early. The wall clock may have been set
// back between any two: by how much at most, the state knows.
bool Core::is_before(const Scan& scan, const Task& task) const {
    return to_wire(task.accepted_at + state_.accepted_back_max()) < scan.filter.accepted_from;
}

bool Core::matches(const Filter& filter, const Task& task) const {
    if (task.is_volatile || !filter.has_state(task.state) ||
        !filter.was_accepted_at(to_wire(task.accepted_at)) || !filter.id.matches(task.id)) {
        return false;
    }
    const Lane& lane = state_.queues()[task.lane];
    if (!filter.queue.empty() && state_.queues()[lane.queue()].name != filter.queue) {
        return false;
    }
    if (!filter.kind.empty() && state_.queues().name(lane.kind()) != filter.kind) {
        return false;
    }
    if (filter.worker.empty() && filter.error.empty()) {
        return true;
    }
    const Details* details = state_.tasks().find_details(task);
    return details != nullptr &&
           (filter.worker.empty() || details->worker.view() == filter.worker) &&
           (filter.error.empty() ||
            filter.has_error(details->error_class.view(), details->error_text.view()));
}

void Core::finish(const Scan& scan) {
    const SessionIndex asker = sessions_.find(scan.asker.id);
    const Peer& peer = sessions_[asker].peer;
    // Below number 1 there is nothing.
    const std::uint64_t cursor = scan.below <= 1 ? 0 : scan.below;
    switch (scan.action) {
        case ScanAction::list:
        case ScanAction::count: {
            ListAnswer reply{.cursor = cursor, .matched = scan.matched};
            std::size_t octets = 0;
            for (const std::uint64_t number : scan.found) {
                const TaskIndex task = state_.tasks().find(number);
                if (task == no_task) {
                    continue;
                }
                reply.items.push_back(view_of(state_.tasks()[task]));
                octets += task_view_octets(reply.items.back());
                if (octets > options_.limits.body_octets_max) {
                    // Long error texts fill it early: the rest is the next page.
                    reply.items.pop_back();
                    reply.matched = reply.items.size();
                    reply.cursor = number + 1;
                    break;
                }
            }
            send(peer, scan.correlation, scan.asker.id, reply);
            break;
        }
        case ScanAction::cancel:
            send(peer, scan.correlation, scan.asker.id,
                 CancelAnswer{.matched = scan.matched, .changed = scan.changed, .cursor = cursor});
            break;
        case ScanAction::retry:
            send(peer, scan.correlation, scan.asker.id,
                 RetryAnswer{.matched = scan.matched, .changed = scan.changed, .cursor = cursor});
            break;
    }
}

}  // namespace xebec::broker

// Payloads and results that are only in the journal: which are put away, and how they come back.

#include "broker/core/core.h"
#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::size_t parked_max = 1'000;

// Reading ahead: so many tasks from a lane's head, looked at after so many assignments.
constexpr std::uint32_t ahead_tasks = 3'072;
constexpr std::uint32_t look_after = 512;
constexpr std::uint32_t reads_max = 2'048;          // under way for a lane
constexpr std::uint64_t read_octets_max = 8 << 20;  // of them

// Whoever is no further behind its lane's last assignment is left in memory.
constexpr std::uint64_t soon_numbers = 65'536;
constexpr int places_per_step_max = 32'768;
constexpr Duration rest = std::chrono::milliseconds{200};  // when nothing can be put away

}  // namespace

// ---- coming back ----

Core::Readers& Core::read(std::uint64_t token, Locator at) {
    const auto [entry, is_new] = reading_.try_emplace(token);
    if (is_new) {
        step_.effects->reads.push_back({at, token});
    }
    return entry->second;
}

// The lane waits until its head can be assigned.
void Core::fetch(LaneIndex index) {
    state_.set_fetching(index, true);
    offers_.update_lane(index);
    state_.forget_touched_lanes();
    if (state_.queues()[index].reads == 0) {
        read_ahead(index);
    }
}

void Core::look_ahead(const Task& assigned) {
    Lane& lane = state_.queues()[assigned.lane];
    lane.soon_below = std::max(lane.soon_below, assigned.number + soon_numbers);
    if (lane.away > 0 && ++lane.assigned >= look_after && lane.reads == 0) {
        read_ahead(assigned.lane);
    }
}

void Core::read_ahead(LaneIndex index) {
    Lane& lane = state_.queues()[index];
    lane.assigned = 0;
    std::uint32_t looked_at = 0;
    std::uint64_t octets = 0;
    lane.walk(state_.tasks(), [&](TaskIndex at) {
        const Task& task = state_.tasks()[at];
        if (task.is_payload_away()) {
            Readers& readers = read(token_of(task, false), task.payload_at);
            readers.lane = index;
            ++lane.reads;
            octets += task.payload_octets;
        }
        return ++looked_at < ahead_tasks && lane.reads < reads_max && octets < read_octets_max;
    });
}

void Core::on(const OctetsRead& event) {
    auto node = reading_.extract(event.token);
    check(!node.empty(), "what is read was asked for");
    const Readers& readers = node.mapped();
    const TaskIndex task = state_.tasks().find(event.token / 2);
    if (!event.fault.empty()) {
        step_.effects->notices.push_back(OctetsDamaged{.number = event.token / 2,
                                                       .is_result = event.token % 2 == 1,
                                                       .fault = std::string(event.fault)});
    }
    for (const std::uint64_t id : readers.parked) {
        resume_parked(id, event);
    }
    tell_waiters(readers, task, event);
    if (readers.carried) {
        carry_read(*readers.carried, event);
    }
    if (readers.lane) {
        bring_back(*readers.lane, task, event);
    }
}

void Core::bring_back(LaneIndex index, TaskIndex task_index, const OctetsRead& event) {
    Lane& lane = state_.queues()[index];
    --lane.reads;
    if (task_index != no_task && state_.tasks()[task_index].is_payload_away()) {
        if (event.fault.empty()) {
            state_.bring_back(task_index, event.octets);
            lane.soon_below = std::max(lane.soon_below, state_.tasks()[task_index].number + 1);
        } else if (state_.tasks()[task_index].state == TaskState::ready) {
            // Nobody can run it any more, and it must not hold up the others.
            die(task_index, "damaged", event.fault, 0);
        }
    }
    if (lane.reads == 0 && lane.is_fetching) {
        state_.set_fetching(index, false);
        offers_.update_lane(index);
        state_.forget_touched_lanes();
    }
}

void Core::park(const Request& request, const std::vector<TaskRef>& tasks, Shown shown,
                const FetchedByToken& fetched, const std::vector<std::uint64_t>& missing) {
    if (parked_.size() >= parked_max) {
        refuse(request, Refusal::retry_later, "too much is being read from the journal");
        return;
    }
    const std::uint64_t id = ++parked_last_;
    std::size_t count = 0;
    for (const std::uint64_t token : missing) {
        const Task& task = state_.tasks()[state_.tasks().find(token / 2)];
        const bool is_result = token % 2 == 1;
        Readers& readers =
            read(token, is_result ? state_.tasks().find_details(task)->result_at : task.payload_at);
        if (readers.parked.empty() || readers.parked.back() != id) {  // else it is named twice
            readers.parked.push_back(id);
            ++count;
        }
    }
    parked_.emplace(id, Parked{{request.peer, request.header}, tasks, shown, fetched, count});
}

void Core::resume_parked(std::uint64_t id, const OctetsRead& event) {
    const auto entry = parked_.find(id);
    check(entry != parked_.end(), "who waits for what is read is known");
    Parked& parked = entry->second;
    parked.fetched.emplace(event.token, Fetched{event.octets, !event.fault.empty()});
    if (--parked.missing > 0) {
        return;
    }
    const Parked whole = std::move(parked);
    parked_.erase(entry);
    if (const auto request = request_of(whole.asker)) {
        answer_query(*request, whole.tasks, whole.shown, whole.fetched);
    }
}

std::optional<Core::Request> Core::request_of(const Asker& asker) const {
    const SessionIndex session = sessions_.find(asker.header.session);
    if (session == no_session || sessions_[session].peer != asker.peer) {
        return std::nullopt;
    }
    return Request{asker.peer, asker.header, session};
}

// By now the task may have been removed.
void Core::tell_waiters(const Readers& readers, TaskIndex task, const OctetsRead& event) {
    for (const Waiter& waiter : readers.waiters) {
        Session& session = sessions_[waiter.session];
        if (session.id != waiter.id) {
            continue;
        }
        if (task == no_task) {
            // Even if nothing remembers it by now: what has a result has succeeded.
            tell_removed(waiter.session, readers.waited_for,
                         {.number = event.token / 2, .state = TaskState::succeeded});
            continue;
        }
        PendingOutcome outcome = outcome_of(state_.tasks()[task]);
        if (event.fault.empty()) {
            outcome.item.result = Octets(event.octets);
        } else {
            outcome.error_class = Blob::copy_of("damaged");
            outcome.error_text = Blob::copy_of("its result is damaged in the broker's journal");
        }
        session.outcomes.push_back(std::move(outcome));
        touch(waiter.session);
    }
}

// ---- putting away ----

void Core::locate(std::span<const Record> records, std::span<const Places> places) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        state_.locate(records[i], places[i]);
    }
}

// What will be assigned soon would have to be read again at once.
bool Core::may_put_away(TaskIndex index) const {
    const Task& task = state_.tasks()[index];
    return !(spares_soon_ && task.state == TaskState::ready &&
             task.number < state_.queues()[task.lane].soon_below);
}

bool Core::is_over_memory() const {
    return options_.octets_in_memory_max && state_.octets() > octets_in_memory_max();
}

// What has ended takes its share of the memory, but leaves half of it.
std::uint64_t Core::octets_in_memory_max() const {
    const std::uint64_t both = *options_.octets_in_memory_max;
    return both - std::min(both / 2, state_.ended_entries_octets());
}

// A hand goes round over all tasks, some in each step, for as long as memory is over its budget.
void Core::put_away() {
    if (!is_over_memory() || step_.now.steady < put_away_rests_until_) {
        return;
    }
    const std::uint64_t enough = octets_in_memory_max() / 16 * 15;
    for (int i = 0; i < places_per_step_max && state_.octets() > enough; ++i) {
        if (hand_ >= state_.tasks().used()) {
            hand_ = 0;
            const bool was_in_vain = std::exchange(put_away_in_round_, 0) == 0;
            const bool did_all = was_in_vain && !spares_soon_;
            spares_soon_ = !was_in_vain;
            if (did_all) {
                put_away_rests_until_ = step_.now.steady + rest;
                return;
            }
        }
        const auto task = static_cast<TaskIndex>(hand_++);
        if (state_.tasks()[task].number != 0 && may_put_away(task) && state_.put_away(task)) {
            ++put_away_in_round_;
        }
    }
    has_more_work_ = has_more_work_ || is_over_memory();
}

}  // namespace xebec::broker

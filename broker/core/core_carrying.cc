// The oldest segment of the journal goes when everything in it that is needed still stands at the
// head again: a few tasks with each step, oldest first. Where most of it is needed and is as it was
// told there, it stays, and what is told again is which of its tasks that are.

#include "broker/core/core.h"
#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

namespace {

constexpr std::int64_t carried_octets_per_step_max = 4 << 20;
constexpr std::int64_t mentions_per_step_max = 16'000;
constexpr std::int64_t mentions_per_look = 1'000;  // at buckets of tombstones: it takes as long
constexpr std::size_t mentions_ahead = 8;          // that are asked for before their turn
constexpr std::size_t carried_reads_max = 8'192;   // under way
constexpr std::uint64_t carried_read_octets_max = 8 << 20;
// In a full journal there is no more room than what is left of its last segment.
constexpr std::uint64_t octets_when_full_max = 4 << 20;
constexpr std::size_t record_octets = 128;  // without payload and result, about

}  // namespace

// Of a shelf, those that were told of last: whatever else it tells of stands elsewhere.
Core::Pass::Pass(std::uint32_t segment_passed, const ToldTasks& told, bool shelves,
                 const Shelf* shelf)
    : segment(segment_passed), tasks(told), ahead(told), count(told.count()), is_shelving(shelves) {
    if (shelf != nullptr) {
        count = std::min<std::size_t>(count, shelf->tasks.count());  // a repair may have cut it
        held = TaskRunsReader(shelf->tasks.runs());
    }
    for (std::size_t i = 0; i < mentions_ahead; ++i) {
        ahead.next();
    }
}

void Core::on(const SegmentChosen& event) {
    check(!carrying_, "one segment at a time is carried forward");
    const std::uint32_t segment = event.segment;
    const bool is_shelf = event.carry == Carry::unshelving;
    const Shelf* shelf = is_shelf ? state_.shelves().find(segment) : nullptr;
    check(is_shelf == (shelf != nullptr), "a shelf is known");
    const bool is_shelving = event.carry == Carry::shelving || event.carry == Carry::whole;
    carrying_ = Carrying{.segment = {segment, state_.segments().told(segment), is_shelving, shelf},
                         .is_shelf = is_shelf,
                         .behind = is_shelf ? shelf->told_in : segment};
    state_.pass_segment(segment);
    if (event.carry == Carry::whole) {
        const std::uint32_t tasks = state_.segments().tasks_if_whole(segment);
        check(tasks > 0, "a segment is whole when it is shelved without a look");
        commit(SegmentShelved{.segment = segment, .runs = {tasks}, .is_last = true});
        carrying_->segment.next = carrying_->segment.count;
        carrying_->segment.is_finished = true;
    }
    if (is_shelf) {
        return;  // whatever else it tells of was told again when it was shelved
    }
    carrying_->tombstones = state_.tombstones().count_told_until(segment);
    for (const auto& [name, queue] : state_.queues().by_name()) {
        const Queue& known = state_.queues()[queue];
        if (known.settings_told_in != 0 && known.settings_told_in <= segment) {
            keep(QueueChanged{known.name, known.settings, known.is_paused});
        }
    }
}

void Core::carry() {
    if (!carrying_ || is_stopping_) {
        return;
    }
    CarryBudget budget{mentions_per_step_max, carried_octets_per_step_max};
    if (carry_on(carrying_->segment, carry_due_, budget) && carry_tombstones(budget) &&
        finish_pass(carrying_->segment) && carry_shelves(budget)) {
        finish_carrying();
    }
}

// What the segment tells of shelves has to be told again too. True: it has been.
bool Core::carry_shelves(CarryBudget& budget) {
    while (!carrying_->is_shelf && budget.mentions > 0) {
        if (carrying_->shelf) {
            if (!carry_on(*carrying_->shelf, SIZE_MAX, budget) || !finish_pass(*carrying_->shelf)) {
                return false;
            }
            const Pass told = *std::exchange(carrying_->shelf, std::nullopt);
            if (!told.is_any && !carrying_->is_damaged) {
                let_shelf_go(told.segment);
            }
        }
        const auto* found = state_.shelves().find_told_in(carrying_->behind);
        if (found == nullptr || carrying_->is_damaged) {
            return true;
        }
        const auto& [segment, shelf] = *found;
        if (shelf.is_touched) {
            carrying_->shelf.emplace(segment, state_.segments().told(segment), true, &shelf);
            continue;
        }
        for (SegmentShelved& record : Shelves::tell_again(segment, shelf)) {
            budget.mentions -= static_cast<std::int64_t>(record.runs.size());
            carrying_->octets += is_disk_full_ ? record_octets + record.runs.size() : 0;
            commit(std::move(record));
        }
    }
    has_more_work_ = has_more_work_ || budget.mentions <= 0;
    return carrying_->is_shelf;
}

// Something has to be read first, or there has to be room.
bool Core::must_rest_carrying() const {
    return carrying_->reads >= carried_reads_max ||
           carrying_->read_octets >= carried_read_octets_max ||
           (is_disk_full_ && carrying_->octets > octets_when_full_max);
}

// Goes on with what is due. True: all of it has been looked at.
bool Core::carry_on(Pass& pass, std::size_t due, CarryBudget& budget) {
    due = std::min(due, pass.count);
    while (pass.next < due && budget.mentions > 0 && budget.octets > 0 && !must_rest_carrying()) {
        prefetch_mention(pass);
        const std::size_t octets = carry_mention(pass);
        --budget.mentions;
        budget.octets -= static_cast<std::int64_t>(octets);
        carrying_->octets += is_disk_full_ ? octets : 0;
    }
    tell_part(pass);
    has_more_work_ = has_more_work_ || (pass.next < due && !must_rest_carrying());
    return pass.next == pass.count;
}

// A shelf is told of again whole when what is not as it stands there is, too. False: later.
bool Core::finish_pass(Pass& pass) {
    if (pass.is_finished || carrying_->reads > 0) {
        return pass.is_finished;
    }
    pass.is_finished = true;
    if (pass.is_shelving && !carrying_->is_damaged) {
        commit(SegmentShelved{.segment = pass.segment, .first = pass.part_first, .is_last = true});
        check(!pass.is_any || state_.shelves().find(pass.segment) != nullptr,
              "what is told by its order keeps its segment (I1)");
    }
    return true;
}

void Core::finish_carrying() {
    const Carrying carried = *std::exchange(carrying_, std::nullopt);
    const std::uint32_t segment = carried.segment.segment;
    if (carried.is_damaged) {
        step_.effects->segment_kept = segment;
        return;
    }
    if (!carried.segment.is_shelving && state_.shelves().find(segment) != nullptr) {
        commit(SegmentShelved{.segment = segment, .is_last = true});  // nothing of it is left
    }
    if (carried.is_shelf) {
        let_shelf_go(segment);
        return;
    }
    step_.effects->segment_done = segment;
    step_.effects->is_segment_shelved = state_.shelves().find(segment) != nullptr;
    if (!step_.effects->is_segment_shelved) {
        state_.forget_segment(segment);
    }
}

void Core::let_shelf_go(std::uint32_t segment) {
    step_.effects->shelves_done.push_back(segment);
    state_.forget_shelf(segment);
}

void Core::tell_part(Pass& pass) {
    if (pass.part.count() > 0) {
        commit(SegmentShelved{
            .segment = pass.segment, .first = pass.part_first, .runs = pass.part.runs()});
        carrying_->octets += is_disk_full_ ? record_octets + pass.part.runs().size() : 0;
        pass.part_first += pass.part.count();
        pass.is_any = pass.is_any || pass.part.is_any();
        pass.part = {};
    }
}

// Nothing has looked at it for long.
void Core::prefetch_mention(Pass& pass) const {
    const auto number = pass.ahead.next();
    const TaskIndex index = number ? state_.tasks().find(*number) : no_task;
    if (index != no_task) {
        state_.tasks().prefetch(index);
    }
}

// Gives about how many octets that takes.
std::size_t Core::carry_mention(Pass& pass) {
    ++pass.next;
    const std::uint64_t number = pass.tasks.next().value();
    const bool is_held = !pass.held || pass.held->next();
    if (!pass.is_shelving) {
        return is_held ? carry(number) : 0;
    }
    const TaskIndex index = state_.tasks().find(number);
    const bool is_as_told =
        is_held && index != no_task && state_.is_as_told_in(state_.tasks()[index], pass.segment);
    pass.part.add(is_as_told);
    if (pass.part.runs().size() == shelved_runs_max) {
        tell_part(pass);
    }
    return is_held && !is_as_told ? carry(number) : 0;
}

// What was said of a task before it was removed is not needed: its tombstone says where it stands.
std::size_t Core::carry(std::uint64_t number) {
    const TaskIndex index = state_.tasks().find(number);
    if (index == no_task || state_.is_told_again(number, carrying_->behind)) {
        return 0;
    }
    const Task& task = state_.tasks()[index];
    const Details* details = state_.tasks().find_details(task);
    const bool is_result_away = state_.is_result_away(task);
    if (is_result_away || task.is_payload_away()) {
        Readers& readers = read(token_of(task, is_result_away),
                                is_result_away ? details->result_at : task.payload_at);
        const std::uint64_t octets = is_result_away ? details->result_octets : task.payload_octets;
        if (!readers.carried) {
            readers.carried = {number, octets};
            ++carrying_->reads;
            carrying_->read_octets += octets;
        }
        return record_octets + octets;
    }
    carry_task(task, nullptr);
    const bool has_history = details != nullptr && details->history;
    return record_octets + task.payload_octets +
           (has_history ? details->history->record_octets() : 0);
}

// Of the tombstones that stand in the segment, behind all of its tasks: by then many were dropped.
// True: none is left.
bool Core::carry_tombstones(CarryBudget& budget) {
    const std::uint32_t segment = carrying_->segment.segment;
    const Tombstones& tombstones = state_.tombstones();
    const std::size_t due = carry_due_ - std::min(carry_due_, carrying_->segment.count);
    const auto left = [&] {
        return carrying_->is_shelf ? 0 : tombstones.count_told_until(segment);
    };
    const auto is_due = [&] { return left() > 0 && carrying_->tombstones - left() < due; };
    while (is_due() && budget.mentions > 0 && budget.octets > 0 && !must_rest_carrying()) {
        std::vector<TaskId>& ids = carrying_->tombstones_next;
        if (ids.empty()) {
            check(!carrying_->tombstones_walk.is_over(), "where a tombstone stands is known (I1)");
            tombstones.look_on(segment, carrying_->tombstones_walk, ids);
            budget.mentions -= mentions_per_look;
            continue;
        }
        const TaskId id = ids.back();
        ids.pop_back();
        if (!ids.empty()) {
            tombstones.prefetch(ids.back());
        }
        const std::size_t octets = carry_tombstone(id, segment);
        --budget.mentions;
        budget.octets -= static_cast<std::int64_t>(octets);
        carrying_->octets += is_disk_full_ ? octets : 0;
    }
    has_more_work_ = has_more_work_ || (is_due() && !must_rest_carrying());
    return left() == 0;
}

std::size_t Core::carry_tombstone(const TaskId& id, std::uint32_t segment) {
    const Tombstone* tombstone = state_.tombstones().find(id);
    if (tombstone == nullptr || tombstone->told_in > segment) {
        return 0;
    }
    commit(TombstoneCarried{.id = id,
                            .number = tombstone->number,
                            .content_hash = tombstone->content_hash,
                            .fence = tombstone->fence,
                            .state = tombstone->state,
                            .removed_at = step_.now.wall});  // nearly: it is remembered longer
    return record_octets;
}

// By now the task may have gone on, or be gone: then it is looked at anew.
void Core::carry_read(const CarriedRead& read, const OctetsRead& event) {
    --carrying_->reads;
    carrying_->read_octets -= read.octets;
    const TaskIndex index = state_.tasks().find(read.number);
    const bool is_there = index != no_task;
    const bool is_result = is_there && state_.is_result_away(state_.tasks()[index]);
    const bool is_needed = is_there && (is_result || state_.tasks()[index].is_payload_away());
    if (!is_needed || token_of(state_.tasks()[index], is_result) != event.token) {
        carry(read.number);
    } else if (event.fault.empty()) {
        carry_task(state_.tasks()[index], &event.octets);
    } else {
        carrying_->is_damaged = true;
    }
}

// `octets_read` is what is not in memory: the result of a task that succeeded, else the payload.
void Core::carry_task(const Task& task, const Blob* octets_read) {
    TaskCarried record = state_.tell_again(task, step_.now);
    if (octets_read != nullptr) {
        (state_.is_result_away(task) ? record.result : record.payload) = Octets(*octets_read);
    }
    keep(std::move(record));
    if (auto history = state_.tell_history(task)) {
        keep(std::move(*history));
    }
}

}  // namespace xebec::broker

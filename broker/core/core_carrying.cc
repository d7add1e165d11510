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
constexpr std::size_t mentions_ahead = 8;         // that are asked for before their turn
constexpr std::size_t carried_reads_max = 8'192;  // under way
constexpr std::uint64_t carried_read_octets_max = 8 << 20;
// In a full journal there is no more room than what is left of its last segment.
constexpr std::uint64_t octets_when_full_max = 4 << 20;
constexpr std::size_t record_octets = 128;  // without payload and result, about

}  // namespace

// Of a shelf, those that were told of last: whatever else it mentions stands elsewhere.
Core::Pass Core::pass_over(const SegmentScanned& event, const Shelf* shelf) {
    Pass pass{.mentions = event.mentions,
              .count = event.mentions->count(),
              .is_shelving = event.carry == Carry::shelving || event.carry == Carry::whole ||
                             event.carry == Carry::shelf};
    if (shelf != nullptr) {
        // A repair may have cut it.
        pass.count = std::min<std::size_t>(event.mentions->tasks.size(), shelf->tasks.count());
        pass.held = TaskRunsReader(shelf->tasks.runs());
    }
    return pass;
}

void Core::on(const SegmentScanned& event) {
    const std::uint32_t segment = event.mentions->segment;
    const bool is_shelf = event.carry == Carry::shelf || event.carry == Carry::unshelving;
    const Shelf* shelf = is_shelf ? state_.shelves().find(segment) : nullptr;
    check(is_shelf == (shelf != nullptr), "a shelf is known");
    if (event.carry == Carry::shelf) {
        check(carrying_ && carrying_->awaits_shelf, "a shelf is scanned when that is wanted");
        carrying_->shelf = pass_over(event, shelf);
        carrying_->awaits_shelf = false;
        return;
    }
    check(!carrying_, "one segment at a time is carried forward");
    carrying_ = Carrying{.segment = pass_over(event, shelf),
                         .is_shelf = is_shelf,
                         .behind = is_shelf ? shelf->told_in : segment};
    if (event.carry == Carry::whole) {
        const std::uint32_t tasks = state_.segments().tasks_if_whole(segment);
        check(tasks > 0, "a segment is whole when it is shelved without a look");
        commit(SegmentShelved{.segment = segment, .runs = {tasks}, .is_last = true});
        carrying_->segment.is_finished = true;
    }
    if (is_shelf) {
        return;
    }
    for (const std::string& name : event.mentions->queues) {
        if (const auto queue = state_.queues().find(name)) {
            const Queue& known = state_.queues()[*queue];
            keep(QueueChanged{known.name, known.settings, known.is_paused});
        }
    }
}

void Core::carry() {
    if (!carrying_ || is_stopping_) {
        return;
    }
    CarryBudget budget{mentions_per_step_max, carried_octets_per_step_max};
    if (carry_on(carrying_->segment, carry_due_, budget) && finish_pass(carrying_->segment) &&
        carry_shelves(budget)) {
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
            if (!carrying_->shelf->is_any && !carrying_->is_damaged) {
                step_.effects->shelves_done.push_back(carrying_->shelf->mentions->segment);
            }
            carrying_->shelf.reset();
        }
        const auto* found = state_.shelves().find_told_in(carrying_->behind);
        if (found == nullptr || carrying_->is_damaged) {
            return true;
        }
        const auto& [segment, shelf] = *found;
        if (shelf.is_touched) {
            if (!std::exchange(carrying_->awaits_shelf, true)) {
                step_.effects->shelf_wanted = {segment, shelf.tasks.count()};
            }
            return false;
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
        prefetch_mention(pass, pass.next + mentions_ahead);
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
        commit(SegmentShelved{
            .segment = pass.mentions->segment, .first = pass.part_first, .is_last = true});
        check(!pass.is_any || state_.shelves().find(pass.mentions->segment) != nullptr,
              "what is told by its order keeps its segment (I1)");
    }
    return true;
}

void Core::finish_carrying() {
    const std::uint32_t segment = carrying_->segment.mentions->segment;
    if (carrying_->is_damaged) {
        step_.effects->segment_kept = segment;
    } else {
        if (!carrying_->segment.is_shelving && state_.shelves().find(segment) != nullptr) {
            commit(SegmentShelved{.segment = segment, .is_last = true});  // nothing of it is left
        }
        if (carrying_->is_shelf) {
            step_.effects->shelves_done.push_back(segment);
        } else {
            step_.effects->segment_done = segment;
            state_.forget_segments_before(segment + 1);
            step_.effects->is_segment_shelved = state_.shelves().find(segment) != nullptr;
        }
    }
    carrying_.reset();
}

void Core::tell_part(Pass& pass) {
    if (pass.part.count() > 0) {
        commit(SegmentShelved{
            .segment = pass.mentions->segment, .first = pass.part_first, .runs = pass.part.runs()});
        carrying_->octets += is_disk_full_ ? record_octets + pass.part.runs().size() : 0;
        pass.part_first += pass.part.count();
        pass.is_any = pass.is_any || pass.part.is_any();
        pass.part = {};
    }
}

// Nothing has looked at it for long.
void Core::prefetch_mention(const Pass& pass, std::size_t at) const {
    const Mentions& mentions = *pass.mentions;
    if (at >= pass.count) {
        return;
    }
    if (at >= mentions.tasks.size()) {
        state_.tombstones().prefetch(mentions.tombstones[at - mentions.tasks.size()].id);
        return;
    }
    const TaskIndex index = state_.tasks().find(mentions.tasks[at].number);
    if (index != no_task) {
        state_.tasks().prefetch(index);
    }
}

// Gives about how many octets that takes.
std::size_t Core::carry_mention(Pass& pass) {
    const std::size_t at = pass.next++;
    const Mentions& mentions = *pass.mentions;
    if (at >= mentions.tasks.size()) {
        return carry_tombstone(mentions.tombstones[at - mentions.tasks.size()]);
    }
    const Mentions::Mention& mention = mentions.tasks[at];
    const bool is_held = !pass.held || pass.held->next();
    if (!pass.is_shelving) {
        return is_held ? carry(mention) : 0;
    }
    const TaskIndex index = state_.tasks().find(mention.number);
    const bool is_as_told = is_held && index != no_task &&
                            state_.is_as_told_in(state_.tasks()[index], mentions.segment);
    pass.part.add(is_as_told);
    if (pass.part.runs().size() == shelved_runs_max) {
        tell_part(pass);
    }
    return is_held && !is_as_told ? carry(mention) : 0;
}

// What was said of a task before it was removed is not needed, if its removal says enough.
std::size_t Core::carry(const Mentions::Mention& mention) {
    const TaskIndex index = state_.tasks().find(mention.number);
    if (index == no_task) {
        return state_.is_removed_whole(mention.number) ? 0 : carry_tombstone(mention);
    }
    if (state_.is_told_again(mention.number, carrying_->behind)) {
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
            readers.carried = {mention, octets};
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

std::size_t Core::carry_tombstone(const Mentions::Mention& mention) {
    const Tombstone* tombstone = state_.tombstones().find(mention.id);
    if (state_.is_told_again(mention.number, carrying_->behind) || tombstone == nullptr ||
        tombstone->number != mention.number) {
        return 0;
    }
    keep(TombstoneCarried{.id = mention.id,
                          .number = tombstone->number,
                          .content_hash = tombstone->content_hash,
                          .fence = tombstone->fence,
                          .state = tombstone->state,
                          .removed_at = step_.now.wall});  // nearly: it is remembered longer
    return record_octets;
}

// By now the task may have gone on, or be gone: then it is looked at anew.
void Core::carry_read(const CarriedRead& read, const OctetsRead& event) {
    const Mentions::Mention& mention = read.mention;
    --carrying_->reads;
    carrying_->read_octets -= read.octets;
    const TaskIndex index = state_.tasks().find(mention.number);
    const bool is_there = index != no_task && state_.tasks()[index].id == mention.id;
    const bool is_result = is_there && state_.is_result_away(state_.tasks()[index]);
    const bool is_needed = is_there && (is_result || state_.tasks()[index].is_payload_away());
    if (!is_needed || token_of(state_.tasks()[index], is_result) != event.token) {
        carry(mention);
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

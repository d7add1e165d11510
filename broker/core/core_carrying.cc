// The oldest segment of the journal goes when everything in it that is needed still stands at the
// head again: a few tasks with each step, oldest first.

#include "broker/core/core.h"
#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

namespace {

constexpr std::uint64_t carried_octets_per_step_max = 4 << 20;
constexpr int mentions_per_step_max = 16'000;
constexpr std::size_t mentions_ahead = 8;         // that are asked for before their turn
constexpr std::size_t carried_reads_max = 8'192;  // under way
constexpr std::uint64_t carried_read_octets_max = 8 << 20;
// In a full journal there is no more room than what is left of its last segment.
constexpr std::uint64_t octets_when_full_max = 4 << 20;
constexpr std::size_t record_octets = 128;  // without payload and result, about

}  // namespace

void Core::on(const SegmentScanned& event) {
    check(!carrying_, "one segment at a time is carried forward");
    carrying_ = Carrying{.mentions = event.mentions};
    for (const std::string& name : carrying_->mentions->queues) {
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
    const std::size_t due = std::min(carry_due_, carrying_->mentions->count());
    std::uint64_t octets = 0;
    bool must_rest = false;  // until something is read, or there is room
    for (int i = 0; i < mentions_per_step_max && octets < carried_octets_per_step_max; ++i) {
        must_rest = carrying_->reads >= carried_reads_max ||
                    carrying_->read_octets >= carried_read_octets_max ||
                    (is_disk_full_ && carrying_->octets + octets > octets_when_full_max);
        if (carrying_->next >= due || must_rest) {
            break;
        }
        prefetch_mention(carrying_->next + mentions_ahead);
        octets += carry_mention(carrying_->next++);
    }
    carrying_->octets += is_disk_full_ ? octets : 0;
    if (carrying_->next < carrying_->mentions->count()) {
        has_more_work_ = has_more_work_ || (carrying_->next < due && !must_rest);
    } else if (carrying_->reads == 0) {
        (carrying_->is_damaged ? step_.effects->segment_kept : step_.effects->segment_done) =
            carrying_->mentions->segment;
        carrying_.reset();
    }
}

// Nothing has looked at it for long.
void Core::prefetch_mention(std::size_t at) const {
    const Mentions& mentions = *carrying_->mentions;
    if (at >= mentions.count()) {
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
std::size_t Core::carry_mention(std::size_t at) {
    const std::vector<Mentions::Mention>& tasks = carrying_->mentions->tasks;
    return at < tasks.size() ? carry(tasks[at])
                             : carry_tombstone(carrying_->mentions->tombstones[at - tasks.size()]);
}

// What was said of a task before it was removed is not needed, if its removal says enough.
std::size_t Core::carry(const Mentions::Mention& mention) {
    const TaskIndex index = state_.tasks().find(mention.number);
    if (index == no_task) {
        return state_.is_removed_whole(mention.number) ? 0 : carry_tombstone(mention);
    }
    if (state_.take_told_again(mention.number)) {
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
    if (state_.take_told_again(mention.number) || tombstone == nullptr ||
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

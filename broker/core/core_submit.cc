// Submitting: each item of a batch is judged on its own, and accepted by one record.

#include "broker/core/core.h"
#include "protocol/check.h"
#include "protocol/names.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::string_view queue_default = "default";
constexpr std::uint64_t octets_arriving_max = 64 << 20;
constexpr std::uint64_t task_octets = 160;  // an entry and its places in the indices, about
constexpr std::uint64_t instant_max = 253'402'300'799'999;           // the end of the year 9999
constexpr std::uint64_t duration_max = 10ULL * 365 * 86'400 * 1000;  // ten years
constexpr std::size_t items_ahead = 16;                              // whose look-ups are begun
constexpr milliseconds id_lead_max{std::chrono::hours{24}};

// What the sender asked for, as sent: a repeat has the same. What few tasks have is a part of it
// only where they have it.
std::uint64_t content_hash(const SubmitItem& item) {
    const auto hash = [](std::string_view octets) {
        return static_cast<std::uint64_t>(XXH3_64bits(octets.data(), octets.size()));
    };
    const std::array<std::uint64_t, 9> parts{hash(item.kind),
                                             hash(item.queue),
                                             hash(item.payload.view),
                                             (static_cast<std::uint64_t>(item.content_type) << 40) |
                                                 (static_cast<std::uint64_t>(item.priority) << 32) |
                                                 item.attempts_max,
                                             item.delay_ms,
                                             item.not_before,
                                             item.deadline,
                                             item.run_max_ms,
                                             item.deadline_in_ms};
    const std::size_t used = parts.size() - (item.deadline_in_ms == 0 ? 1 : 0);
    return XXH3_64bits(parts.data(), used * sizeof parts[0]);
}

SubmitStatusItem refused(Refusal refusal, std::string_view text) {
    return {.status = SubmitStatus::refused,
            .problem = {.code = static_cast<std::uint16_t>(refusal), .text = text}};
}

std::optional<SubmitStatusItem> find_problem(const SubmitItem& item, std::string_view queue,
                                             const Limits& limits) {
    if (!is_kind(item.kind)) {
        return refused(Refusal::bad_name, "a kind is 1 to 48 of A-Z a-z 0-9 _ . : -");
    }
    if (!is_queue_name(queue)) {
        return refused(Refusal::bad_name, "a queue's name is 1 to 48 of A-Z a-z 0-9 _ -");
    }
    if (item.payload.view.size() > limits.payload_octets_max) {
        return refused(Refusal::too_large, "the payload is over its limit");
    }
    if (item.priority > priority_max) {
        return refused(Refusal::bad_value, "a priority is 0 to 9");
    }
    if (item.attempts_max > attempts_limit) {
        return refused(Refusal::bad_value, "a task has at most 10000 attempts");
    }
    if (std::max({item.delay_ms, item.run_max_ms, item.deadline_in_ms}) > duration_max) {
        return refused(Refusal::bad_value, "a duration is at most ten years");
    }
    if (item.not_before > instant_max || item.deadline > instant_max) {
        return refused(Refusal::bad_value, "an instant lies before the year 10000");
    }
    return std::nullopt;
}

WallTime to_wall(std::uint64_t ms) {
    return WallTime{milliseconds{static_cast<std::int64_t>(ms)}};
}

// So long after `now`; nothing: 0.
std::optional<WallTime> after(WallTime now, std::uint64_t ms) {
    return ms == 0 ? std::nullopt
                   : std::optional(now + milliseconds{static_cast<std::int64_t>(ms)});
}

WallTime deadline_of(const SubmitItem& item, WallTime now) {
    const auto in = after(now, item.deadline_in_ms);
    return in && (item.deadline == 0 || *in < to_wall(item.deadline)) ? *in
                                                                      : to_wall(item.deadline);
}

}  // namespace

void Core::on(const Request& request, const Submit& message) {
    if (is_too_many(request, message.items.size())) {
        return;
    }
    if (is_stopping_) {
        refuse(request, Refusal::shutting_down);
        return;
    }
    SubmitAnswer reply;
    reply.items.reserve(message.items.size());
    std::size_t ahead = 0;
    for (std::size_t i = 0; i < message.items.size(); ++i) {
        const SubmitItem& item = message.items[i];
        for (; ahead < std::min(message.items.size(), i + items_ahead); ++ahead) {
            state_.tasks().prefetch(message.items[ahead].id);
        }
        TaskIndex task = no_task;
        SubmitStatusItem status = submit(item, task);
        refused_ += status.status == SubmitStatus::refused ? 1 : 0;
        if (message.wait && status.status != SubmitStatus::refused) {
            const Refusal refusal =
                task == no_task ? Refusal::none : wait_for(request.session, task);
            if (task == no_task) {
                tell_removed(request.session, item.id);
            } else if (refusal != Refusal::none) {
                // Accepted all the same; a wait for it can be asked for later.
                status.problem = {.code = static_cast<std::uint16_t>(refusal)};
            }
        }
        reply.items.push_back(status);
    }
    // Whoever waits for outcomes has those to come still.
    answer(request, std::move(reply), message.wait ? Leaves::patiently : Leaves::in_turn);
}

// `task` becomes the task's place, unless it is refused or has been removed.
SubmitStatusItem Core::submit(const SubmitItem& item, TaskIndex& task) {
    const std::string_view queue = item.queue.empty() ? queue_default : item.queue;
    if (const auto problem = find_problem(item, queue, options_.limits)) {
        return *problem;
    }
    const std::uint64_t hash = content_hash(item);
    task = state_.tasks().find(item.id);
    if (const auto known = find_known(item, hash, task)) {
        return *known;
    }
    if (!state_.queues().has_room_for(queue, item.kind)) {
        return refused(Refusal::too_many_names, "there are too many queues or kinds");
    }
    if (is_disk_full_) {
        return refused(Refusal::read_only,
                       "the broker's disk is full: what it has is finished, nothing new is taken");
    }
    if (is_disk_behind_) {
        return refused(Refusal::retry_later, "the broker's disk is behind");
    }
    if (!has_room_for(item.payload.view.size())) {
        return refused(Refusal::retry_later, "the broker's memory for tasks is full");
    }
    return accept(item, queue, hash, task);
}

std::optional<SubmitStatusItem> Core::find_known(const SubmitItem& item, std::uint64_t hash,
                                                 TaskIndex index) const {
    const Tombstone* tombstone = index == no_task ? state_.tombstones().find(item.id) : nullptr;
    if (index != no_task || tombstone != nullptr) {
        const bool lives = index != no_task;
        const std::uint64_t known =
            lives ? state_.tasks()[index].content_hash : tombstone->content_hash;
        if (known != hash) {
            return refused(Refusal::conflict, "this id belongs to a task with other content");
        }
        return SubmitStatusItem{.status = SubmitStatus::exists,
                                .number = lives ? state_.tasks()[index].number : tombstone->number};
    }
    const auto made = made_at(item.id);
    if (made && *made < state_.tombstones().floor()) {
        return refused(Refusal::too_old, "this id is older than the broker's memory of ids");
    }
    if (made && *made > step_.now.wall + id_lead_max) {
        return refused(Refusal::too_new, "this id was made more than a day in the future");
    }
    return std::nullopt;
}

SubmitStatusItem Core::accept(const SubmitItem& item, std::string_view queue, std::uint64_t hash,
                              TaskIndex& task) {
    if (is_full(queue)) {
        return refused(Refusal::queue_full, "the queue holds as many tasks as it may");
    }
    const Settings& settings = settings_of(queue);
    const std::size_t lanes = state_.queues().lane_count();
    const WallTime now = step_.now.wall;
    const WallTime not_before =
        std::max(to_wall(item.not_before), after(now, item.delay_ms).value_or(WallTime{}));
    const std::uint64_t number = state_.number_last() + 1;
    commit(TaskAccepted{.number = number,
                        .id = item.id,
                        .content_hash = hash,
                        .kind = item.kind,
                        .queue = queue,
                        .payload = item.payload,
                        .content_type = item.content_type,
                        .priority = item.priority,
                        .attempts_max = static_cast<std::uint16_t>(
                            item.attempts_max > 0 ? item.attempts_max : settings.attempts_max),
                        .run_max = milliseconds{static_cast<std::int64_t>(item.run_max_ms)},
                        .not_before = not_before > now ? not_before : WallTime{},
                        .deadline = deadline_of(item, now),
                        .at = now});
    offer_new_lanes(lanes);
    task = state_.tasks().find(number);
    return {.number = number};
}

const Settings& Core::settings_of(std::string_view queue) const {
    static const Settings defaults;
    const auto index = state_.queues().find(queue);
    return index ? state_.queues()[*index].settings : defaults;
}

bool Core::is_full(std::string_view queue) const {
    const auto index = state_.queues().find(queue);
    if (!index) {
        return false;
    }
    const Queue& known = state_.queues()[*index];
    const std::uint64_t tasks_max = known.settings.tasks_max;
    return tasks_max > 0 && known.unfinished() >= tasks_max;
}

bool Core::has_room_for(std::uint64_t payload_octets) const {
    if (state_.tasks().size() >= options_.tasks_max) {
        return false;
    }
    if (options_.octets_in_memory_max) {  // what is over it is on its way out
        return state_.octets() <= 2 * octets_in_memory_max() + octets_arriving_max;
    }
    return state_.octets() + payload_octets + state_.tasks().size() * task_octets <=
           options_.memory_max;
}

// Lanes from this one on are new: workers that serve them have to know.
void Core::offer_new_lanes(std::size_t first) {
    for (std::size_t lane = first; lane < state_.queues().lane_count(); ++lane) {
        offers_.add_lane(static_cast<LaneIndex>(lane));
    }
}

}  // namespace xebec::broker

// What operators ask for and change, and what watchers are shown.

#include "broker/core/core.h"
#include "protocol/check.h"
#include "protocol/names.h"
#include "protocol/wire_time.h"

#include <algorithm>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::uint64_t setting_ms_max = 10ULL * 365 * 86'400 * 1000;
constexpr Duration recent_watch = std::chrono::seconds{10};  // after somebody asked for attempts

std::uint64_t count(milliseconds duration) {
    return static_cast<std::uint64_t>(duration.count());
}

std::uint64_t count_between(Instant from, Instant to) {
    const auto ms = std::chrono::duration_cast<milliseconds>(to - from).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms));
}

Problem problem(Refusal refusal, std::string_view text = {}) {
    return {.code = static_cast<std::uint16_t>(refusal), .text = text};
}

milliseconds to_ms(std::uint64_t value) {
    return milliseconds{static_cast<std::int64_t>(value)};
}

// Of an answer that has an upper limit only in how much there is to tell: well below that of a
// body, so that the last item may go beyond.
constexpr std::size_t answer_octets_max = 1 << 20;
constexpr std::size_t number_octets_max = 9;  // in MessagePack

std::size_t octets_of(const WorkerView& view) {
    constexpr std::size_t name_octets = 50;
    constexpr std::size_t gpu_octets = 100;
    constexpr std::size_t attempt_octets = 90;
    return 720 + view.recent.size() * attempt_octets +
           (view.resources ? view.resources->gpus.size() * gpu_octets : 0) +
           (view.kinds.size() + view.queues.size()) * name_octets +
           view.tasks.size() * number_octets_max;
}

std::size_t octets_of(const LaneView& view) {
    return 192 + (view.wait_us.size() + view.run_us.size()) * number_octets_max;
}

// The settings with those that are given; or why they cannot be.
std::string_view merge(Settings& settings, const QueueSettings& given) {
    for (const auto& value : {given.lease_ms, given.run_max_ms, given.pause_first_ms,
                              given.pause_max_ms, given.retention_ms}) {
        if (value && *value > setting_ms_max) {
            return "a duration is at most ten years";
        }
    }
    if (given.lease_ms && *given.lease_ms < 1'000) {
        return "a lease lasts at least 1 s";
    }
    if (given.run_max_ms && *given.run_max_ms == 0) {
        return "a run limit is more than nothing";
    }
    if (given.attempts_max && (*given.attempts_max == 0 || *given.attempts_max > attempts_limit)) {
        return "a task has 1 to 10000 attempts";
    }
    const std::uint64_t pause_first_ms = given.pause_first_ms.value_or(count(settings.pause_first));
    const std::uint64_t pause_max_ms = given.pause_max_ms.value_or(count(settings.pause_max));
    if (pause_first_ms > pause_max_ms) {
        return "the first pause is at most as long as the longest";
    }
    settings.lease = to_ms(given.lease_ms.value_or(count(settings.lease)));
    settings.run_max = to_ms(given.run_max_ms.value_or(count(settings.run_max)));
    settings.attempts_max = given.attempts_max.value_or(settings.attempts_max);
    settings.pause_first = to_ms(pause_first_ms);
    settings.pause_max = to_ms(pause_max_ms);
    settings.retention = to_ms(given.retention_ms.value_or(count(settings.retention)));
    settings.tasks_max = given.tasks_max.value_or(settings.tasks_max);
    return {};
}

}  // namespace

// ---- queues ----

QueueView Core::view_of(const Queue& queue) const {
    QueueView view{.name = queue.name,
                   .paused = queue.is_paused,
                   .tasks = {queue.tasks.begin(), queue.tasks.end()},
                   .created = queue.created,
                   .removed = queue.removed,
                   .settings = {.lease_ms = count(queue.settings.lease),
                                .run_max_ms = count(queue.settings.run_max),
                                .attempts_max = queue.settings.attempts_max,
                                .pause_first_ms = count(queue.settings.pause_first),
                                .pause_max_ms = count(queue.settings.pause_max),
                                .retention_ms = count(queue.settings.retention),
                                .tasks_max = queue.settings.tasks_max}};
    Instant oldest = step_.now.steady;
    for (const LaneIndex index : queue.lanes) {
        const Lane& lane = state_.queues()[index];
        oldest = std::min(oldest, lane.oldest_since(state_.tasks()));
        view.succeeded += lane.figures.succeeded;
        view.failed += lane.figures.failed;
    }
    view.oldest_wait_ms = count_between(oldest, step_.now.steady);
    return view;
}

void Core::on(const Request& request, const Queues& message) {
    QueuesAnswer reply;
    if (!message.only.empty()) {
        const auto queue = state_.queues().find(message.only);
        if (!queue) {
            refuse(request, Refusal::unknown_queue);
            return;
        }
        reply.items.push_back(view_of(state_.queues()[*queue]));
        answer(request, std::move(reply));
        return;
    }
    const auto& by_name = state_.queues().by_name();
    auto at = message.after.empty() ? by_name.begin() : by_name.upper_bound(message.after);
    for (; at != by_name.end() && reply.items.size() < list_items_max; ++at) {
        reply.items.push_back(view_of(state_.queues()[at->second]));
    }
    reply.more = at != by_name.end();
    answer(request, std::move(reply));
}

void Core::on(const Request& request, const QueueSet& message) {
    if (!is_queue_name(message.name)) {
        answer(request, QueueSetAnswer{problem(Refusal::bad_name,
                                               "a queue's name is 1 to 48 of A-Z a-z 0-9 _ -")});
        return;
    }
    const auto known = state_.queues().find(message.name);
    if (!known && state_.queues().queue_count() >= QueueTable::names_max) {
        answer(request, QueueSetAnswer{problem(Refusal::too_many_names)});
        return;
    }
    Settings settings = known ? state_.queues()[*known].settings : Settings{};
    const std::string_view wrong = merge(settings, message.settings);
    if (!wrong.empty()) {
        answer(request, QueueSetAnswer{problem(Refusal::bad_value, wrong)});
        return;
    }
    commit(QueueChanged{.queue = message.name,
                        .settings = settings,
                        .is_paused = known && state_.queues()[*known].is_paused});
    answer(request, QueueSetAnswer{});
}

std::vector<Problem> Core::pause_each(const std::vector<std::string_view>& names, bool paused) {
    std::vector<Problem> problems;
    for (const std::string_view name : names) {
        const auto queue = state_.queues().find(name);
        problems.push_back(problem(queue ? Refusal::none : Refusal::unknown_queue,
                                   queue ? std::string_view{} : "no such queue"));
        if (queue && state_.queues()[*queue].is_paused != paused) {
            commit(QueueChanged{
                .queue = name, .settings = state_.queues()[*queue].settings, .is_paused = paused});
        }
    }
    return problems;
}

void Core::on(const Request& request, const Pause& message) {
    if (!is_too_many(request, message.queues.size())) {
        answer(request, PauseAnswer{pause_each(message.queues, true)});
    }
}

void Core::on(const Request& request, const Resume& message) {
    if (!is_too_many(request, message.queues.size())) {
        answer(request, ResumeAnswer{pause_each(message.queues, false)});
    }
}

// ---- workers ----

WorkerView Core::view_of(const Session& session, bool with_recent) const {
    const WorkerPart& worker = session.worker;
    WorkerView view{.session = session.id,
                    .name = session.name.view(),
                    .host = session.host,
                    .process = session.process,
                    .kinds = {worker.kinds.begin(), worker.kinds.end()},
                    .queues = {worker.queues.begin(), worker.queues.end()},
                    .slots = worker.slots,
                    .credit = worker.credit,
                    .held = worker.occupied(),
                    .draining = worker.is_draining,
                    .since = static_cast<std::uint64_t>(session.since.time_since_epoch().count()),
                    .silent_ms = count_between(session.last_heard, step_.now.steady),
                    .succeeded = worker.succeeded,
                    .failed = worker.failed};
    for (TaskIndex task = worker.held.head(); task != no_task && view.tasks.size() < worker.slots;
         task = state_.tasks()[task].next) {
        view.tasks.push_back(state_.tasks()[task].number_shown());
    }
    if (worker.machine) {
        view.resources = worker.machine->resources();
    }
    if (with_recent && worker.recent) {
        for (const RecentAttempts::Attempt& attempt : worker.recent->newest_first()) {
            view.recent.push_back({.number = attempt.number,
                                   .kind = state_.queues().name(attempt.kind),
                                   .started_at = to_wire(attempt.started_at),
                                   .run_us = attempt.run_us,
                                   .state = attempt.state});
        }
    }
    return view;
}

// Who asks gets what ended since somebody asked before; while nobody does, nothing is noted.
void Core::watch_attempts() {
    recent_until_ = step_.now.steady + recent_watch;
}

void Core::forget_attempts() {
    if (!recent_until_ || *recent_until_ > step_.now.steady) {
        return;
    }
    recent_until_.reset();
    for (std::uint32_t i = 0; i < sessions_.used(); ++i) {
        sessions_[static_cast<SessionIndex>(i)].worker.recent.reset();
    }
}

// The record has ended an attempt: how is what its task has become by it.
void Core::note_attempt(const EndedAttempt& ended, const Record& record) {
    const std::uint64_t run_us = std::visit(
        [](const auto& fact) -> std::uint64_t {
            if constexpr (requires { fact.run_us; }) {
                return fact.run_us;
            } else {
                return 0;
            }
        },
        record);
    const Task& task = state_.tasks()[ended.task];
    auto& recent = sessions_[ended.session].worker.recent;
    if (!recent) {
        recent = std::make_unique<RecentAttempts>();
    }
    recent->add({.number = task.number_shown(),
                 .kind = state_.queues()[task.lane].kind(),
                 .started_at = state_.tasks().find_details(task)->started_at,
                 .run_us = run_us,
                 .state = task.state});
}

void Core::on(const Request& request, const Workers& message) {
    WorkersAnswer reply;
    if (message.with_recent) {
        watch_attempts();
    }
    std::size_t octets = 0;  // a worker may name hundreds of kinds and queues
    const std::uint64_t end = sessions_.used();
    std::uint64_t i = message.cursor;
    for (; i < end && reply.items.size() < list_items_max; ++i) {
        const Session& session = sessions_[static_cast<SessionIndex>(i)];
        if (session.id == 0 || !session.is_worker()) {
            continue;
        }
        reply.items.push_back(view_of(session, message.with_recent));
        octets += octets_of(reply.items.back());
        if (octets > answer_octets_max) {
            ++i;
            break;
        }
    }
    reply.cursor = i < end ? i : 0;
    answer(request, std::move(reply));
}

void Core::on(const Request& request, const Drain& message) {
    if (is_too_many(request, message.workers.size())) {
        return;
    }
    if (sessions_[request.session].is_worker()) {
        if (!message.workers.empty()) {
            refuse(request, Refusal::unsupported, "a worker drains nobody but itself");
            return;
        }
        drain(request.session);  // it wants to leave
        answer(request, DrainAnswer{});
        return;
    }
    absl::flat_hash_map<std::string_view, bool> is_found;
    for (const std::string_view name : message.workers) {
        is_found.emplace(name, false);
    }
    for (std::uint32_t i = 0; i < sessions_.used(); ++i) {
        const auto index = static_cast<SessionIndex>(i);
        const Session& session = sessions_[index];
        if (session.id == 0 || !session.is_worker()) {
            continue;
        }
        const auto named = is_found.find(session.name.view());
        if (named != is_found.end()) {
            named->second = true;
            drain(index);
            if (!session.worker.plain) {
                send(index, Drain{}, Leaves::at_once);
            }
        }
    }
    DrainAnswer reply;
    for (const std::string_view name : message.workers) {
        const bool found = is_found[name];
        reply.items.push_back(problem(found ? Refusal::none : Refusal::unknown_worker,
                                      found ? std::string_view{} : "no such worker"));
    }
    answer(request, std::move(reply));
}

// It is given nothing more.
void Core::drain(SessionIndex session) {
    sessions_[session].worker.is_draining = true;
    offers_.update_room(session);
}

// ---- figures ----

LaneView Core::view_of(const Lane& lane) const {
    return {.queue = state_.queues()[lane.queue()].name,
            .kind = state_.queues().name(lane.kind()),
            .ready = lane.ready(),
            .leased = lane.leased,
            .created = lane.figures.created,
            .succeeded = lane.figures.succeeded,
            .failed = lane.figures.failed,
            .wait_us = lane.figures.wait.to_sparse(),
            .run_us = lane.figures.run.to_sparse()};
}

Figures Core::figures(bool only_changed) const {
    const auto& counts = state_.counts();
    Figures figures{.epoch = epoch_,
                    .time = static_cast<std::uint64_t>(step_.now.wall.time_since_epoch().count()),
                    .uptime_ms = count_between(started_.steady, step_.now.steady),
                    .totals = state_.totals(),
                    .sizes = {.tasks = {counts.begin(), counts.end()},
                              .sessions = sessions_.size(),
                              .task_octets = state_.octets()},
                    .step_max_us = static_cast<std::uint64_t>(
                        std::chrono::duration_cast<std::chrono::microseconds>(step_max_).count())};
    if (resources_) {
        figures.resources = *resources_;
        figures.resources->memory_octets_max =
            options_.octets_in_memory_max.value_or(options_.memory_max);
        figures.resources->is_read_only = is_disk_full_;
    }
    figures.totals.stale = stale_;
    figures.totals.workers_lost = workers_lost_;
    figures.totals.refused = refused_;
    figures.totals.malformed = malformed_;
    for (std::uint32_t i = 0; i < sessions_.used(); ++i) {
        const Session& session = sessions_[static_cast<SessionIndex>(i)];
        if (session.id != 0 && session.is_worker()) {
            ++figures.sizes.workers;
            figures.sizes.slots += session.worker.slots;
            figures.sizes.slots_busy += std::min(session.worker.occupied(), session.worker.slots);
        }
    }
    for (const auto& [name, index] : state_.queues().by_name()) {
        const Queue& queue = state_.queues()[index];
        if (!only_changed || queue.is_changed) {
            figures.sequences.push_back({name, queue.sequence});
        }
    }
    return figures;
}

// As many lanes as fit into a message, from the one given on; gives where to go on.
std::size_t Core::add_lanes(Figures& figures, std::size_t first, bool only_changed) const {
    const std::size_t count = state_.queues().lane_count();
    std::size_t octets = 0;
    std::size_t i = first;
    for (; i < count && octets < answer_octets_max; ++i) {
        const Lane& lane = state_.queues()[static_cast<LaneIndex>(i)];
        if (!only_changed || lane.is_changed) {
            figures.lanes.push_back(view_of(lane));
            octets += octets_of(figures.lanes.back());
        }
    }
    return i < count ? i : 0;
}

void Core::on(const Request& request, const Stats&) {
    StatsAnswer reply{figures(false)};
    add_lanes(reply.figures, 0, false);
    answer(request, std::move(reply));
}

void Core::on(const Request& request, const Snapshot&) {
    SnapshotAnswer reply{.figures = figures(false)};
    add_lanes(reply.figures, 0, false);
    std::size_t octets = 0;
    for (std::uint32_t i = 0; i < sessions_.used() && !reply.more; ++i) {
        const Session& session = sessions_[static_cast<SessionIndex>(i)];
        TaskIndex task = session.worker.held.head();
        for (; task != no_task && !reply.more; task = state_.tasks()[task].next) {
            if (reply.leased.size() < list_items_max && octets < answer_octets_max) {
                reply.leased.push_back(view_of(state_.tasks()[task]));
                octets += task_view_octets(reply.leased.back());
            } else {
                reply.more = true;
            }
        }
    }
    answer(request, std::move(reply));
}

// ---- updates ----

// One message per queue and step, in the order of the commits.
void Core::publish_updates() {
    for (UpdateBatch& batch : state_.take_updates()) {
        const auto header = encode(UpdatesHeader{
            .epoch = epoch_,
            .sequence_first = batch.sequence_first,
            .count = batch.updates.count(),
            .time = static_cast<std::uint64_t>(step_.now.wall.time_since_epoch().count())});
        Publish message{.records_before = step_.effects->records.size()};
        message.frames.reserve(3);
        message.frames.push_back(task_topic(state_.queues()[batch.queue].name));
        message.frames.emplace_back(header.data(), header.size());
        message.frames.push_back(batch.updates.take());  // may be long: it is not copied
        step_.effects->publications.push_back(std::move(message));
    }
}

void Core::publish_figures() {
    Figures changed = figures(true);
    const std::size_t first = figures_lane_;  // what did not fit is in the next message
    figures_lane_ = add_lanes(changed, first, true);
    const std::size_t end = figures_lane_ == 0 ? state_.queues().lane_count() : figures_lane_;
    step_.effects->publications.push_back(
        {.frames = {std::string(stat_topic), encode_figures(changed)},
         .records_before = step_.effects->records.size()});
    for (std::size_t i = first; i < end; ++i) {
        state_.queues()[static_cast<LaneIndex>(i)].is_changed = false;
    }
    for (std::size_t i = 0; i < state_.queues().queue_count(); ++i) {
        state_.queues()[static_cast<QueueIndex>(i)].is_changed = false;
    }
}

}  // namespace xebec::broker

#include "monitor/web/watcher.h"

#include "client/connection.h"
#include "runtime/clock.h"

#include <algorithm>
#include <utility>

namespace xebec::monitor::web {

using client::answer_as;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds tick{200};
constexpr milliseconds look_interval{1'000};
// Not heard for so long, it is not asked either: a look would only wait.
constexpr milliseconds silence_max{3'000};
constexpr std::size_t queues_max = 10'000;
constexpr std::size_t workers_max = 10'000;
constexpr std::size_t current_max = 1'000;

std::optional<MarkKind> mark_of(NoticeKind kind) {
    switch (kind) {
        case NoticeKind::broker_silent:
            return MarkKind::broker_silent;
        case NoticeKind::broker_back:
        case NoticeKind::broker_found:
            return MarkKind::broker_back;
        case NoticeKind::new_epoch:
            return MarkKind::broker_restarted;
        default:
            return std::nullopt;
    }
}

CoreOptions figures_only() {
    CoreOptions options;
    options.selection.updates = false;
    return options;
}

}  // namespace

Watcher::Watcher(WatcherOptions options, Broker& broker, Board& board)
    : options_(std::move(options)), broker_(broker), board_(board) {
    scene_.broker_address = options_.broker;
    scene_.read_only = options_.read_only;
    watch_.emplace(
        WatchOptions{
            .updates = options_.updates, .broker = options_.broker, .core = figures_only()},
        context_, *this);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Watcher::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        watch_->step(runtime::now().steady + tick);
        const Now now = runtime::now();
        if (is_due(now)) {
            look(now);
        }
    }
    watch_->leave();
}

void Watcher::show(const ShowInterval& shown) {
    const Now now = runtime::now();
    interval_ = shown.interval;
    heard_at_ = now.steady;
    scene_.heard_at = now.wall;
    scene_.broker = BrokerState::connected;
    scene_.epoch = shown.interval.epoch;
}

void Watcher::show(const Notice& notice) {
    if (notice.kind == NoticeKind::broker_silent) {
        scene_.broker = BrokerState::silent;
    } else if (notice.kind == NoticeKind::new_epoch) {
        scene_.epoch = notice.epoch;  // its figures come before the next interval does
    }
    if (const auto kind = mark_of(notice.kind)) {
        board_.change_history([&](History& history) { history.add(Mark{notice.time, *kind, ""}); });
    }
}

bool Watcher::is_due(Now now) const {
    return interval_ || board_.take_hurry() || !looked_at_ ||
           now.steady - *looked_at_ >= look_interval;
}

void Watcher::look(Now now) {
    looked_at_ = now.steady;
    const CurrentFigures& figures = watch_->figures();
    if (heard_at_ && now.steady - *heard_at_ < silence_max) {
        const bool with_recent = board_.is_workers_wanted(now.steady);
        Look look;
        if (ask_queues(look) && ask_workers(look, with_recent) &&
            (!with_recent || ask_current(look))) {
            remember(take(scene_, std::move(look), figures, now), now);
        }
    }
    if (const auto interval = std::exchange(interval_, std::nullopt)) {
        const Point point = point_of(*interval, figures.resources());
        board_.change_history([&](History& history) { history.add(now.wall, point); });
    }
    const auto latest =
        board_.look_at_history([&](const History& history) { return history.latest(now.wall); });
    board_.show(std::make_shared<const Picture>(picture_of(scene_, figures, latest, now.wall)));
}

void Watcher::remember(std::vector<Mark> marks, Now now) {
    board_.change_history([&](History& history) {
        for (Mark& mark : marks) {
            history.add(std::move(mark));
        }
        for (const QueueFacts& queue : scene_.queue_facts) {
            history.add_ready(now.wall, queue.name, queue.ready);
        }
    });
}

bool Watcher::ask_queues(Look& look) {
    std::string after;
    bool more = true;
    while (more && look.queues.size() < queues_max) {
        const auto packet = broker_.request(protocol::Queues{.after = after});
        const auto answer = answer_as<protocol::QueuesAnswer>(packet);
        if (!answer) {
            return false;
        }
        for (const protocol::QueueView& queue : answer->items) {
            look.queues.push_back(seen(queue));
        }
        more = answer->more && !answer->items.empty();
        after = look.queues.empty() ? "" : look.queues.back().facts.name;
    }
    return true;
}

bool Watcher::ask_workers(Look& look, bool with_recent) {
    std::uint64_t cursor = 0;
    do {
        const auto packet =
            broker_.request(protocol::Workers{.cursor = cursor, .with_recent = with_recent});
        const auto answer = answer_as<protocol::WorkersAnswer>(packet);
        if (!answer) {
            return false;
        }
        for (const protocol::WorkerView& worker : answer->items) {
            look.workers.push_back(seen(worker));
        }
        cursor = answer->cursor;
    } while (cursor != 0 && look.workers.size() < workers_max);
    return true;
}

bool Watcher::ask_current(Look& look) {
    protocol::Query query;
    for (const SeenWorker& worker : look.workers) {
        for (const std::uint64_t number : worker.tasks) {
            if (query.tasks.size() < current_max) {
                query.tasks.emplace_back(number);
            }
        }
    }
    if (query.tasks.empty()) {
        return true;
    }
    const auto packet = broker_.request(query);
    const auto answer = answer_as<protocol::QueryAnswer>(packet);
    if (!answer) {
        return false;
    }
    for (const protocol::QueryItem& item : answer->items) {
        if (item.task && item.task->state == TaskState::leased) {
            const WallTime started{milliseconds{static_cast<std::int64_t>(item.task->started_at)}};
            look.current[item.task->number] = {std::string(item.task->kind), started};
        }
    }
    return true;
}

}  // namespace xebec::monitor::web

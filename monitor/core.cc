#include "monitor/core.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace xebec::monitor {

namespace {

template <class Range, class Value>
bool is_empty_or_has(const Range& range, const Value& value) {
    return range.empty() || std::find(range.begin(), range.end(), value) != range.end();
}

}  // namespace

bool Selection::has_queue(std::string_view queue) const {
    return is_empty_or_has(queues, queue);
}

bool Selection::has(const protocol::Update& update) const {
    if (!is_empty_or_has(kinds, update.kind)) {
        return false;
    }
    if (states.empty() && !removed) {
        return true;
    }
    return update.removed ? removed
                          : std::find(states.begin(), states.end(), update.state) != states.end();
}

Core::Core(CoreOptions options, Instant start) : options_(std::move(options)), heard_at_(start) {}

void Core::apply(const Event& event, Now now, Effects& effects) {
    std::visit([&](const auto& known) { on(known, now, effects); }, event);
}

void Core::on(const UpdatesReceived& event, Now now, Effects& effects) {
    hear(event.header.epoch, now, effects);
    if (!is_watched(event.queue)) {
        return;
    }
    const Arrival arrival =
        sequences_.arrive(event.queue, event.header.sequence_first, event.updates.size());
    if (arrival.missed > 0) {
        report({.queue = std::string(event.queue), .missed = arrival.missed}, now, effects);
    }
    const auto has = [this](const protocol::Update& update) {
        return options_.selection.has(update);
    };
    const auto end = event.updates.end();
    auto first =
        std::find_if(event.updates.begin() + static_cast<std::ptrdiff_t>(arrival.known), end, has);
    while (first != end) {
        const auto last = std::find_if_not(first, end, has);
        effects.push_back(ShowUpdates{
            .epoch = event.header.epoch,
            .sequence_first = event.header.sequence_first +
                              static_cast<std::uint64_t>(first - event.updates.begin()),
            .time = WallTime{milliseconds{event.header.time}},
            .queue = event.queue,
            .updates = {first, last},
        });
        first = std::find_if(last, end, has);
    }
    ask_snapshot_if_due(now, effects);
}

void Core::on(const StatReceived& event, Now now, Effects& effects) {
    hear(event.figures.epoch, now, effects);
    const auto uptime = milliseconds{event.figures.uptime_ms};
    if (!stat_heard_ || uptime > figures_.uptime() + stat_interval_max) {
        stat_heard_ = true;
        snapshot_wanted_ = true;
    }
    settle(event.figures, now, effects);
    figures_.fold_part(event.figures);
    if (auto interval = figures_.take_interval()) {
        effects.push_back(ShowInterval{std::move(*interval)});
    }
    ask_snapshot_if_due(now, effects);
}

// A `stat.` follows the updates it counts on the same connection.
void Core::settle(const protocol::Figures& figures, Now now, Effects& effects) {
    std::vector<protocol::QueueSequence> watched;
    std::copy_if(figures.sequences.begin(), figures.sequences.end(), std::back_inserter(watched),
                 [this](const auto& told) { return is_watched(told.queue); });
    if (unsettled_uptime_ms_ && figures.uptime_ms > *unsettled_uptime_ms_) {
        unsettled_uptime_ms_.reset();
        sequences_.expect(watched);
        for (const Loss& loss : sequences_.settle_snapshot()) {
            report(loss, now, effects);
        }
        return;
    }
    for (const protocol::QueueSequence& told : watched) {
        if (const auto loss = sequences_.settle(told.queue, told.sequence)) {
            report(*loss, now, effects);
        }
    }
}

void Core::on(const UnreadableReceived& event, Now now, Effects& effects) {
    ++unreadable_;
    unreadable_reason_ = event.reason;
    report_unreadable(now, effects);
}

void Core::on(const SnapshotReceived& event, Now now, Effects& effects) {
    asking_ = false;
    snapshot_late_ = false;
    if (event.figures.epoch != epoch_) {
        // The two connections disagree about who the broker is; the updates decide.
        snapshot_wanted_ = true;
        ask_snapshot_if_due(now, effects);
        return;
    }
    std::vector<protocol::QueueSequence> watched;
    std::copy_if(event.figures.sequences.begin(), event.figures.sequences.end(),
                 std::back_inserter(watched),
                 [this](const auto& told) { return is_watched(told.queue); });
    sequences_.expect(watched);
    unsettled_uptime_ms_ = event.figures.uptime_ms;
    figures_.fold_all(event.figures);
    if (std::exchange(resync_announced_, false)) {
        effects.push_back(Notice{.kind = NoticeKind::resynchronised, .time = now.wall});
    }
    ask_snapshot_if_due(now, effects);
}

void Core::on(const SnapshotFailed& event, Now now, Effects& effects) {
    asking_ = false;
    snapshot_late_ = false;
    snapshot_wanted_ = true;
    resync_announced_ = true;
    effects.push_back(
        Notice{.kind = NoticeKind::snapshot_failed, .time = now.wall, .reason = event.reason});
    ask_snapshot_if_due(now, effects);
}

void Core::on(const TimePassed&, Now now, Effects& effects) {
    forgive_own_stall(now);
    if (!silent_ && now.steady >= heard_at_ + silence_max) {
        silent_ = true;
        effects.push_back(
            Notice{.kind = epoch_ == 0 ? NoticeKind::no_broker : NoticeKind::broker_silent,
                   .time = now.wall});
    }
    if (options_.give_up_after && !given_up_ && now.steady >= heard_at_ + *options_.give_up_after) {
        given_up_ = true;
        effects.push_back(Notice{.kind = NoticeKind::gave_up, .time = now.wall});
        effects.push_back(GiveUp{});
    }
    if (asking_ && !snapshot_late_ && !silent_ && now.steady >= *asked_at_ + silence_max) {
        snapshot_late_ = true;
        resync_announced_ = true;
        effects.push_back(Notice{.kind = NoticeKind::no_snapshot, .time = now.wall});
    }
    report_unreadable(now, effects);
    ask_snapshot_if_due(now, effects);
}

// What was sent meanwhile may not have been received yet, so the wait begins again.
void Core::forgive_own_stall(Now now) {
    const auto planned = next_deadline();
    if (!planned || now.steady < *planned + lateness_max) {
        return;
    }
    if (!silent_) {
        heard_at_ = now.steady;
    }
    if (asking_) {
        asked_at_ = now.steady;
    }
}

// Somebody publishes. Any other epoch than before is another run of the broker, a lower one too: a
// broker whose data were removed starts again from the first.
void Core::hear(std::uint64_t epoch, Now now, Effects& effects) {
    heard_at_ = now.steady;
    given_up_ = false;
    if (std::exchange(silent_, false)) {
        effects.push_back(
            Notice{.kind = epoch_ == 0 ? NoticeKind::broker_found : NoticeKind::broker_back,
                   .time = now.wall});
        // While nothing came, `stat.` was missed too. It names a queue only when it changes.
        resync_announced_ = resync_announced_ || epoch_ != 0;
        snapshot_wanted_ = stat_heard_;
        if (asking_) {
            asked_at_ = now.steady;  // it cannot have been answered, so it is not late yet
        }
    }
    if (epoch == epoch_) {
        return;
    }
    if (epoch_ != 0) {
        effects.push_back(Notice{.kind = NoticeKind::new_epoch, .time = now.wall, .epoch = epoch});
        resync_announced_ = true;
    }
    epoch_ = epoch;
    sequences_.forget();
    figures_.forget();
    stat_heard_ = false;
    snapshot_wanted_ = false;  // until the first `stat.`
    unsettled_uptime_ms_.reset();
}

void Core::report(const Loss& loss, Now now, Effects& effects) {
    effects.push_back(Notice{
        .kind = NoticeKind::gap, .time = now.wall, .queue = loss.queue, .count = loss.missed});
    snapshot_wanted_ = stat_heard_;
    resync_announced_ = true;
}

void Core::report_unreadable(Now now, Effects& effects) {
    if (unreadable_ == 0 ||
        (unreadable_told_at_ && now.steady < *unreadable_told_at_ + silence_max)) {
        return;
    }
    unreadable_told_at_ = now.steady;
    effects.push_back(Notice{.kind = NoticeKind::unreadable,
                             .time = now.wall,
                             .count = std::exchange(unreadable_, 0),
                             .reason = unreadable_reason_});
}

void Core::ask_snapshot_if_due(Now now, Effects& effects) {
    if (!snapshot_wanted_ || asking_ || (asked_at_ && now.steady < *asked_at_ + snapshot_pause)) {
        return;
    }
    snapshot_wanted_ = false;
    asking_ = true;
    asked_at_ = now.steady;
    effects.push_back(AskSnapshot{});
}

std::optional<Instant> Core::next_deadline() const {
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
    if (!silent_) {
        consider(heard_at_ + silence_max);
    }
    if (options_.give_up_after && !given_up_) {
        consider(heard_at_ + *options_.give_up_after);
    }
    if (asking_ && !snapshot_late_ && !silent_) {
        consider(*asked_at_ + silence_max);
    }
    if (snapshot_wanted_ && !asking_ && asked_at_) {
        consider(*asked_at_ + snapshot_pause);
    }
    if (unreadable_ > 0 && unreadable_told_at_) {
        consider(*unreadable_told_at_ + silence_max);
    }
    return next;
}

bool Core::is_watched(std::string_view queue) const {
    return options_.selection.updates && options_.selection.has_queue(queue);
}

}  // namespace xebec::monitor

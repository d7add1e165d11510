#include "monitor/watch.h"

#include "monitor/feed.h"
#include "protocol/codec.h"
#include "runtime/clock.h"
#include "runtime/exit_status.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace xebec::monitor {

namespace {

constexpr int published_per_step = 1'000;
// What the broker publishes waits here while a slow terminal or pipe is written to.
constexpr int published_waiting_max = 10'000;

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

Watch::Watch(const WatchOptions& options, const runtime::Context& context, View& view)
    : view_(view),
      now_(runtime::now()),
      core_(options.core, now_.steady),
      published_(context, runtime::SocketType::sub,
                 {.receive_messages_max = published_waiting_max}),
      snapshots_(context, options.broker, [this](const Event& event) { apply(event); }),
      snapshots_index_(0) {
    subscribe(options.core.selection);
    published_.connect(options.updates);
    poller_.add(published_);
    snapshots_index_ = poller_.add(snapshots_.socket());
}

void Watch::subscribe(const Selection& selection) {
    if (selection.updates && selection.queues.empty()) {
        published_.subscribe(protocol::task_topic_prefix);
    }
    for (const std::string& queue : selection.queues) {
        published_.subscribe(protocol::task_topic(queue));
    }
    published_.subscribe(protocol::stat_topic);
}

void Watch::end_when_readable(int descriptor) {
    end_indices_.push_back(poller_.add(descriptor));
}

void Watch::step(std::optional<Instant> latest) {
    wait(latest);
    now_ = runtime::now();
    receive_published();
    snapshots_.step(now_);
    apply(TimePassed{});
    poller_.replace(snapshots_index_, snapshots_.socket());
    if (!view_.finish_batch() && !exit_status_) {
        exit_status_ = runtime::exit_done;
    }
}

void Watch::wait(std::optional<Instant> latest) {
    const auto deadline = earlier(core_.next_deadline(), snapshots_.next_deadline());
    poller_.wait_until(earlier(deadline, latest));
    if (std::any_of(end_indices_.begin(), end_indices_.end(),
                    [this](std::size_t index) { return poller_.is_ready(index); })) {
        exit_status_ = runtime::exit_done;
    }
}

void Watch::receive_published() {
    for (int i = 0; i < published_per_step && published_.receive(message_); ++i) {
        apply(read_published(message_.frames()));
    }
}

void Watch::apply(const Event& event) {
    Effects effects = std::exchange(effects_, {});
    core_.apply(event, now_, effects);
    for (const Effect& effect : effects) {
        std::visit([this](const auto& known) { perform(known); }, effect);
    }
    effects.clear();
    effects_ = std::move(effects);  // for its memory
}

void Watch::perform(const ShowUpdates& effect) {
    std::uint64_t sequence = effect.sequence_first;
    for (const protocol::Update& update : effect.updates) {
        view_.show({.epoch = effect.epoch,
                    .sequence = sequence++,
                    .time = effect.time,
                    .queue = effect.queue,
                    .update = update});
    }
}

void Watch::perform(const AskSnapshot&) {
    snapshots_.ask(now_);
}

void Watch::perform(const GiveUp&) {
    exit_status_ = runtime::exit_no_answer;
}

}  // namespace xebec::monitor

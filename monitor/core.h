#pragma once
// Folds what the broker reports into what is shown. Pure: no socket, clock or thread.
//
// The reader subscribes first. The first `stat.` proves that the subscription holds; only then it
// asks for a snapshot, so that everything after the snapshot must come by the subscription, and
// what does not come is a loss. Updates are shown as they arrive, without waiting for the snapshot:
// it only says from where on nothing may be missing, and gives the figures their baseline.

#include "monitor/figures.h"
#include "monitor/sequences.h"
#include "protocol/codec.h"
#include "protocol/messages.h"
#include "protocol/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xebec::monitor {

// Which updates are shown. Empty parts match everything.
struct Selection {
    bool updates = true;              // false: no topic of tasks is subscribed to
    std::vector<std::string> queues;  // only these are subscribed to
    std::vector<std::string> kinds;
    std::vector<TaskState> states;
    bool removed = false;  // as one more state: what retention takes away

    bool has_queue(std::string_view queue) const;
    bool has(const protocol::Update& update) const;  // by kind and state
};

// ---- events ----

// Texts of events are borrowed, and effects pass them on: perform the effects of an event before
// letting go of it.
struct UpdatesReceived {
    std::string_view queue;
    protocol::UpdatesHeader header;
    std::vector<protocol::Update> updates;
};
struct StatReceived {
    protocol::Figures figures;
};
// A message of a topic that could not be read.
struct UnreadableReceived {
    std::string reason;
};
struct SnapshotReceived {
    protocol::Figures figures;
};
struct SnapshotFailed {
    std::string reason;
};
struct TimePassed {};

using Event = std::variant<UpdatesReceived, StatReceived, UnreadableReceived, SnapshotReceived,
                           SnapshotFailed, TimePassed>;

// ---- effects ----

// Updates of an event that follow one another in their queue.
struct ShowUpdates {
    std::uint64_t epoch = 0;
    std::uint64_t sequence_first = 0;
    WallTime time{};
    std::string_view queue;
    std::span<const protocol::Update> updates;
};
struct ShowInterval {
    Interval interval;
};

enum class NoticeKind {
    no_broker,        // nothing heard since the start
    broker_found,     // after no_broker
    broker_silent,    // nothing heard for a while
    broker_back,      // after broker_silent
    new_epoch,        // the broker was restarted: everything known is forgotten
    gap,              // updates were sent and did not arrive
    no_snapshot,      // the broker publishes, but does not answer
    snapshot_failed,  // it answers, but not with a snapshot
    resynchronised,   // a snapshot came after any of these
    unreadable,       // messages that could not be read
    gave_up,          // nothing heard for as long as the user wanted to wait
};
struct Notice {
    NoticeKind kind = NoticeKind::gap;
    WallTime time{};
    std::string queue;        // of a gap
    std::uint64_t count = 0;  // missed updates of a gap, unreadable messages
    std::uint64_t epoch = 0;  // of new_epoch
    std::string reason;       // of snapshot_failed and unreadable

    friend bool operator==(const Notice&, const Notice&) = default;
};
// Ask the broker for a snapshot until it answers.
struct AskSnapshot {};
// End: follows the notice gave_up.
struct GiveUp {};

using Effect = std::variant<ShowUpdates, ShowInterval, Notice, AskSnapshot, GiveUp>;
using Effects = std::vector<Effect>;

struct CoreOptions {
    Selection selection;
    std::optional<milliseconds> give_up_after;  // absent: never
};

class Core {
public:
    static constexpr milliseconds silence_max{5'000};
    // When TimePassed comes this late, it was the reader that stood still, not the broker.
    static constexpr milliseconds lateness_max{1'000};
    // A resync is work for a broker that may have too much of it.
    static constexpr milliseconds snapshot_pause{5'000};
    // `stat.` comes every second; a longer step of the broker's uptime means that one was missed.
    static constexpr milliseconds stat_interval_max{1'500};

    Core(CoreOptions options, Instant start);

    // Applies one event at `now` and appends what has to follow from it, in order.
    void apply(const Event& event, Now now, Effects& effects);

    // The next instant at which TimePassed has something to do.
    std::optional<Instant> next_deadline() const;

    // The boot epoch of the broker heard last; 0: none yet.
    std::uint64_t epoch() const { return epoch_; }
    bool is_silent() const { return silent_; }
    const CurrentFigures& figures() const { return figures_; }

private:
    void on(const UpdatesReceived& event, Now now, Effects& effects);
    void on(const StatReceived& event, Now now, Effects& effects);
    void on(const UnreadableReceived& event, Now now, Effects& effects);
    void on(const SnapshotReceived& event, Now now, Effects& effects);
    void on(const SnapshotFailed& event, Now now, Effects& effects);
    void on(const TimePassed& event, Now now, Effects& effects);

    void forgive_own_stall(Now now);
    void hear(std::uint64_t epoch, Now now, Effects& effects);
    void settle(const protocol::Figures& figures, Now now, Effects& effects);
    void report(const Loss& loss, Now now, Effects& effects);
    void report_unreadable(Now now, Effects& effects);
    void ask_snapshot_if_due(Now now, Effects& effects);
    bool is_watched(std::string_view queue) const;

    CoreOptions options_;
    Sequences sequences_;
    CurrentFigures figures_;

    std::uint64_t epoch_ = 0;
    Instant heard_at_;  // at first: the start
    bool silent_ = false;
    bool given_up_ = false;
    bool stat_heard_ = false;  // in this epoch

    bool snapshot_wanted_ = false;
    bool resync_announced_ = false;  // people were told of a reason, so they are told of the end
    bool snapshot_late_ = false;     // they were told that the one under way is late
    std::optional<Instant> asked_at_;
    bool asking_ = false;
    // What the latest snapshot said is settled by the first `stat.` made after it.
    std::optional<std::uint64_t> unsettled_uptime_ms_;

    std::uint64_t unreadable_ = 0;  // not yet told
    std::string unreadable_reason_;
    std::optional<Instant> unreadable_told_at_;
};

}  // namespace xebec::monitor

#pragma once
// The loop of a monitor: listens to the broker, asks it for snapshots, and hands what the core
// decides to show to a view.

#include "monitor/core.h"
#include "monitor/snapshots.h"
#include "monitor/view.h"
#include "protocol/time.h"
#include "runtime/sockets.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace xebec::monitor {

struct WatchOptions {
    std::string updates;
    std::string broker;
    CoreOptions core;
};

class Watch {
public:
    // Throws std::runtime_error if an endpoint is none. A broker need not be there yet. `context`
    // and `view` must live longer.
    Watch(const WatchOptions& options, const runtime::Context& context, View& view);

    // Descriptors whose readability ends the watch with exit_done: signals, and the far end of a
    // pipe that nobody reads any more.
    void end_when_readable(int descriptor);

    // Waits until there is something to do, at most until `latest`, and does it.
    void step(std::optional<Instant> latest = std::nullopt);

    // Once there is one, the program ends with it.
    std::optional<int> exit_status() const { return exit_status_; }

    const CurrentFigures& figures() const { return core_.figures(); }

    // Says goodbye to the broker.
    void leave() { snapshots_.leave(); }

private:
    void subscribe(const Selection& selection);
    void wait(std::optional<Instant> latest);
    void receive_published();
    void apply(const Event& event);
    void perform(const ShowUpdates& effect);
    void perform(const ShowInterval& effect) { view_.show(effect); }
    void perform(const Notice& effect) { view_.show(effect); }
    void perform(const AskSnapshot& effect);
    void perform(const GiveUp& effect);

    View& view_;
    Now now_;  // one reading for all that happens in a step
    Core core_;
    Effects effects_;
    runtime::Socket published_;
    Snapshots snapshots_;
    runtime::Poller poller_;
    std::size_t snapshots_index_;
    std::vector<std::size_t> end_indices_;
    runtime::Multipart message_;
    std::optional<int> exit_status_;
};

}  // namespace xebec::monitor

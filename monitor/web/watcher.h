#pragma once
// The thread that looks at the broker once a second and puts what it sees on the board. It listens
// to the figures that the broker publishes, and asks for queues and workers.

#include "monitor/view.h"
#include "monitor/watch.h"
#include "monitor/web/board.h"
#include "monitor/web/broker.h"
#include "monitor/web/pictures.h"
#include "protocol/time.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace xebec::monitor::web {

struct WatcherOptions {
    std::string updates;  // endpoints
    std::string broker;
    bool read_only = false;
};

class Watcher final : public View {
public:
    // `broker` and `board` must live longer. Throws std::runtime_error if an endpoint is none.
    Watcher(WatcherOptions options, Broker& broker, Board& board);

    // Stops within a few seconds, at once if the broker answers.
    ~Watcher() override = default;

private:
    void show(const ShowUpdate&) override {}
    void show(const ShowInterval& shown) override;
    void show(const Notice& notice) override;
    bool finish_batch() override { return true; }

    void run(const std::stop_token& stop);
    bool is_due(Now now) const;
    void look(Now now);
    // False: the broker did not answer.
    bool ask_queues(Look& look);
    bool ask_workers(Look& look, bool with_recent);
    bool ask_current(Look& look);
    void remember(std::vector<Mark> marks, Now now);

    const WatcherOptions options_;
    Broker& broker_;
    Board& board_;

    // The thread's own.
    runtime::Context context_;
    std::optional<Watch> watch_;
    Scene scene_;  // what stays from look to look
    std::optional<Interval> interval_;
    std::optional<Instant> heard_at_;
    std::optional<Instant> looked_at_;

    std::jthread thread_;  // last, so that it ends before anything it uses
};

}  // namespace xebec::monitor::web

#pragma once
// The broker of a simulated world: the real core, journal and outbox, with a shell that lives on
// simulated time and can be killed anywhere.

#include "broker/core/core.h"
#include "broker/outbox.h"
#include "tests/simulation/nodes.h"
#include "tests/simulation/store.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xebec::simulation {

// Thrown out of a start that was asked to stop (F27).
struct StoppedAtStart {};

class BrokerNode : public Node {
public:
    using Ended = std::function<void()>;

    // A start, which may be killed: throws testing::Killed, StoppedAtStart, and what a journal
    // throws. `ended` is called when the process has ended by itself or was killed.
    BrokerNode(Surroundings& surroundings, const broker::CoreOptions& options, Ended ended);

    const broker::Core& core() const { return core_; }

    // Kills the process after so many messages taken, effects done and messages sent.
    void kill_after(std::uint64_t points) { killed_after_ = points; }
    // SIGTERM (F27).
    void signal();
    // No event and no effect any more.
    void end();

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override;

private:
    void start();
    void turn();
    static std::size_t turns_per_check();
    void survive();
    void take_signals();
    void stop();
    void finish();
    void measure_disk();
    void look_after_store();
    void look_after(broker::journal::Owner& owner);
    void receive(const Route& route, const Wire& wire);
    void take(const Route& route, const Wire& wire);
    void take_plain(const Route& route, const std::vector<std::string_view>& frames);
    void take_signal(const broker::Peer& peer, const protocol::PlainSignal& signal);
    void take_reply(const broker::Peer& peer, const protocol::PlainReply& reply,
                    const std::vector<std::string_view>& frames);
    void apply_without_effect(const broker::Event& event);
    void check_plain_peers();
    void trace() const;
    void perform();
    void keep_house(broker::journal::Owner& owner);
    std::vector<broker::BackupHeld> hold_backups();
    void append(std::vector<broker::Record> records);
    void release();
    void transmit(const broker::Peer& peer, const Wire& wire);
    void transmit(const broker::Publish& message);

    Ended ended_;
    bool has_ended_ = false;
    std::optional<std::uint64_t> killed_after_;
    std::size_t turns_ = 0;
    int signals_ = 0;
    bool is_stopping_ = false;
    bool is_closing_ = false;
    Instant stops_by_{};
    broker::Core core_;
    Store store_;
    broker::Outbox outbox_;
    broker::Effects effects_;
    std::deque<std::pair<Route, Wire>> inbox_;
    Duration plain_patience_;
    std::map<std::string, Instant> asked_at_;  // plain requests by body: when each last came
    Instant plain_requests_seen_at_{};         // looked at last
    std::map<Route, std::string> tokens_;      // the last that each plain worker was given
};

}  // namespace xebec::simulation

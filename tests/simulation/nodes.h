#pragma once
// The programs of a simulated world: the real cores, with shells that live on simulated time.

#include "broker/core/core.h"
#include "broker/journal/memory_journal.h"
#include "broker/outbox.h"
#include "client/core.h"
#include "protocol/plain.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/network.h"
#include "tests/simulation/schedule.h"
#include "worker/core.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::simulation {

// What all nodes share.
struct Surroundings {
    Schedule& schedule;
    Dice& dice;
    Network& network;
    Ledger& ledger;
    std::uint64_t& steps;  // counted, so that a world that runs in circles ends
    std::deque<std::string>& tokens_overheard;  // what plain workers were given, by anybody
};

// A machine with a wall clock of its own, which may be wrong and may jump, and which can stop for a
// while: then nothing happens on it, and everything that should have happens afterwards.
class Node {
public:
    explicit Node(Surroundings& surroundings) : surroundings_(surroundings) {}
    virtual ~Node() { *is_alive_ = false; }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    Now now() const;
    void set_wall_right() { wall_offset_ = milliseconds{0}; }
    void jump_wall(Duration by) { wall_offset_ += std::chrono::duration_cast<milliseconds>(by); }
    void stall(Duration length);

protected:
    // One turn of the program's loop.
    virtual void step() = 0;
    virtual std::optional<Instant> next_deadline() const = 0;

    void wake_at(Instant instant);
    void run_step();
    // Plans something that does not happen if this node is gone by then.
    void later(Duration pause, std::function<void()> action);

    Surroundings& surroundings_;

private:
    milliseconds wall_offset_{0};
    Instant stalled_until_{};
    std::optional<Instant> wakes_at_;
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

class BrokerNode : public Node {
public:
    BrokerNode(Surroundings& surroundings, const broker::CoreOptions& options, std::uint32_t epoch);

    const broker::Core& core() const { return core_; }

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override;

private:
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
    void release();
    void transmit(const broker::Peer& peer, const Wire& wire);

    broker::Core core_;
    broker::MemoryJournal journal_;
    broker::Outbox outbox_;
    broker::Effects effects_;
    std::deque<std::pair<Route, Wire>> inbox_;
    std::set<Route> worker_routes_;  // the port a connection came to
    Duration plain_patience_;
    std::map<std::string, Instant> asked_at_;  // plain requests by body: when each last came
    Instant plain_requests_seen_at_{};         // looked at last
    std::map<Route, std::string> tokens_;      // the last that each plain worker was given
};

// How handlers behave, by kind: `ok` succeeds, `fail` always fails, `flaky` fails now and then,
// `slow` takes long, `poison` kills its worker.
class WorkerNode : public Node {
public:
    using Died = std::function<void()>;

    WorkerNode(Surroundings& surroundings, const std::string& name, std::uint32_t slots, Died died);
    ~WorkerNode() override;

    const Route& route() const { return route_; }
    std::string describe() const;
    void set_noticed(bool noticed) { is_noticed_ = noticed; }

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override { return core_.next_deadline(); }

private:
    struct Handed {
        worker::AttemptKey key = 0;
        worker::Assignment assignment;
    };
    struct Running {
        Instant began{};
        bool is_stopped = false;
    };

    void connect();
    void apply(const worker::Event& event);
    void perform();
    void begin_next();
    void note_run(const worker::Assignment& assignment);
    void finish(worker::AttemptKey key, const worker::Assignment& assignment);
    void cancel(worker::AttemptKey key, bool even_if_running);

    worker::Core core_;
    std::uint32_t slots_;
    Died died_;
    Route route_;
    bool is_noticed_ = true;
    worker::Effects effects_;
    std::deque<Wire> inbox_;
    std::deque<worker::Event> events_;
    std::deque<Handed> line_;
    std::map<worker::AttemptKey, Running> running_;
};

// A client that submits wishes in batches, waits for all outcomes, and cancels some.
class ClientNode : public Node {
public:
    ClientNode(Surroundings& surroundings, const std::string& name, std::vector<Wish> wishes);
    ~ClientNode() override;

    const Route& route() const { return route_; }
    std::string describe() const;
    void cancel(const TaskId& id);
    bool is_done() const { return open_.empty() && core_.pending() == 0; }
    std::vector<Wish> unfinished() const;  // what a successor has to ask for again

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override { return core_.next_deadline(); }

private:
    void connect();
    void submit(const std::vector<Wish>& wishes);
    void perform();
    void on(const client::Send& effect);
    void on(const client::Reconnect& effect);
    void on(const client::Answered& effect);
    void on(const client::Failed& effect);
    void on(const client::Notified& effect);
    void on(const client::SessionStarted& effect);
    void on(const client::NotificationsMissed& effect);
    void ask_again();

    client::Core core_;
    Route route_;
    client::Effects effects_;
    std::deque<Wire> inbox_;
    std::map<TaskId, Wish> open_;  // no outcome yet
    std::map<TaskId, bool> accepted_;
    std::map<client::RequestId, std::vector<Wish>> submits_;
    std::map<client::RequestId, TaskId> cancels_;
};

}  // namespace xebec::simulation

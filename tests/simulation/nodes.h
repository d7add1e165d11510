#pragma once
// The programs of a simulated world: the real cores, with shells that live on simulated time.

#include "protocol/plain.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/machine.h"
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

// What users do with tasks that have ended.
struct Habits {
    double retries_dead = 0;  // share of tasks that died
    double asks_again = 0;    // how often a second, for tasks that have ended
};

// What all nodes share.
struct Surroundings {
    Schedule& schedule;
    Dice& dice;
    Network& network;
    Ledger& ledger;
    std::uint64_t& steps;  // counted, so that a world that runs in circles ends
    std::deque<std::string>& tokens_overheard;  // what plain workers were given, by anybody
    Machine& machine;                           // of the broker
    Habits& habits;
};

// A machine with a wall clock of its own, which may be wrong and may jump, and which can stop for a
// while: then nothing happens on it, and everything that should have happens afterwards.
class Node {
public:
    explicit Node(Surroundings& surroundings, const Clocks& clocks = {})
        : surroundings_(surroundings), clocks_(clocks) {}
    virtual ~Node() { *is_alive_ = false; }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    Now now() const;
    const Clocks& clocks() const { return clocks_; }
    void set_wall_right() { clocks_.wall = milliseconds{0}; }
    void jump_wall(Duration by) { clocks_.wall += std::chrono::duration_cast<milliseconds>(by); }
    void stall(Duration length);

protected:
    // One turn of the program's loop.
    virtual void step() = 0;
    virtual std::optional<Instant> next_deadline() const = 0;

    void wake_at(Instant instant);  // of the world's time
    void run_step();
    // Plans something that does not happen if this node is gone by then.
    void later(Duration pause, std::function<void()> action);

    Surroundings& surroundings_;

private:
    Clocks clocks_;
    Instant stalled_until_{};
    std::optional<Instant> wakes_at_;
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

// How handlers behave, by kind: `ok` succeeds, `fail` always fails, `flaky` fails now and then,
// `slow` takes long, `poison` kills its worker.
class WorkerNode : public Node {
public:
    using Died = std::function<void()>;

    // A `late` one serves the kind of that name only, which others do not.
    WorkerNode(Surroundings& surroundings, const std::string& name, std::uint32_t slots,
               bool is_late, Died died);
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
    void send(const protocol::Packet& packet);
    void note_answer(const Header& header, const protocol::Message& message);
    void repeat(const protocol::LeaseRef& lease, const std::string& result);
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

    // Outcomes sent and not yet answered, by correlation; sometimes one is sent again much later.
    struct Outcome {
        protocol::LeaseRef lease;
        bool is_success = false;
        std::string result;
    };
    std::map<std::uint64_t, std::vector<Outcome>> outcomes_;
    std::uint64_t session_ = 0;
    std::uint64_t repeated_ = 0;
};

}  // namespace xebec::simulation

#pragma once
// Programs that know nothing of xebec: clients that only ask and wait, and workers of the Paranoid
// Pirate Protocol, well-behaved and not.

#include "protocol/plain.h"
#include "tests/simulation/nodes.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace xebec::simulation {

// A Lazy Pirate: asks one question after another, asks again on a new connection when it hears
// nothing for a while, and gives up after three tries, unless it is patient.
class PlainClientNode : public Node {
public:
    // `correlates`: it keeps its connection and puts a number in front of the delimiter, as
    // ZMQ_REQ_CORRELATE does.
    PlainClientNode(Surroundings& surroundings, std::string name, int questions, bool correlates);
    ~PlainClientNode() override;

    const Route& route() const { return route_; }
    void be_patient() { is_patient_ = true; }
    bool is_done() const { return asked_ == questions_ && !is_waiting_; }
    std::string describe() const;

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override;

private:
    void connect();
    void ask_next();
    void ask();

    std::string name_;
    int questions_;
    bool correlates_;
    Route route_;
    bool is_connected_ = false;
    bool is_patient_ = false;
    int asked_ = 0;
    int tries_ = 0;
    std::uint32_t correlation_ = 0;
    bool is_waiting_ = false;
    Instant waits_until_{};
    Instant asks_next_at_{};
    std::string body_;
    std::deque<Wire> inbox_;
};

// How a plain worker misbehaves, as probabilities.
struct Manners {
    double heartbeats_while_busy = 0;  // each second
    double ready_while_busy = 0;       // each second
    double lies = 0;                   // with an address that is not the one under way
    double repeats = 0;                // says its answer twice
    double rambles = 0;                // answers with two frames
    double takes_long = 0;             // works for seconds
    double dawdles = 0;                // works for longer than a short lease, if the work is hard
};

// One thread: while it works it reads nothing.
class PlainWorkerNode : public Node {
public:
    // `identity`: the routing id it asks for; empty: the broker's side makes one.
    PlainWorkerNode(Surroundings& surroundings, protocol::PlainDialect dialect, Route identity,
                    const Manners& manners);
    ~PlainWorkerNode() override;

    const Route& route() const { return route_; }
    void set_noticed(bool noticed) { is_noticed_ = noticed; }
    void behave() { manners_ = {}; }
    std::string describe() const;

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override;

private:
    void connect();
    void take(const Wire& wire);
    void begin(const Wire& request);
    void finish();
    void lie();
    void fidget();
    void send(std::vector<std::string> frames);
    void say(bool is_ready);

    protocol::PlainDialect dialect_;
    Route identity_;
    Manners manners_;
    Route route_;
    bool is_noticed_ = true;
    std::deque<Wire> inbox_;
    std::optional<Wire> working_;  // the request
    Instant finishes_at_{};
    Instant fidgets_at_{};
    Instant heartbeat_at_{};
    Instant gives_up_at_{};  // on a broker that it does not hear
    std::optional<Instant> connects_at_;
};

}  // namespace xebec::simulation

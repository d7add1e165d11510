#pragma once
// What the tests are made of: a broker, workers and a load, and the middle one of several runs.

#include "tools/bench/options.h"
#include "tools/bench/peers.h"
#include "tools/bench/processes.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace xebec::bench {

// How a test is meant where the options do not say.
struct Defaults {
    std::uint64_t count = 1'000'000;
    std::uint64_t batch = 256;
    std::uint64_t window = 16;
    std::uint64_t warm_up = 0;  // 0: a tenth of the count
};

Load load_of(const Options& options, const Defaults& defaults);

// Where what is compared differs little, or from run to run: whether two threads share a processor
// moves a latency by a half.
constexpr std::uint64_t compared_runs = 5;
constexpr std::uint64_t beside_runs = 9;
constexpr std::uint64_t latency_runs = 9;
std::uint64_t runs_of(const Options& options, std::uint64_t usual = 3);

// After so many a broker does what it does for good: retention is full, tombstones go, and the
// journal's files are used again.
constexpr std::uint64_t tasks_until_steady = 2'000'000;
// That, or as many as are measured where the options say how many.
Load load_until_steady(const Options& options);

// Tasks that nobody serves, a tenth of them before the measuring begins.
Load waiting_load(const Options& options, const Defaults& defaults);

BrokerOptions broker_options(const Options& options);

// Submits the load in a process of its own. Throws std::runtime_error if a result was wrong.
Measured submit_to(const BrokerProcess& broker, const Load& load);

Figures figures_of(const BrokerProcess& broker);
double worst_step_ms(const BrokerProcess& broker);

// Workers of a kind, for as long as this lives.
class Workers {
public:
    Workers(const BrokerProcess& broker, std::uint64_t count, const std::string& kind = "bench");

private:
    std::deque<Child> children_;
};

using Run = std::function<Measured()>;
using Value = std::function<double(const Measured&)>;

double rate(const Measured& measured);
double p50_us(const Measured& measured);

// Kinds of runs that took turns, so that what else the machine does strikes all of them.
class Turns {
public:
    // Every other turn begins with the last kind: none always comes behind the same one.
    Turns(std::uint64_t runs, const std::vector<Run>& kinds, Value value);

    // Of that kind the run in the middle, by value.
    Measured middle(std::size_t kind) const;
    double value(std::size_t kind) const { return value_(middle(kind)); }
    // The middle one of the ratios of their values within a turn.
    double ratio(std::size_t kind, std::size_t to) const;

private:
    Value value_;
    std::vector<std::vector<Measured>> turns_;
};
Measured median(std::uint64_t runs, const Run& run, const Value& value);

}  // namespace xebec::bench

#include "tools/bench/runs.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace xebec::bench {

namespace {

Measured checked(const Measured& measured) {
    if (measured.wrong > 0) {
        throw std::runtime_error(std::to_string(measured.wrong) + " results were wrong");
    }
    return measured;
}

}  // namespace

Load load_of(const Options& options, const Defaults& defaults) {
    const std::uint64_t count = options.count > 0 ? options.count : defaults.count;
    const std::uint64_t tenth = std::max<std::uint64_t>(count / 10, 1);
    const bool is_usual = options.count == 0 && defaults.warm_up > 0;
    return {.count = count,
            .warm_up = options.warm_up.value_or(is_usual ? defaults.warm_up : tenth),
            .batch = options.batch > 0 ? options.batch : defaults.batch,
            .window = options.window > 0 ? options.window : defaults.window,
            .payload = options.payload};
}

std::uint64_t runs_of(const Options& options, std::uint64_t usual) {
    return options.runs > 0 ? options.runs : usual;
}

Load load_until_steady(const Options& options) {
    Load load = load_of(options, {});
    load.count = options.count > 0 ? options.count : tasks_until_steady;
    return load;
}

Load waiting_load(const Options& options, const Defaults& defaults) {
    return {.count = defaults.count - defaults.count / 10,
            .warm_up = defaults.count / 10,
            .batch = defaults.batch,
            .window = defaults.window,
            .payload = options.payload,
            .kind = "nobody-serves",
            .queue = "waiting",
            .waits = false};
}

BrokerOptions broker_options(const Options& options) {
    // In memory alone, none of these tests is to be refused for want of it.
    const bool is_in_memory = options.durability.empty() || options.durability == "none";
    return {.program = options.broker.empty() ? sibling("xebec-broker") : options.broker,
            .durability = is_in_memory ? "none" : options.durability,
            .memory = options.memory.empty() && is_in_memory ? "64GiB" : options.memory,
            .parent = options.data};
}

Measured submit_to(const BrokerProcess& broker, const Load& load) {
    const SharedBoard board;
    Child client([&] { run_client(*board, broker.clients(), load); });
    client.join();
    return checked(board->measured);
}

Figures figures_of(const BrokerProcess& broker) {
    const SharedBoard board;
    Child client([&] { ask_figures(*board, broker.clients()); });
    client.join();
    return board->figures;
}

double worst_step_ms(const BrokerProcess& broker) {
    return static_cast<double>(figures_of(broker).step_max_us) / 1e3;
}

Workers::Workers(const BrokerProcess& broker, std::uint64_t count, const std::string& kind) {
    for (std::uint64_t i = 0; i < count; ++i) {
        children_.emplace_back([&] { run_worker(broker.workers(), kind); });
    }
}

double rate(const Measured& measured) {
    return static_cast<double>(measured.tasks) / measured.seconds;
}

double p50_us(const Measured& measured) {
    return measured.p50_us;
}

Turns::Turns(std::uint64_t runs, const std::vector<Run>& kinds, Value value)
    : value_(std::move(value)) {
    for (std::uint64_t i = 0; i < runs; ++i) {
        std::vector<Measured>& turn = turns_.emplace_back(kinds.size());
        for (std::size_t k = 0; k < kinds.size(); ++k) {
            const std::size_t kind = i % 2 == 0 ? k : kinds.size() - 1 - k;
            turn[kind] = checked(kinds[kind]());
        }
    }
}

Measured Turns::middle(std::size_t kind) const {
    std::vector<Measured> of_kind;
    for (const std::vector<Measured>& turn : turns_) {
        of_kind.push_back(turn[kind]);
    }
    std::sort(of_kind.begin(), of_kind.end(),
              [&](const Measured& a, const Measured& b) { return value_(a) < value_(b); });
    return of_kind[of_kind.size() / 2];
}

double Turns::ratio(std::size_t kind, std::size_t to) const {
    std::vector<double> ratios;
    for (const std::vector<Measured>& turn : turns_) {
        ratios.push_back(value_(turn[kind]) / value_(turn[to]));
    }
    std::sort(ratios.begin(), ratios.end());
    return ratios[ratios.size() / 2];
}

Measured median(std::uint64_t runs, const Run& run, const Value& value) {
    return Turns(runs, {run}, value).middle(0);
}

}  // namespace xebec::bench

#include "tools/bench/tests.h"

#include "runtime/clock.h"
#include "tools/bench/dashboard.h"
#include "tools/bench/disk.h"
#include "tools/bench/floods.h"
#include "tools/bench/forward.h"
#include "tools/bench/journal_tests.h"
#include "tools/bench/page_tests.h"
#include "tools/bench/peers.h"
#include "tools/bench/processes.h"
#include "tools/bench/runs.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace xebec::bench {

using std::chrono::seconds;

namespace {

Measured forward(const Load& load, Forwarding forwarding) {
    const SharedBoard board;
    const Child broker([&] { run_forwarder(*board, forwarding); });
    const Child worker([&] { run_forward_worker(*board); });
    Child client([&] {
        run_forward_client(*board, {.count = load.count,
                                    .warm_up = load.warm_up,
                                    .batch = load.batch,
                                    .window = load.window,
                                    .payload = load.payload});
    });
    client.join();
    return board->measured;
}

Measured through_broker(const Options& options, const Load& load) {
    const BrokerProcess broker(broker_options(options));
    const Workers workers(broker, options.workers);
    return submit_to(broker, load);
}

bool has_journal(const Options& options) {
    return broker_options(options).durability != "none";
}

Options without_journal(Options options) {
    options.durability = "none";
    return options;
}

Report throughput(const Options& options, const Defaults& defaults) {
    const Load load = load_of(options, defaults);
    Duration cpu{};
    double worst = 0;
    std::vector<Run> kinds{[&] { return forward(load, Forwarding::only); },
                           [&] { return forward(load, Forwarding::unpack); },
                           [&] {
                               const BrokerProcess broker(broker_options(options));
                               const Workers workers(broker, options.workers);
                               const Measured measured = submit_to(broker, load);
                               cpu = broker.cpu();
                               worst = std::max(worst, worst_step_ms(broker));
                               return measured;
                           }};
    if (has_journal(options)) {
        kinds.emplace_back([&] { return through_broker(without_journal(options), load); });
    }
    const Turns turns(runs_of(options, compared_runs), kinds, rate);
    Report report{.tasks_per_second = turns.value(2),
                  .forward_tasks_per_second = turns.value(0),
                  .limit_tasks_per_second = turns.value(1),
                  .ratio = turns.ratio(2, 1),
                  .worst_step_ms = worst,
                  .broker_cpu_us_per_task = std::chrono::duration<double, std::micro>(cpu).count() /
                                            static_cast<double>(load.count + load.warm_up)};
    if (has_journal(options)) {
        report.none_tasks_per_second = turns.value(3);
        report.ratio_none = turns.ratio(2, 3);
    }
    return report;
}

Report end_to_end(const Options& options) {
    return throughput(options, {.warm_up = tasks_until_steady});
}

Report single(const Options& options) {
    return throughput(options, {.count = 300'000, .batch = 1, .window = 1'000});
}

// A flush as one of the runs of a test, in a folder beside the broker's.
Measured flush(const Options& options) {
    const TemporaryFolder folder(options.data);
    return {.p50_us = measure_flush_p50_us(folder.path())};
}

Report latency(const Options& options) {
    const Load load = load_of(options, {.count = 10'000, .batch = 1, .window = 1});
    std::vector<Run> kinds{[&] { return forward(load, Forwarding::only); },
                           [&] { return through_broker(options, load); }};
    if (has_journal(options)) {
        kinds.emplace_back([&] { return through_broker(without_journal(options), load); });
        kinds.emplace_back([&] { return flush(options); });
    }
    const Turns turns(runs_of(options, latency_runs), kinds, p50_us);
    const Measured here = turns.middle(1);
    Report report{.p50_us = here.p50_us,
                  .p99_us = here.p99_us,
                  .p999_us = here.p999_us,
                  .limit_p50_us = turns.value(0),
                  .ratio_p50 = turns.ratio(1, 0)};
    if (has_journal(options)) {
        report.none_p50_us = turns.value(2);
        report.flush_p50_us = turns.value(3);
        report.allowed_p50_us = turns.value(2) + 2 * turns.value(3);
    }
    return report;
}

Report submit(const Options& options) {
    Load load = load_of(options, {});
    load.waits = false;
    double worst = 0;
    const Measured here = median(
        runs_of(options),
        [&] {
            const BrokerProcess broker(broker_options(options));
            const Measured measured = submit_to(broker, load);
            worst = std::max(worst, worst_step_ms(broker));
            return measured;
        },
        rate);
    return {.tasks_per_second = rate(here), .worst_step_ms = worst};
}

// All wait already when the first worker comes; the last is waited for.
Report drain(const Options& options) {
    Load load = load_of(options, {});
    load.waits = false;
    const Measured here = median(
        runs_of(options),
        [&] {
            const BrokerProcess broker(broker_options(options));
            submit_to(broker, load);
            const Workers workers(broker, options.workers);
            const Instant began = runtime::now().steady;
            Load last = load;
            last.count = 1;
            last.warm_up = 1;
            last.batch = 1;
            last.window = 1;
            last.waits = true;
            const Measured end = submit_to(broker, last);
            return Measured{
                .seconds = std::chrono::duration<double>(runtime::now().steady - began).count(),
                .tasks = load.count + load.warm_up + 2,
                .wrong = end.wrong};
        },
        rate);
    return {.tasks_per_second = rate(here)};
}

Report memory(const Options& options) {
    const std::uint64_t count = options.waiting > 0 ? options.waiting : 1'000'000;
    const BrokerProcess broker(broker_options(options));
    const std::uint64_t before = broker.memory_octets();
    submit_to(broker, waiting_load(options, {.count = count}));
    const std::uint64_t after = broker.memory_octets();
    return {.octets_per_task = static_cast<double>(after - before) / static_cast<double>(count)};
}

// Two brokers, each with as many waiting tasks, and loads for one and the other.
Report backlog(const Options& options) {
    struct Side {
        Side(const Options& options, std::uint64_t waiting) : broker(broker_options(options)) {
            submit_to(broker, waiting_load(options, {.count = waiting}));
            workers.emplace(broker, options.workers);
            submit_to(broker, load_until_steady(options));
        }
        BrokerProcess broker;
        std::optional<Workers> workers;
    };
    const Load load = load_of(options, {});
    const Side few(options, 10'000);
    const Side many(options, options.waiting > 0 ? options.waiting : 10'000'000);
    const Turns turns(
        runs_of(options, compared_runs),
        {[&] { return submit_to(few.broker, load); }, [&] { return submit_to(many.broker, load); }},
        rate);
    return {.tasks_per_second = turns.value(1),
            .memory_mib = in_mib(many.broker.memory_octets()),
            .memory_max_mib = in_mib(many.broker.memory_octets_max()),
            .worst_step_ms = std::max(worst_step_ms(few.broker), worst_step_ms(many.broker)),
            .other_tasks_per_second = turns.value(0),
            .ratio_other = turns.ratio(1, 0),
            .other = "behind 10,000"};
}

// The rate with what `start` returns, for as long as that lives, to the rate without, at the same
// broker and in turns; each load after a rest, in which company settles.
template <class Start>
Report rate_beside(const Options& options, std::string_view other, Start start) {
    const Load load = load_of(options, {});
    const BrokerProcess broker(broker_options(options));
    const Workers workers(broker, options.workers);
    submit_to(broker, load_until_steady(options));
    const auto load_after_rest = [&] {
        sleep_for(seconds{1});
        return submit_to(broker, load);
    };
    const Turns turns(runs_of(options, beside_runs),
                      {load_after_rest,
                       [&] {
                           const auto company = start(broker);
                           return load_after_rest();
                       }},
                      rate);
    return {.tasks_per_second = turns.value(1),
            .other_tasks_per_second = turns.value(0),
            .ratio_other = turns.ratio(1, 0),
            .other = other};
}

double cpu_percent(const BrokerProcess& broker, Duration watched) {
    const Duration before = broker.cpu();
    sleep_for(watched);
    return 100.0 * std::chrono::duration<double>(broker.cpu() - before).count() /
           std::chrono::duration<double>(watched).count();
}

Report workers(const Options& options) {
    std::optional<double> percent;
    const SharedBoard board;
    Report report = rate_beside(options, "without them", [&](const BrokerProcess& broker) {
        board->is_done = false;
        auto idle = std::make_unique<Child>(
            [&] { run_idle_workers(*board, broker.workers(), options.idle_workers); });
        while (!board->is_done) {
            check_children();
            sleep_for(std::chrono::milliseconds{10});
        }
        percent = percent ? percent : cpu_percent(broker, seconds{5});
        return idle;
    });
    report.broker_cpu_percent = percent;
    return report;
}

Report idle(const Options& options) {
    const BrokerProcess broker(broker_options(options));
    const SharedBoard board;
    const Child workers([&] { run_idle_workers(*board, broker.workers(), 4); });
    sleep_for(seconds{1});
    return {.broker_cpu_percent = cpu_percent(broker, seconds{10})};
}

Report watched(const Options& options, std::size_t monitors, bool figures) {
    return rate_beside(options, "without monitors", [&](const BrokerProcess& broker) {
        std::vector<std::string> arguments{sibling("xebec-monitor"), "--broker", broker.clients(),
                                           "--updates", broker.updates()};
        if (figures) {
            arguments.emplace_back("--stats");
        }
        auto programs = std::make_unique<std::deque<Background>>();
        for (std::size_t i = 0; i < monitors; ++i) {
            programs->emplace_back(arguments);
        }
        return programs;
    });
}

Report updates(const Options& options) {
    return watched(options, 1, false);
}

Report updates_stats(const Options& options) {
    return watched(options, 10, true);
}

Report updates_web(const Options& options) {
    return rate_beside(options, "without it", [](const BrokerProcess& broker) {
        return std::make_unique<OpenDashboard>(broker);
    });
}

// A peer that floods only gets what processor time is left over, as if it ran elsewhere.
template <void (*flood)(const Endpoints&)>
Report flooded(const Options& options) {
    return rate_beside(options, "without it", [](const BrokerProcess& broker) {
        return std::make_unique<Child>([&broker] {
            constexpr int last_in_line = 19;
            runtime::let_others_go_first(last_in_line);
            flood({broker.clients(), broker.workers(), broker.updates()});
        });
    });
}

constexpr std::array<Test, 24> tests{{
    {"end-to-end", "submit, run, result back: 256 tasks to a message, 16 in flight", end_to_end},
    {"single", "the same, one task to a message, 1,000 in flight", single},
    {"latency", "one task in flight", latency},
    {"submit", "until the broker has accepted", submit},
    {"drain", "workers come to a full queue", drain},
    {"memory", "octets of broker memory per waiting task", memory},
    {"backlog", "end-to-end while ten million wait, to that while ten thousand do", backlog},
    {"start", "until a killed broker is ready again, with a million tasks on the disk", start},
    {"disk", "how large the journal gets while most tasks are stuck", disk},
    {"workers", "end-to-end among 1,000 idle workers, to that without", workers},
    {"idle", "what a broker with four idle workers takes", idle},
    {"updates", "end-to-end with a line-mode monitor, to that without", updates},
    {"updates-stats", "end-to-end with ten monitors of figures, to that without", updates_stats},
    {"updates-web", "end-to-end with the dashboard open in a browser, to that without",
     updates_web},
    {"pages", "what the dashboard asks for, and one task in flight, while ten million wait", pages},
    {"soak", "the monitor's memory, minute by minute, while tasks flow and the dashboard is open",
     soak},
    {"flood-hellos", "end-to-end beside a flood of hellos, to that without", flooded<flood_hellos>},
    {"flood-heartbeats", "end-to-end beside a flood of heartbeats of no session, to that without",
     flooded<flood_heartbeats>},
    {"flood-empty-frames",
     "end-to-end beside a flood of messages of 30 empty frames, to that without",
     flooded<flood_empty_frames>},
    {"flood-noise", "end-to-end beside a flood of messages that are none, to that without",
     flooded<flood_noise>},
    {"flood-subscriptions",
     "end-to-end beside a flood of subscriptions that come and go, to that without",
     flooded<flood_subscriptions>},
    {"flood-lists",
     "end-to-end beside a flood of lists of tasks that nobody reads, to that without",
     flooded<flood_lists>},
    {"flood-connections",
     "end-to-end beside a flood of connections that come and go, to that without",
     flooded<flood_connections>},
    {"flood-submits",
     "end-to-end beside a flood of tasks that nobody runs, one to a message, to that without",
     flooded<flood_submits>},
}};

}  // namespace

std::span<const Test> all_tests() {
    return tests;
}

}  // namespace xebec::bench

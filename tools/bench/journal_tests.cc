#include "tools/bench/journal_tests.h"

#include "broker/journal/format.h"
#include "runtime/clock.h"
#include "tools/bench/record_sizes.h"
#include "tools/bench/runs.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

namespace xebec::bench {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Options with_journal(Options options) {
    if (options.durability == "none") {
        throw std::runtime_error("there is no journal to measure with --durability none");
    }
    options.durability = options.durability.empty() ? "sync" : options.durability;
    return options;
}

double in_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void finish_tasks(const BrokerProcess& broker, const Options& options, const Defaults& defaults) {
    const Workers workers(broker, options.workers);
    Load load = waiting_load(options, defaults);
    load.kind = "bench";
    load.waits = true;
    submit_to(broker, load);
}

std::uint64_t waiting_in(const Figures& figures) {
    return figures.tasks.at(static_cast<std::size_t>(TaskState::ready));
}

}  // namespace

Report start(const Options& given) {
    const Options options = with_journal(given);
    const Defaults defaults{.count = options.waiting > 0 ? options.waiting : 1'000'000,
                            .batch = options.batch > 0 ? options.batch : 4'000,
                            .window = options.window > 0 ? options.window : 8};
    BrokerProcess broker(broker_options(options));
    if (options.finished) {
        finish_tasks(broker, options, defaults);
    } else {
        submit_to(broker, waiting_load(options, defaults));
    }
    Report report{.journal_mib = in_mib(octets_of_files(broker.journal()))};
    std::vector<double> took_s;
    for (std::uint64_t i = 0; i < runs_of(options); ++i) {
        broker.kill();
        drop_cached(broker.journal());
        took_s.push_back(in_seconds(broker.start()));
        report.read_mib = in_mib(broker.read_octets());
        report.memory_mib = in_mib(broker.memory_octets());
        if (!options.finished && waiting_in(figures_of(broker)) != defaults.count) {
            throw std::runtime_error("tasks that waited are not there after a start");
        }
    }
    std::sort(took_s.begin(), took_s.end());
    report.start_s = took_s[took_s.size() / 2];
    return report;
}

namespace {

// Submits the load again and again until it is killed.
void run_client_for_ever(Board& board, const std::string& endpoint, const Load& load) {
    while (true) {
        run_client(board, endpoint, load);
        if (board.measured.wrong > 0) {
            throw std::runtime_error("results were wrong");
        }
    }
}

// Looks at the journal's folder until `end`, and keeps the largest size.
void watch_size(const std::filesystem::path& journal, Instant end, std::uint64_t& octets_max) {
    constexpr milliseconds pause{20};
    do {
        octets_max = std::max(octets_max, octets_of_files(journal));
        sleep_for(pause);
    } while (runtime::now().steady < end);
}

}  // namespace

// What has ended is soon removed, so that nearly all live tasks are stuck; a load with more in
// flight ends more in a step than a step removes.
Report disk(const Options& given) {
    const Options options = with_journal(given);
    const std::uint64_t stuck = options.waiting > 0 ? options.waiting : 1'000'000;
    const Load flow = load_of(options, {});
    const Load waiting = waiting_load(options, {.count = stuck});
    const RecordSizes sizes(flow, waiting);

    const BrokerProcess broker(broker_options(options));
    Child setting([&] { set_retention(broker.clients(), flow.queue, milliseconds{100}); });
    setting.join();
    submit_to(broker, waiting);
    const Figures before = figures_of(broker);
    const std::uint64_t written_before = broker.written_octets();
    const auto device_before = device_written_octets(broker.journal());
    const Instant began = runtime::now().steady;
    const Instant end = began + seconds{options.seconds};

    const Workers workers(broker, options.workers);
    const SharedBoard board;
    const Child client([&] { run_client_for_ever(*board, broker.clients(), flow); });
    Report report;
    Figures now = before;
    std::uint64_t octets_max = 0;
    while (runtime::now().steady < end) {
        // While tasks flow there is no instant of which both size and figures could be had: those
        // at the end of a second stand for all of it.
        std::uint64_t octets = 0;
        watch_size(broker.journal(), runtime::now().steady + seconds{1}, octets);
        now = figures_of(broker);
        octets_max = std::max(octets_max, octets);
        const std::uint64_t live = sizes.of_live_records(now);
        const std::uint64_t allowed = 2 * live + 2 * broker::journal::segment_octets_default;
        const double ratio = static_cast<double>(octets) / static_cast<double>(allowed);
        if (ratio > report.ratio_allowed.value_or(0)) {
            report.ratio_allowed = ratio;
            report.live_mib = in_mib(live);
            report.allowed_mib = in_mib(allowed);
        }
    }
    const std::uint64_t written = broker.written_octets() - written_before;
    const auto device = device_written_octets(broker.journal());
    const Duration took = runtime::now().steady - began;
    report.tasks_per_second =
        static_cast<double>(now.succeeded - before.succeeded) / in_seconds(took);
    report.journal_mib = in_mib(octets_max);
    const auto records = static_cast<double>(sizes.of_new_records(before, now));
    if (device && device_before) {
        report.written_ratio = static_cast<double>(*device - *device_before) / records;
    }
    report.written_ratio_process = static_cast<double>(written) / records;
    report.stuck_ratio =
        static_cast<double>(stuck) /
        static_cast<double>(std::accumulate(now.tasks.begin(), now.tasks.end(), std::uint64_t{0}));
    report.memory_max_mib = in_mib(broker.memory_octets_max());
    report.worst_step_ms = static_cast<double>(now.step_max_us) / 1e3;
    return report;
}

}  // namespace xebec::bench

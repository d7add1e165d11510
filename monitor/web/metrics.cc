#include "monitor/web/metrics.h"

#include "protocol/histogram.h"

#include <xebec/task.h>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace xebec::monitor::web {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

namespace {

constexpr double us_per_second = 1e6;
constexpr double ms_per_second = 1e3;
constexpr double permille_per_one = 1e3;

// Of the histograms. About three to a decade up to ten seconds; beyond, those that people say.
constexpr std::array<std::uint64_t, 22> bounds_us{
    100,         250,         500,           1'000,        2'500,      5'000,
    10'000,      25'000,      50'000,        100'000,      250'000,    500'000,
    1'000'000,   2'500'000,   5'000'000,     10'000'000,   30'000'000, 60'000'000,
    300'000'000, 600'000'000, 1'800'000'000, 3'600'000'000};

// Exact up to 2^53, as is every double.
template <class Number>
double number(Number value) {
    return static_cast<double>(value);
}

// The metrics under one name.
class Family {
public:
    Family(MetricType type, std::string name, std::string help)
        : family_{.name = std::move(name), .help = std::move(help), .type = type} {}

    void add(Labels labels, double value) {
        ClientMetric& metric = add(std::move(labels));
        (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    }
    void add(Labels labels, ClientMetric::Histogram value) {
        add(std::move(labels)).histogram = std::move(value);
    }

    MetricFamily take() { return std::move(family_); }

private:
    ClientMetric& add(Labels labels) {
        ClientMetric& metric = family_.metric.emplace_back();
        metric.label = std::move(labels);
        return metric;
    }

    MetricFamily family_;
};

Family gauge(std::string name, std::string help) {
    return {MetricType::Gauge, std::move(name), std::move(help)};
}

Family counter(std::string name, std::string help) {
    return {MetricType::Counter, std::move(name), std::move(help)};
}

Family histogram(std::string name, std::string help) {
    return {MetricType::Histogram, std::move(name), std::move(help)};
}

// All families, in the order in which they are shown.
class Metrics {
public:
    void add(Family family) { families_.push_back(family.take()); }

    template <class Number>
    void add(Family family, Number value) {
        family.add({}, number(value));
        add(std::move(family));
    }

    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    std::vector<MetricFamily> families_;
};

ClientMetric::Label state_label(TaskState state) {
    return {"state", std::string(to_string(state))};
}

// One metric for each state, after the given labels.
void add_by_state(Family& family, const Labels& labels, const std::vector<std::uint64_t>& tasks) {
    for (std::size_t i = 0; i < task_state_count; ++i) {
        Labels all = labels;
        all.push_back(state_label(static_cast<TaskState>(i)));
        family.add(std::move(all), number(i < tasks.size() ? tasks[i] : 0));
    }
}

// ---- the whole ----

void add_broker(Metrics& metrics, const Picture& picture) {
    metrics.add(gauge("xebec_start_time_seconds",
                      "When the broker started, in seconds since 1970, by its own clock."),
                number(picture.started_at.time_since_epoch().count()) / ms_per_second);
    metrics.add(gauge("xebec_boot_epoch",
                      "The number of this run of the broker: it grows with every start."),
                picture.epoch);
    metrics.add(gauge("xebec_longest_step_seconds",
                      "The longest that one step of the broker has taken since it started."),
                number(picture.step_max_us) / us_per_second);
}

void add_sizes(Metrics& metrics, const protocol::Sizes& sizes) {
    Family tasks = gauge("xebec_tasks", "Tasks that the broker holds, by state.");
    add_by_state(tasks, {}, sizes.tasks);
    metrics.add(std::move(tasks));
    metrics.add(gauge("xebec_task_bytes", "Payloads and results that the broker holds."),
                sizes.task_octets);
    metrics.add(gauge("xebec_workers", "Workers that are connected."), sizes.workers);
    metrics.add(gauge("xebec_slots", "Tasks that the workers can run at the same time."),
                sizes.slots);
    metrics.add(gauge("xebec_slots_busy", "Slots that have a task."), sizes.slots_busy);
    metrics.add(gauge("xebec_sessions", "Peers that are connected: workers, clients, monitors."),
                sizes.sessions);
}

void add_totals(Metrics& metrics, const protocol::Totals& totals) {
    metrics.add(counter("xebec_tasks_submitted_total", "Tasks that were accepted."),
                totals.submitted);
    Family finished = counter("xebec_tasks_finished_total",
                              "Tasks that came to an end, by the state in which they did.");
    finished.add({state_label(TaskState::succeeded)}, number(totals.succeeded));
    finished.add({state_label(TaskState::dead)}, number(totals.dead));
    finished.add({state_label(TaskState::cancelled)}, number(totals.cancelled));
    finished.add({state_label(TaskState::expired)}, number(totals.expired));
    metrics.add(std::move(finished));
    metrics.add(counter("xebec_tasks_retried_total", "Dead tasks that an operator tried again."),
                totals.retried);
    metrics.add(counter("xebec_tasks_removed_total",
                        "Finished tasks that are no longer kept: their retention ended."),
                totals.removed);
    metrics.add(counter("xebec_attempts_failed_total", "Attempts that failed."), totals.failed);
    metrics.add(counter("xebec_leases_given_total", "Attempts that were given to a worker."),
                totals.assigned);
    metrics.add(counter("xebec_leases_returned_total",
                        "Leases that ended without an outcome: the task went back to its queue."),
                totals.returned);
    metrics.add(counter("xebec_outcomes_stale_total",
                        "Outcomes that were refused because the worker's lease was over."),
                totals.stale);
    metrics.add(counter("xebec_workers_lost_total",
                        "Workers that went silent or broke off without saying goodbye."),
                totals.workers_lost);
    metrics.add(counter("xebec_requests_refused_total", "Requests, or parts of one, refused."),
                totals.refused);
    metrics.add(
        counter("xebec_messages_malformed_total", "Messages that do not keep to the protocol."),
        totals.malformed);
}

void add_resources(Metrics& metrics, const protocol::BrokerResources& resources) {
    metrics.add(gauge("xebec_read_only", "1 while the broker accepts no tasks: its disk is full."),
                resources.is_read_only);
    metrics.add(gauge("xebec_broker_resident_bytes", "Memory that the broker's process uses."),
                resources.resident_octets);
    metrics.add(gauge("xebec_broker_cpu_ratio",
                      "What the broker's process uses of one processor core, lately; 1 is all."),
                resources.cpu_permille / permille_per_one);
    metrics.add(gauge("xebec_task_max_bytes", "What tasks may take of the broker's memory."),
                resources.memory_octets_max);
    metrics.add(gauge("xebec_journal_bytes", "The journal's files."), resources.journal_octets);
    metrics.add(gauge("xebec_disk_free_bytes", "Room on the disk of the broker's data folder."),
                resources.disk_free);
    metrics.add(gauge("xebec_disk_size_bytes", "The disk of the broker's data folder."),
                resources.disk_total);
}

// ---- queues ----

// Those that `is_before` puts first, if there are more than `max`.
template <class Item, class Before>
void keep_most(std::vector<const Item*>& items, std::size_t max, const Before& is_before) {
    if (items.size() > max) {
        std::stable_sort(items.begin(), items.end(), is_before);
        items.resize(max);
    }
}

void add_queues(Metrics& metrics, const std::vector<QueueFacts>& all) {
    Family tasks = gauge("xebec_queue_tasks", "Tasks of the queue, by state.");
    Family paused = gauge("xebec_queue_paused",
                          "1 while the queue is paused: none of its tasks is given to a worker.");
    Family oldest = gauge("xebec_queue_oldest_wait_seconds",
                          "For how long the oldest of the queue's ready tasks has been ready.");
    Family unserved = gauge("xebec_queue_unserved_kinds",
                            "Kinds that have ready tasks in the queue and no worker for them.");
    std::vector<const QueueFacts*> queues;
    for (const QueueFacts& queue : all) {
        queues.push_back(&queue);
    }
    keep_most(queues, metrics_queues_max,
              [](const auto* a, const auto* b) { return a->ready > b->ready; });
    for (const QueueFacts* queue : queues) {
        const Labels labels{{"queue", queue->name}};
        add_by_state(tasks, labels, queue->tasks);
        paused.add(labels, number(queue->is_paused));
        oldest.add(labels, number(queue->ready > 0 ? queue->oldest_wait_ms : 0) / ms_per_second);
        unserved.add(labels, number(queue->unserved_kinds.size()));
    }
    metrics.add(gauge("xebec_queues", "Queues that there are."), all.size());
    metrics.add(gauge("xebec_queues_left_out",
                      "Queues that have no metrics here, because there are too many."),
                all.size() - queues.size());
    metrics.add(std::move(tasks));
    metrics.add(std::move(paused));
    metrics.add(std::move(oldest));
    metrics.add(std::move(unserved));
}

// ---- lanes ----

std::uint64_t end_us(std::uint64_t bucket) {
    return static_cast<std::uint64_t>(
        Histogram::bucket_end(static_cast<std::size_t>(bucket)).count());
}

// A duration is counted under the first bound below which its own bucket lies as a whole.
ClientMetric::Histogram shown(const Histogram& durations) {
    const std::vector<std::uint64_t> sparse = durations.to_sparse();
    ClientMetric::Histogram shown;
    std::size_t next = 0;
    for (const std::uint64_t bound : bounds_us) {
        for (; next < sparse.size() && end_us(sparse[next]) <= bound; next += 2) {
            shown.sample_count += sparse[next + 1];
        }
        shown.bucket.push_back({shown.sample_count, number(bound) / us_per_second});
    }
    shown.sample_count = durations.count();
    for (std::size_t i = 0; i < sparse.size(); i += 2) {
        shown.sample_sum += number(end_us(sparse[i])) / us_per_second * number(sparse[i + 1]);
    }
    return shown;
}

constexpr const char* sum_is_estimated =
    " The sum is computed from the ends of narrow buckets: it is up to an eighth too large.";

struct LaneFamilies {
    Family tasks =
        gauge("xebec_lane_tasks", "Tasks of one queue and kind that are ready or leased.");
    Family created = counter("xebec_lane_tasks_created_total",
                             "Tasks of one queue and kind that were accepted.");
    Family succeeded =
        counter("xebec_lane_tasks_succeeded_total", "Tasks of one queue and kind that succeeded.");
    Family failed = counter("xebec_lane_attempts_failed_total",
                            "Attempts at tasks of one queue and kind that failed.");
    Family wait = histogram(
        "xebec_lane_wait_seconds",
        std::string("How long tasks were ready before a worker got them.") + sum_is_estimated);
    Family run = histogram(
        "xebec_lane_run_seconds",
        std::string("How long attempts ran, as their workers measured it.") + sum_is_estimated);

    void add(const LaneName& name, const Lane& lane) {
        const Labels labels{{"queue", name.queue}, {"kind", name.kind}};
        const auto with = [&labels](TaskState state) {
            Labels all = labels;
            all.push_back(state_label(state));
            return all;
        };
        tasks.add(with(TaskState::ready), number(lane.ready));
        tasks.add(with(TaskState::leased), number(lane.leased));
        created.add(labels, number(lane.created));
        succeeded.add(labels, number(lane.succeeded));
        failed.add(labels, number(lane.failed));
        wait.add(labels, shown(lane.wait));
        run.add(labels, shown(lane.run));
    }
};

void add_lanes(Metrics& metrics, const std::map<LaneName, Lane>& all) {
    using Entry = std::map<LaneName, Lane>::value_type;
    std::vector<const Entry*> lanes;
    for (const Entry& lane : all) {
        lanes.push_back(&lane);
    }
    keep_most(lanes, metrics_lanes_max,
              [](const Entry* a, const Entry* b) { return a->second.created > b->second.created; });
    LaneFamilies families;
    for (const Entry* lane : lanes) {
        families.add(lane->first, lane->second);
    }
    metrics.add(gauge("xebec_lanes", "Pairs of a queue and a kind that there are."), all.size());
    metrics.add(gauge("xebec_lanes_left_out",
                      "Pairs of a queue and a kind that have no metrics here, because there are "
                      "too many."),
                all.size() - lanes.size());
    metrics.add(std::move(families.tasks));
    metrics.add(std::move(families.created));
    metrics.add(std::move(families.succeeded));
    metrics.add(std::move(families.failed));
    metrics.add(std::move(families.wait));
    metrics.add(std::move(families.run));
}

}  // namespace

std::string metrics_text(const Picture& picture) {
    const bool is_up = picture.broker == BrokerState::connected;
    Metrics metrics;
    metrics.add(gauge("xebec_up", "1 while the broker is heard. Else there is nothing but this."),
                is_up);
    if (is_up) {
        add_broker(metrics, picture);
        add_sizes(metrics, picture.sizes);
        add_totals(metrics, picture.totals);
        if (picture.resources) {
            add_resources(metrics, *picture.resources);
        }
        add_queues(metrics, picture.queue_facts);
        add_lanes(metrics, picture.lanes);
    }
    return metrics.text();
}

}  // namespace xebec::monitor::web

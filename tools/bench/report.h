#pragma once
// What a test found, as a table for people and as JSON for programs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::bench {

// What was asked for several times.
struct Timed {
    std::string what;
    double median_ms = 0;
    double longest_ms = 0;
};

// What does not apply is absent. Names and units are those of the JSON.
struct Report {
    std::string test;
    std::optional<double> tasks_per_second;
    std::optional<double> forward_tasks_per_second;  // the raw forwarder
    std::optional<double> limit_tasks_per_second;    // forward+unpack
    std::optional<double> ratio;                     // to the limit
    std::optional<double> none_tasks_per_second;     // the same without a journal
    std::optional<double> ratio_none;
    std::optional<double> p50_us, p99_us, p999_us;
    std::optional<double> limit_p50_us;  // the raw forwarder's
    std::optional<double> ratio_p50;
    std::optional<double> none_p50_us;     // the same without a journal
    std::optional<double> flush_p50_us;    // 4 KiB in place
    std::optional<double> allowed_p50_us;  // that without a journal, and two flushes
    std::optional<double> alone_p50_us;    // of the same broker without the dashboard
    std::optional<double> alone_p99_us;
    std::optional<double> ratio_p99;  // to that
    std::optional<double> longest_page_ms;
    std::optional<double> octets_per_task;
    std::optional<double> memory_mib;      // of the broker, in all, at the end
    std::optional<double> memory_max_mib;  // and at any time
    std::optional<double> start_s;         // from the execution until it is ready
    std::optional<double> journal_mib;     // its files, at most
    std::optional<double> live_mib;        // records of what lives, when the next was largest
    std::optional<double> ratio_allowed;   // the journal to twice that and two segments,
    std::optional<double> allowed_mib;     // which are these
    std::optional<double> read_mib;        // from the disk, by the start
    std::optional<double> written_ratio;  // octets that the disk was given, to those of new records
    std::optional<double> written_ratio_process;  // the same, as the system counts for the broker
    std::optional<double> stuck_ratio;            // of all tasks
    std::optional<double> worst_step_ms;
    std::optional<double> other_tasks_per_second;  // what the rate is compared with
    std::optional<double> ratio_other;
    std::optional<double> broker_cpu_percent;  // of one core
    std::optional<double> broker_cpu_us_per_task;
    std::string_view other;  // what `other_tasks_per_second` is
    std::vector<Timed> timed;
    std::vector<double> monitor_mib;  // resident, at the beginning of each minute
};

constexpr double in_mib(std::uint64_t octets) {
    return static_cast<double>(octets) / (1 << 20);
}

std::string to_json(const Report& report);
std::string to_text(const Report& report);

}  // namespace xebec::bench

#include "tools/bench/report.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace xebec::bench {

namespace {

struct Line {
    const char* key;
    const char* text;
    const std::optional<double>& value;
    int decimals;
};

std::array<Line, 34> lines_of(const Report& r) {
    return {
        {{"tasks_per_second", "tasks/s", r.tasks_per_second, 0},
         {"forward_tasks_per_second", "forward only, tasks/s", r.forward_tasks_per_second, 0},
         {"limit_tasks_per_second", "forward+unpack, tasks/s", r.limit_tasks_per_second, 0},
         {"ratio", "of forward+unpack", r.ratio, 3},
         {"none_tasks_per_second", "without a journal, tasks/s", r.none_tasks_per_second, 0},
         {"ratio_none", "of none", r.ratio_none, 3},
         {"p50_us", "p50, us", r.p50_us, 1},
         {"p99_us", "p99, us", r.p99_us, 1},
         {"p999_us", "p99.9, us", r.p999_us, 1},
         {"limit_p50_us", "p50 of forward only, us", r.limit_p50_us, 1},
         {"ratio_p50", "p50, of forward only", r.ratio_p50, 3},
         {"none_p50_us", "p50 without a journal, us", r.none_p50_us, 1},
         {"flush_p50_us", "p50 of a flush, us", r.flush_p50_us, 1},
         {"allowed_p50_us", "p50 of none and two flushes, us", r.allowed_p50_us, 1},
         {"alone_p50_us", "p50 without the dashboard, us", r.alone_p50_us, 1},
         {"alone_p99_us", "p99 without the dashboard, us", r.alone_p99_us, 1},
         {"ratio_p99", "p99, of that", r.ratio_p99, 3},
         {"longest_page_ms", "longest page, ms", r.longest_page_ms, 1},
         {"octets_per_task", "octets per task", r.octets_per_task, 1},
         {"start_s", "start, s", r.start_s, 2},
         {"journal_mib", "journal, MiB", r.journal_mib, 1},
         {"read_mib", "read from the disk, MiB", r.read_mib, 1},
         {"live_mib", "records of live tasks, MiB", r.live_mib, 1},
         {"allowed_mib", "twice that and two segments, MiB", r.allowed_mib, 1},
         {"ratio_allowed", "journal, of that", r.ratio_allowed, 3},
         {"written_ratio", "written per octet of new records", r.written_ratio, 2},
         {"written_ratio_process", "the same, counted for the broker", r.written_ratio_process, 2},
         {"stuck_ratio", "of all tasks stuck", r.stuck_ratio, 3},
         {"memory_mib", "broker's memory, MiB", r.memory_mib, 1},
         {"memory_max_mib", "broker's memory at most, MiB", r.memory_max_mib, 1},
         {"worst_step_ms", "longest step, ms", r.worst_step_ms, 2},
         {"other_tasks_per_second", "compared with, tasks/s", r.other_tasks_per_second, 0},
         {"ratio_other", "of that", r.ratio_other, 3},
         {"broker_cpu_percent", "broker, % of a core", r.broker_cpu_percent, 2}}};
}

std::string number(double value, int decimals) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    std::string out(text.data());
    if (decimals == 0) {  // 1234567 as 1,234,567
        for (std::size_t at = out.size(); at > 3;) {
            at -= 3;
            out.insert(at, ",");
        }
    }
    return out;
}

}  // namespace

std::string to_json(const Report& report) {
    nlohmann::ordered_json object{{"test", report.test}};
    for (const Line& line : lines_of(report)) {
        if (line.value) {
            object[line.key] = *line.value;
        }
    }
    if (report.broker_cpu_us_per_task) {
        object["broker_cpu_us_per_task"] = *report.broker_cpu_us_per_task;
    }
    for (const Timed& timed : report.timed) {
        object["timed"].push_back({{"what", timed.what},
                                   {"median_ms", timed.median_ms},
                                   {"longest_ms", timed.longest_ms}});
    }
    if (!report.monitor_mib.empty()) {
        object["monitor_mib"] = report.monitor_mib;
    }
    return object.dump();
}

std::string to_text(const Report& report) {
    std::string out = report.test + '\n';
    const auto column = [](const std::string& value) {
        return std::string(value.size() < 14 ? 14 - value.size() : 0, ' ') + value;
    };
    const auto add = [&](const std::string& text, const std::string& value) {
        out += "  " + text + std::string(text.size() < 40 ? 40 - text.size() : 1, ' ');
        out += column(value) + '\n';
    };
    for (const Line& line : lines_of(report)) {
        if (line.value) {
            const bool names_other = &line.value == &report.other_tasks_per_second;
            add(names_other ? std::string(report.other) + ", tasks/s" : line.text,
                number(*line.value, line.decimals));
        }
    }
    if (report.broker_cpu_us_per_task) {
        add("broker, CPU us per task", number(*report.broker_cpu_us_per_task, 2));
    }
    for (std::size_t minute = 0; minute < report.monitor_mib.size(); ++minute) {
        add("monitor's memory after " + std::to_string(minute) + " min, MiB",
            number(report.monitor_mib[minute], 1));
    }
    if (!report.timed.empty()) {
        add("", column("median, ms") + column("longest, ms"));
    }
    for (const Timed& timed : report.timed) {
        add(timed.what, column(number(timed.median_ms, 1)) + column(number(timed.longest_ms, 1)));
    }
    return out;
}

}  // namespace xebec::bench

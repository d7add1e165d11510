#include "tools/bench/page_tests.h"

#include "runtime/clock.h"
#include "tools/bench/dashboard.h"
#include "tools/bench/runs.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace xebec::bench {

namespace {

using Json = nlohmann::json;

const std::string api = "/api/v1";
constexpr std::size_t times_asked = 5;

Timed time(const std::string& what, const std::function<void()>& ask) {
    std::vector<double> took_ms;
    for (std::size_t i = 0; i < times_asked; ++i) {
        const Instant began = runtime::now().steady;
        ask();
        took_ms.push_back(
            std::chrono::duration<double, std::milli>(runtime::now().steady - began).count());
    }
    std::sort(took_ms.begin(), took_ms.end());
    return {.what = what, .median_ms = took_ms[times_asked / 2], .longest_ms = took_ms.back()};
}

// ---- what a page does ----

// A script's or style's own words for others: "/assets/main.js" and "./live.js".
std::set<std::string> files_named_in(const std::string& text) {
    static const std::regex name("\"(?:/assets|\\.)/([A-Za-z0-9_.]+)\"");
    std::set<std::string> files;
    for (auto found = std::sregex_iterator(text.begin(), text.end(), name);
         found != std::sregex_iterator(); ++found) {
        files.insert((*found)[1]);
    }
    return files;
}

// All that the document refers to, and what that does.
std::set<std::string> files_of(const Dashboard& dashboard) {
    std::set<std::string> files;
    std::vector<std::string> texts{dashboard.get("/")};
    while (!texts.empty()) {
        const std::set<std::string> named = files_named_in(texts.back());
        texts.pop_back();
        for (const std::string& file : named) {
            if (files.insert(file).second) {
                texts.push_back(dashboard.get("/assets/" + file));
            }
        }
    }
    return files;
}

// As the page of tasks goes on where most that is searched does not match.
Json search(const Dashboard& dashboard, const std::string& filter) {
    constexpr std::size_t page_size = 50;
    constexpr int steps_max = 8;
    Json found = Json::array();
    std::string cursor;
    for (int step = 0; step < steps_max && found.size() < page_size; ++step) {
        const std::string limit = "limit=" + std::to_string(page_size - found.size());
        const Json page = Json::parse(dashboard.get(api + "/tasks?" + limit + filter + cursor));
        found.insert(found.end(), page["tasks"].begin(), page["tasks"].end());
        if (page["cursor"].is_null()) {
            break;
        }
        cursor = "&cursor=" + page["cursor"].dump();
    }
    return found;
}

// As that page counts what would be cancelled or given new attempts.
void count(const Dashboard& dashboard, const std::string& filter) {
    std::string cursor;
    while (true) {
        const Json step = Json::parse(dashboard.get(api + "/tasks/count?" + filter + cursor));
        if (step["cursor"].is_null()) {
            return;
        }
        cursor = "&cursor=" + step["cursor"].dump();
    }
}

struct Page {
    std::string name;
    std::string path;
    std::vector<std::string> requests;  // below the API
};

// Nothing is cached, and all is asked for one after another; a browser does better.
void open(const Dashboard& dashboard, const std::set<std::string>& files, const Page& page) {
    dashboard.get(page.path);
    for (const std::string& file : files) {
        dashboard.get("/assets/" + file);
    }
    dashboard.wait_for_live();
    for (const std::string& request : page.requests) {
        dashboard.get(api + request);
    }
}

// ---- all of them ----

class Measuring {
public:
    explicit Measuring(const Dashboard& dashboard)
        : dashboard_(dashboard),
          waiting_(search(dashboard, "&state=ready").at(0)),
          ended_(search(dashboard, "&state=succeeded").at(0)) {}

    std::vector<Timed> run() {
        measure_pages();
        for (const char* request :
             {"/queues?spark=1", "/workers?recent=1", "/workers/lost", "/stats", "/errors",
              "/history?step=1", "/history?step=10", "/tasks/last", "/tasks?limit=500",
              "/tasks/count", "/tasks/count?state=ready", "/tasks/count?error=timeout"}) {
            add(api + request, [&] { dashboard_.get(api + request); });
        }
        add("/metrics", [&] { dashboard_.get("/metrics"); });
        measure_searches();
        add("all tasks with state=ready counted", [&] { count(dashboard_, "state=ready"); });
        return std::move(found_);
    }

private:
    void add(const std::string& what, const std::function<void()>& ask) {
        found_.push_back(time(what, ask));
    }

    void measure_pages() {
        const std::set<std::string> files = files_of(dashboard_);
        const std::string waiting = "/tasks/" + waiting_["number"].dump();
        const std::string ended = "/tasks/" + ended_["number"].dump();
        for (const Page& page : std::vector<Page>{
                 {"overview", "/", {"/history?step=1", "/errors"}},
                 {"queues", "/queues", {"/queues?spark=1"}},
                 {"workers", "/workers", {"/workers?recent=1", "/workers/lost"}},
                 {"tasks", "/tasks", {"/tasks?limit=50"}},
                 {"task that waits", waiting, {waiting, waiting + "/payload"}},
                 {"task that has ended", ended, {ended, ended + "/payload", ended + "/result"}},
                 {"submit", "/submit", {}}}) {
            add("page " + page.name, [&] { open(dashboard_, files, page); });
        }
    }

    void measure_searches() {
        const std::string id = waiting_["id"];
        const std::string middle = std::to_string(waiting_["number"].get<std::uint64_t>() / 2);
        for (const std::string& filter : std::vector<std::string>{"",
                                                                  "state=ready",
                                                                  "state=leased",
                                                                  "state=succeeded",
                                                                  "state=dead",
                                                                  "state=dead,cancelled,expired",
                                                                  "queue=waiting",
                                                                  "queue=bench",
                                                                  "queue=none",
                                                                  "kind=nobody-serves",
                                                                  "kind=none",
                                                                  "worker=none",
                                                                  "error=timeout",
                                                                  "id_prefix=" + id.substr(0, 8),
                                                                  "id_prefix=" + id.substr(0, 24),
                                                                  "id_prefix=ffffffff",
                                                                  "since=10m",
                                                                  "since=0s",
                                                                  "until=0s",
                                                                  "until=1d",
                                                                  "cursor=" + middle,
                                                                  "state=succeeded&queue=waiting",
                                                                  "state=ready&queue=bench",
                                                                  "state=ready&error=timeout"}) {
            const std::string more = filter.empty() ? "" : "&" + filter;
            add(filter.empty() ? "the newest tasks" : "tasks with " + filter,
                [&] { search(dashboard_, more); });
        }
        for (const Json& task : {waiting_, ended_}) {
            const std::string path = api + "/tasks/" + task["id"].get<std::string>();
            add("a task by its id, " + task["state"].get<std::string>(),
                [&] { dashboard_.get(path); });
        }
    }

    const Dashboard& dashboard_;
    Json waiting_, ended_;  // the newest of each
    std::vector<Timed> found_;
};

double p99_us(const Measured& measured) {
    return measured.p99_us;
}

}  // namespace

Report pages(const Options& options) {
    const BrokerProcess broker(broker_options(options));
    const std::uint64_t waiting = options.waiting > 0 ? options.waiting : 10'000'000;
    submit_to(broker, waiting_load(options, {.count = waiting}));
    const Workers workers(broker, options.workers);
    submit_to(broker, {.count = waiting / 10, .warm_up = 1, .payload = options.payload});

    Report report;
    report.timed = Measuring(Dashboard(broker)).run();
    for (const Timed& timed : report.timed) {
        if (timed.what.starts_with("page ")) {
            report.longest_page_ms = std::max(report.longest_page_ms.value_or(0), timed.longest_ms);
        }
    }

    const Load load = load_of(options, {.count = 10'000, .batch = 1, .window = 1});
    const Turns turns(runs_of(options, latency_runs),
                      {[&] { return submit_to(broker, load); },
                       [&] {
                           const OpenDashboard dashboard(broker);
                           return submit_to(broker, load);
                       }},
                      p99_us);
    report.p50_us = turns.middle(1).p50_us;
    report.p99_us = turns.value(1);
    report.alone_p50_us = turns.middle(0).p50_us;
    report.alone_p99_us = turns.value(0);
    report.ratio_p99 = turns.ratio(1, 0);
    report.worst_step_ms = worst_step_ms(broker);
    report.memory_mib = in_mib(broker.memory_octets());
    return report;
}

Report soak(const Options& options) {
    const BrokerProcess broker(broker_options(options));
    const Workers workers(broker, options.workers);
    const OpenDashboard dashboard(broker);
    const Child client([&] {
        const SharedBoard board;
        while (true) {
            run_client(*board, broker.clients(), load_of(options, {}));
            if (board->measured.wrong > 0) {
                throw std::runtime_error("results were wrong");
            }
        }
    });
    Report report;
    for (std::uint64_t second = 0; second <= options.seconds; ++second) {
        if (second % 60 == 0) {
            report.monitor_mib.push_back(in_mib(dashboard.memory_octets()));
        }
        const Workers short_lived(broker, 1, "comes-and-goes");
        sleep_for(std::chrono::seconds{1});
        check_children();
    }
    report.memory_mib = in_mib(broker.memory_octets());
    report.memory_max_mib = in_mib(broker.memory_octets_max());
    return report;
}

}  // namespace xebec::bench

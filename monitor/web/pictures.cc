#include "monitor/web/pictures.h"

#include "monitor/web/findings.h"
#include "protocol/time_text.h"
#include "protocol/wire_time.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace xebec::monitor::web {

using client::Json;

namespace {

constexpr std::size_t live_queues_max = 200;

std::uint64_t count_of(const std::vector<std::uint64_t>& tasks, TaskState state) {
    const auto index = static_cast<std::size_t>(state);
    return index < tasks.size() ? tasks[index] : 0;
}

double rounded(double rate) {
    return std::round(rate * 10) / 10;
}

std::vector<std::string> texts_of(const std::vector<std::string_view>& views) {
    return {views.begin(), views.end()};
}

std::uint64_t unfinished_of(const std::vector<std::uint64_t>& tasks) {
    std::uint64_t sum = 0;
    for (std::size_t state = 0; state < tasks.size(); ++state) {
        sum += is_final(static_cast<TaskState>(state)) ? 0 : tasks[state];
    }
    return sum;
}

// Which kinds are served from which queues.
class Service {
public:
    explicit Service(const std::vector<SeenWorker>& workers) {
        for (const SeenWorker& worker : workers) {
            for (const std::string& kind : worker.kinds) {
                add(kind, worker);
            }
        }
    }

    bool serves(const LaneName& lane) const {
        return everywhere_.contains(lane.kind) || somewhere_.contains({lane.queue, lane.kind});
    }
    const std::set<std::string>& kinds() const { return kinds_; }

private:
    void add(const std::string& kind, const SeenWorker& worker) {
        kinds_.insert(kind);
        if (worker.member.is_draining) {
            return;
        }
        if (worker.queues.empty()) {
            everywhere_.insert(kind);
        }
        for (const std::string& queue : worker.queues) {
            somewhere_.emplace(queue, kind);
        }
    }

    std::set<std::string> kinds_;
    std::set<std::string> everywhere_;
    std::set<std::pair<std::string, std::string>> somewhere_;
};

// Of one queue: ready tasks that no worker is there for.
struct Unserved {
    std::vector<std::string> kinds;
    std::uint64_t tasks = 0;
};

Json json_of(const SeenWorker& worker, const std::map<std::uint64_t, SeenTask>& known) {
    Json json = worker.json;
    Json current = Json::array();
    for (const std::uint64_t number : worker.tasks) {
        const auto found = known.find(number);
        if (found != known.end()) {
            current.push_back({{"number", number},
                               {"kind", found->second.kind},
                               {"started_at", format_utc(found->second.started_at)}});
        }
    }
    json["current"] = std::move(current);
    return json;
}

Json json_of(const Finding& finding) {
    return {{"level", to_string(finding.level)},
            {"text", finding.text},
            {"since", finding.since ? Json(to_wire(*finding.since)) : Json()},
            {"link", finding.link}};
}

double value_of(const std::optional<Point>& point, Column column) {
    const double value = point ? (*point)[static_cast<std::size_t>(column)] : 0;
    return std::isnan(value) ? 0 : value;
}

Facts facts_of(const Scene& scene, const Picture& picture, const std::optional<Point>& point) {
    const protocol::Sizes& sizes = picture.sizes;
    Facts facts{.now = picture.time,
                .broker = scene.broker,
                .broker_address = scene.broker_address,
                .silent_since = scene.heard_at,
                .workers = sizes.workers,
                .slots = sizes.slots,
                .slots_busy = sizes.slots_busy,
                .waiting = unfinished_of(sizes.tasks) - count_of(sizes.tasks, TaskState::leased),
                .finished_per_s = value_of(point, Column::finished),
                .died_lately = scene.deaths.lately(),
                .died_within = scene.deaths.known_for(),
                .queues = scene.queue_facts,
                .lost = picture.lost};
    if (picture.resources) {
        facts.is_read_only = picture.resources->is_read_only;
        facts.disk_free = picture.resources->disk_free;
        facts.disk_total = picture.resources->disk_total;
    }
    return facts;
}

Json short_form(const Json& queue) {
    const Json& tasks = queue.at("tasks");
    return {{"name", queue.at("name")},
            {"paused", queue.at("paused")},
            {"ready", tasks.at("ready")},
            {"leased", tasks.at("leased")},
            {"scheduled", tasks.at("scheduled")},
            {"blocked", tasks.at("blocked")},
            {"succeeded", tasks.at("succeeded")},
            {"dead", tasks.at("dead")},
            {"oldest_wait_ms", queue.at("oldest_wait_ms")},
            {"in_per_s", queue.at("in_per_s")},
            {"out_per_s", queue.at("out_per_s")},
            {"unserved", queue.at("unserved")}};
}

Json live_queues(const std::vector<Json>& queues) {
    std::vector<const Json*> sorted;
    for (const Json& queue : queues) {
        sorted.push_back(&queue);
    }
    const auto ready = [](const Json* queue) {
        return queue->at("tasks").at("ready").get<std::uint64_t>();
    };
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&ready](const Json* a, const Json* b) { return ready(a) > ready(b); });
    sorted.resize(std::min(sorted.size(), live_queues_max));
    Json array = Json::array();
    for (const Json* queue : sorted) {
        array.push_back(short_form(*queue));
    }
    return array;
}

Json broker_json(const Scene& scene, const Picture& picture) {
    const bool is_silent = scene.broker == BrokerState::silent && scene.heard_at;
    return {{"state", to_string(scene.broker)},
            {"silent_ms", is_silent ? (picture.time - *scene.heard_at).count() : 0},
            {"epoch", picture.epoch},
            {"uptime_ms", picture.uptime.count()},
            {"address", scene.broker_address}};
}

std::string live_of(const Scene& scene, const Picture& picture, const protocol::Figures& figures,
                    const std::optional<Point>& point) {
    const Facts facts = facts_of(scene, picture, point);
    const std::vector<Finding> findings = findings_of(facts);
    Json live = client::json_of(figures);  // what GET /stats answers, without the lanes
    live.erase("lanes");
    live.erase("epoch");
    live.erase("uptime_ms");
    live["time"] = to_wire(picture.time);
    live["broker"] = broker_json(scene, picture);
    live["read_only"] = scene.read_only;
    live["sample"] = point ? web::json_of(*point) : Json();
    live["findings"] = Json::array();
    for (const Finding& finding : findings) {
        live["findings"].push_back(json_of(finding));
    }
    live["verdict"] = verdict_of(facts, findings);
    live["queues"] = live_queues(picture.queues);
    live["kinds"] = scene.kinds;
    return client::line_of(live);
}

}  // namespace

Json json_of(const Point& point) {
    Json json = Json::object();
    for (std::size_t i = 0; i < column_count; ++i) {
        const std::string name(to_string(static_cast<Column>(i)));
        json[name] = std::isnan(point[i]) ? Json() : Json(rounded(point[i]));
    }
    return json;
}

SeenQueue seen(const protocol::QueueView& view) {
    return {.facts = {.name = std::string(view.name),
                      .is_paused = view.paused,
                      .ready = count_of(view.tasks, TaskState::ready),
                      .oldest_wait_ms = view.oldest_wait_ms,
                      .tasks = view.tasks},
            .counts = {.name = std::string(view.name),
                       .created = view.created,
                       .unfinished = unfinished_of(view.tasks)},
            .json = client::json_of(view)};
}

SeenWorker seen(const protocol::WorkerView& view) {
    return {.member = {.session = view.session,
                       .name = std::string(view.name),
                       .host = std::string(view.host),
                       .process = view.process,
                       .slots = view.slots,
                       .held = view.held,
                       .is_draining = view.draining},
            .kinds = texts_of(view.kinds),
            .queues = texts_of(view.queues),
            .tasks = view.tasks,
            .json = client::json_of(view, true)};
}

std::vector<Mark> take(Scene& scene, Look look, const CurrentFigures& figures, Now now) {
    scene.seen_at = now.wall;
    const Service service(look.workers);
    std::vector<QueueCounts> counts;
    for (const SeenQueue& queue : look.queues) {
        counts.push_back(queue.counts);
    }
    scene.flows.update(now.steady, scene.epoch, counts);
    scene.deaths.update(now.steady, figures.uptime(), figures.totals().dead);

    std::map<std::string, Unserved> unserved;
    for (const auto& [name, lane] : figures.lanes()) {
        if (lane.ready > 0 && !service.serves(name)) {
            Unserved& here = unserved[name.queue];
            here.kinds.push_back(name.kind);
            here.tasks += lane.ready;
        }
    }
    scene.queues.clear();
    scene.queue_facts.clear();
    for (SeenQueue& queue : look.queues) {
        const Flow flow = scene.flows.of(queue.facts.name);
        queue.json["in_per_s"] = rounded(flow.in_per_s);
        queue.json["out_per_s"] = rounded(flow.out_per_s);
        Unserved& here = unserved[queue.facts.name];
        queue.json["unserved"] = here.tasks;
        queue.facts.unserved_kinds = std::move(here.kinds);
        scene.queues.push_back(std::move(queue.json));
        scene.queue_facts.push_back(std::move(queue.facts));
    }
    std::vector<Member> members;
    scene.workers.clear();
    for (const SeenWorker& worker : look.workers) {
        members.push_back(worker.member);
        scene.workers.push_back(json_of(worker, look.current));
    }
    std::set<std::string> kinds = service.kinds();
    for (const auto& [name, lane] : figures.lanes()) {
        if (lane.ready > 0) {
            kinds.insert(name.kind);
        }
    }
    scene.kinds.assign(kinds.begin(), kinds.end());
    return scene.workforce.update(now.wall, scene.epoch, members, figures.totals().workers_lost);
}

Picture picture_of(const Scene& scene, const CurrentFigures& figures,
                   const std::optional<Point>& point, WallTime now) {
    Picture picture{.time = now,
                    .seen_at = scene.seen_at,
                    .broker = scene.broker,
                    .epoch = scene.epoch,
                    .uptime = figures.uptime(),
                    .started_at = figures.started_at(),
                    .totals = figures.totals(),
                    .sizes = figures.sizes(),
                    .step_max_us = figures.step_max_us(),
                    .resources = figures.resources(),
                    .lanes = figures.lanes(),
                    .queue_facts = scene.queue_facts,
                    .queues = scene.queues,
                    .workers = scene.workers,
                    .lost = {scene.workforce.lost().begin(), scene.workforce.lost().end()}};
    const protocol::Figures shown{.totals = picture.totals,
                                  .sizes = picture.sizes,
                                  .step_max_us = picture.step_max_us,
                                  .resources = picture.resources};
    picture.live = live_of(scene, picture, shown, point);
    return picture;
}

}  // namespace xebec::monitor::web

#include "monitor/web/system_api.h"

#include "client/convert.h"
#include "client/json.h"
#include "monitor/web/answers.h"
#include "monitor/web/parameters.h"
#include "monitor/web/pictures.h"
#include "monitor/web/task_requests.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::monitor::web {

using client::answer_as;
using httplib::Request;
using httplib::Response;

namespace {

constexpr std::uint64_t history_step_default = 10;
constexpr std::uint64_t history_step_max = 60;

class SystemApi {
public:
    SystemApi(Broker& broker, Board& board) : broker_(broker), board_(board) {}

    void queues(const Request& request, Response& response) const;
    void set_queue(const Request& request, Response& response) const;
    template <class Change, class ChangeAnswer>
    void change_queue(const Request& request, Response& response) const;

    void workers(const Request& request, Response& response) const;
    void lost_workers(Response& response) const;
    void drain(const Request& request, Response& response) const;

    void stats(Response& response) const;
    void history(const Request& request, Response& response) const;

private:
    // What has been seen, and says how long ago that was. A monitor that has just started is given
    // a moment; nothing, and answered: no broker has been seen.
    std::shared_ptr<const Picture> seen(Response& response) const;

    // What came of a change of something that has this name.
    template <class ChangeAnswer>
    std::optional<Error> problem_of(const Broker::Answer& packet) const;
    // After a change of it.
    void show_queue(const std::string& name, Response& response) const;

    Broker& broker_;
    Board& board_;
};

template <class ChangeAnswer>
std::optional<Error> SystemApi::problem_of(const Broker::Answer& packet) const {
    const auto answer = answer_as<ChangeAnswer>(packet);
    if (!answer) {
        return answer.error();
    }
    if (!answer->items.empty() && answer->items[0].code != 0) {
        return client::error_of(answer->items[0]);
    }
    board_.hurry();
    return std::nullopt;
}

std::shared_ptr<const Picture> SystemApi::seen(Response& response) const {
    const Instant limit = runtime::now().steady + RemoteBroker::patience;
    auto picture = board_.picture();
    while (!picture->seen_at && !board_.is_closed()) {
        const auto left = std::chrono::ceil<milliseconds>(limit - runtime::now().steady);
        if (left.count() <= 0) {
            break;
        }
        picture = board_.wait_for_newer(picture, left);
    }
    if (!picture->seen_at) {
        fail(response, Error{ErrorCode::timed_out, "", ""});
        return nullptr;
    }
    const auto age =
        std::chrono::floor<std::chrono::seconds>(runtime::now().wall - *picture->seen_at);
    response.set_header("Age", std::to_string(std::max<std::int64_t>(0, age.count())));
    return picture;
}

// ---- queues ----

Json spark_of(const History& history, std::string_view queue, WallTime now) {
    Json spark = Json::array();
    for (const auto& value : history.ready(queue, now)) {
        spark.push_back(value ? Json(*value) : Json());
    }
    return spark;
}

void SystemApi::queues(const Request& request, Response& response) const {
    const auto picture = seen(response);
    if (!picture) {
        return;
    }
    Json array(picture->queues);
    if (request.has_param("spark")) {
        const WallTime now = runtime::now().wall;
        board_.look_at_history([&](const History& history) {
            for (Json& queue : array) {
                queue["spark"] = spark_of(history, queue["name"].get<std::string>(), now);
            }
        });
    }
    answer(response, picture->queues.empty() ? Json::array() : array);
}

void SystemApi::show_queue(const std::string& name, Response& response) const {
    const auto packet = broker_.request(protocol::Queues{.only = name});
    const auto found = answer_as<protocol::QueuesAnswer>(packet);
    if (!found) {
        return fail(response, found.error(), Purpose::look_behind_change);
    }
    if (found->items.empty()) {
        return fail(response, to_error(Refusal::unknown_queue, "there is no such queue"));
    }
    answer(response, client::json_of(found->items[0]));
}

template <class Change, class ChangeAnswer>
void SystemApi::change_queue(const Request& request, Response& response) const {
    const std::string name = request.matches[1].str();
    if (const auto problem = problem_of<ChangeAnswer>(broker_.request(Change{.queues = {name}}))) {
        return fail(response, *problem, Purpose::change);
    }
    show_queue(name, response);
}

// One setting of a queue as a member of a JSON object.
template <class Number>
bool read_setting(const Json& value, std::optional<Number>& target) {
    if (!value.is_number_unsigned() ||
        value.get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
        return false;
    }
    target = static_cast<Number>(value.get<std::uint64_t>());
    return true;
}

bool read_setting(const std::string& name, const Json& value, protocol::QueueSettings& settings) {
    return name == "lease_ms"         ? read_setting(value, settings.lease_ms)
           : name == "run_max_ms"     ? read_setting(value, settings.run_max_ms)
           : name == "attempts"       ? read_setting(value, settings.attempts_max)
           : name == "pause_first_ms" ? read_setting(value, settings.pause_first_ms)
           : name == "pause_max_ms"   ? read_setting(value, settings.pause_max_ms)
           : name == "retention_ms"   ? read_setting(value, settings.retention_ms)
           : name == "tasks_max"      ? read_setting(value, settings.tasks_max)
                                      : false;
}

void SystemApi::set_queue(const Request& request, Response& response) const {
    const std::string name = request.matches[1].str();
    const auto body = client::parse_json(request.body);
    if (!body || !body->is_object()) {
        return fail(response, 400, "bad_value", "the body is a JSON object of settings");
    }
    protocol::QueueSettings settings;
    for (const auto& [key, value] : body->items()) {
        if (!read_setting(key, value, settings)) {
            return fail(response, 400, "bad_value",
                        "\"" + key +
                            "\" is not one of lease_ms, run_max_ms, attempts, pause_first_ms, "
                            "pause_max_ms, retention_ms, tasks_max with a whole number");
        }
    }
    const auto packet = broker_.request(protocol::QueueSet{.name = name, .settings = settings});
    const auto set = answer_as<protocol::QueueSetAnswer>(packet);
    if (!set || set->problem.code != 0) {
        return fail(response, set ? client::error_of(set->problem) : set.error(), Purpose::change);
    }
    board_.hurry();
    show_queue(name, response);
}

// ---- workers ----

void SystemApi::workers(const Request& request, Response& response) const {
    if (request.has_param("recent")) {
        board_.want_workers(runtime::now().steady);
    }
    const auto picture = seen(response);
    if (!picture) {
        return;
    }
    answer(response, picture->workers.empty() ? Json::array() : Json(picture->workers));
}

void SystemApi::lost_workers(Response& response) const {
    const auto picture = seen(response);  // held: the board may show the next one meanwhile
    if (!picture) {
        return;
    }
    Json array = Json::array();
    for (const LostWorker& worker : picture->lost) {
        array.push_back({{"name", worker.name},
                         {"host", worker.host},
                         {"process", worker.process},
                         {"slots", worker.slots},
                         {"held", worker.held},
                         {"lost_at", format_utc(worker.lost_at)}});
    }
    answer(response, array);
}

void SystemApi::drain(const Request& request, Response& response) const {
    const std::string name = request.matches[1].str();
    const auto packet = broker_.request(protocol::Drain{.workers = {name}});
    if (const auto problem = problem_of<protocol::DrainAnswer>(packet)) {
        return fail(response, *problem, Purpose::change);
    }
    answer(response, Json::object(), 202);
}

// ---- the broker as a whole ----

void SystemApi::stats(Response& response) const {
    const auto packet = broker_.request(protocol::Stats{});
    const auto found = answer_as<protocol::StatsAnswer>(packet);
    if (!found) {
        return fail(response, found.error());
    }
    answer(response, client::json_of(found->figures));
}

Json columns_of(const Series& series) {
    Json columns = Json::object();
    for (std::size_t i = 0; i < column_count; ++i) {
        Json values = Json::array();
        for (const Point& point : series.points) {
            values.push_back(std::isnan(point[i]) ? Json() : Json(std::round(point[i] * 10) / 10));
        }
        columns[std::string(to_string(static_cast<Column>(i)))] = std::move(values);
    }
    return columns;
}

void SystemApi::history(const Request& request, Response& response) const {
    const auto step = number_in(request.params, "step", history_step_default, history_step_max);
    if (!step) {
        return fail(response, step.error());
    }
    const WallTime now = runtime::now().wall;
    const auto [series, marks] = board_.look_at_history([&](const History& history) {
        return std::pair(history.series(std::chrono::seconds{*step}, now), history.marks());
    });
    Json shown = Json::array();
    for (const Mark& mark : marks) {
        if (mark.time >= series.start) {
            shown.push_back({{"time", mark.time.time_since_epoch().count()},
                             {"kind", to_string(mark.kind)},
                             {"name", mark.name}});
        }
    }
    answer(response, {{"step_ms", *step * 1'000},
                      {"start", series.start.time_since_epoch().count()},
                      {"end", series.end.time_since_epoch().count()},
                      {"columns", columns_of(series)},
                      {"marks", std::move(shown)}});
}

}  // namespace

void add_system_routes(httplib::Server& server, Broker& broker, Board& board) {
    const SystemApi api(broker, board);
    const std::string root = "/api/v1";
    const std::string queue = root + "/queues/([^/]+)";
    server.Get(root + "/queues",
               taking({"spark"}, [api](const Request& q, Response& r) { api.queues(q, r); }));
    server.Patch(queue, taking({}, [api](const Request& q, Response& r) { api.set_queue(q, r); }));
    server.Post(queue + "/pause", taking({}, [api](const Request& q, Response& r) {
                    api.change_queue<protocol::Pause, protocol::PauseAnswer>(q, r);
                }));
    server.Post(queue + "/resume", taking({}, [api](const Request& q, Response& r) {
                    api.change_queue<protocol::Resume, protocol::ResumeAnswer>(q, r);
                }));
    server.Get(root + "/workers",
               taking({"recent"}, [api](const Request& q, Response& r) { api.workers(q, r); }));
    server.Get(root + "/workers/lost",
               taking({}, [api](const Request&, Response& r) { api.lost_workers(r); }));
    server.Post(root + "/workers/([^/]+)/drain",
                taking({}, [api](const Request& q, Response& r) { api.drain(q, r); }));
    server.Get(root + "/stats", taking({}, [api](const Request&, Response& r) { api.stats(r); }));
    server.Get(root + "/history",
               taking({"step"}, [api](const Request& q, Response& r) { api.history(q, r); }));
}

}  // namespace xebec::monitor::web

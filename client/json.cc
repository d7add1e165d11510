#include "client/json.h"

#include "client/task_text.h"
#include "protocol/histogram.h"
#include "protocol/time_text.h"

namespace xebec::client {

namespace {

Json instant(const std::optional<WallTime>& at) {
    return at ? Json(format_utc(*at)) : Json();
}

Json instant(std::uint64_t ms) {
    return Json(format_utc(WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(ms)}}));
}

Json error_if_any(const std::optional<TaskError>& error) {
    return error ? Json{{"class", error->error_class}, {"text", error->text}} : Json();
}

Json counts_by_state(const std::vector<std::uint64_t>& tasks) {
    Json counts = Json::object();
    for (std::size_t i = 0; i < task_state_count; ++i) {
        counts[std::string(to_string(static_cast<TaskState>(i)))] = i < tasks.size() ? tasks[i] : 0;
    }
    return counts;
}

template <class T>
Json value_or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

// What stands inside of others is a part.
Json json_of_part(const protocol::QueueSettings& settings) {
    return {{"lease_ms", value_or_null(settings.lease_ms)},
            {"run_max_ms", value_or_null(settings.run_max_ms)},
            {"attempts", value_or_null(settings.attempts_max)},
            {"pause_first_ms", value_or_null(settings.pause_first_ms)},
            {"pause_max_ms", value_or_null(settings.pause_max_ms)},
            {"retention_ms", value_or_null(settings.retention_ms)},
            {"tasks_max", value_or_null(settings.tasks_max)}};
}

Json quantiles(const std::vector<std::uint64_t>& sparse) {
    Histogram histogram;
    if (!histogram.add_sparse(sparse) || histogram.count() == 0) {
        return {{"count", 0}, {"p50_us", nullptr}, {"p99_us", nullptr}};
    }
    return {{"count", histogram.count()},
            {"p50_us", histogram.quantile(0.5).count()},
            {"p99_us", histogram.quantile(0.99).count()}};
}

Json json_of_part(const protocol::LaneView& lane) {
    return {{"queue", lane.queue},          {"kind", lane.kind},
            {"ready", lane.ready},          {"leased", lane.leased},
            {"created", lane.created},      {"succeeded", lane.succeeded},
            {"failed", lane.failed},        {"wait", quantiles(lane.wait_us)},
            {"run", quantiles(lane.run_us)}};
}

Json json_of_part(const protocol::Totals& totals) {
    return {{"submitted", totals.submitted}, {"succeeded", totals.succeeded},
            {"failed", totals.failed},       {"dead", totals.dead},
            {"cancelled", totals.cancelled}, {"expired", totals.expired},
            {"retried", totals.retried},     {"removed", totals.removed},
            {"assigned", totals.assigned},   {"returned", totals.returned},
            {"stale", totals.stale},         {"workers_lost", totals.workers_lost},
            {"refused", totals.refused},     {"malformed", totals.malformed}};
}

Json json_of_part(const AttemptInfo& attempt) {
    return {{"attempt", attempt.attempt},
            {"fence", attempt.fence},
            {"worker", attempt.worker},
            {"started_at", instant(attempt.started_at)},
            {"ended_at", instant(attempt.ended_at)},
            {"state", to_string(attempt.state)},
            {"error", error_if_any(attempt.error)}};
}

Json json_of_part(const std::optional<protocol::Resources>& resources) {
    if (!resources) {
        return {};
    }
    Json gpus = Json::array();
    for (const protocol::GpuView& gpu : resources->gpus) {
        gpus.push_back({{"name", gpu.name},
                        {"busy_permille", gpu.busy_permille},
                        {"memory_used", gpu.memory_used},
                        {"memory_total", gpu.memory_total}});
    }
    return {{"cpu_permille", resources->cpu_permille},
            {"memory_used", resources->memory_used},
            {"memory_total", resources->memory_total},
            {"disk_used", resources->disk_used},
            {"disk_total", resources->disk_total},
            {"process_resident", resources->process_resident},
            {"gpus", std::move(gpus)}};
}

Json json_of_part(const std::optional<protocol::BrokerResources>& resources) {
    if (!resources) {
        return {};
    }
    return {{"resident_octets", resources->resident_octets},
            {"cpu_permille", resources->cpu_permille},
            {"journal_octets", resources->journal_octets},
            {"disk_free", resources->disk_free},
            {"disk_total", resources->disk_total},
            {"memory_octets_max", resources->memory_octets_max},
            {"read_only", resources->is_read_only}};
}

Json json_of_part(const protocol::RecentAttempt& attempt) {
    return {{"number", attempt.number == 0 ? Json() : Json(attempt.number)},
            {"kind", attempt.kind},
            {"started_at", instant(attempt.started_at)},
            {"run_us", attempt.run_us},
            {"state", to_string(attempt.state)}};
}

}  // namespace

Json json_with_history(const TaskInfo& task) {
    Json object = json_of(task);
    object["history"] = Json::array();
    for (const AttemptInfo& attempt : task.history) {
        object["history"].push_back(json_of_part(attempt));
    }
    return object;
}

Json json_of(const TaskInfo& task) {
    return {{"number", task.number},
            {"id", to_string(task.id)},
            {"kind", task.kind},
            {"queue", task.queue},
            {"state", to_string(task.state)},
            {"priority", task.priority},
            {"attempts", task.attempts},
            {"attempts_max", task.attempts_max},
            {"worker", task.worker.empty() ? Json() : Json(task.worker)},
            {"error", error_if_any(task.error)},
            {"accepted_at", instant(task.accepted_at)},
            {"due_at", instant(task.due_at)},
            {"deadline", instant(task.deadline)},
            {"started_at", instant(task.started_at)},
            {"finished_at", instant(task.finished_at)},
            {"fence", task.fence},
            {"series", task.series}};
}

Json json_of(const Outcome& outcome) {
    Json object = json_of_known(outcome.number, outcome.id, to_string(outcome.state),
                                error_if_any(outcome.error));
    if (outcome.fence != 0) {
        object["fence"] = outcome.fence;
    }
    if (has_result(outcome)) {
        add_result(object, outcome.result);
    }
    return object;
}

Json json_of_known(std::uint64_t number, const std::optional<TaskId>& id, std::string_view state,
                   const Json& error) {
    Json object = json_of(TaskInfo{});
    for (auto& [key, value] : object.items()) {
        value = nullptr;
    }
    object["number"] = number == 0 ? Json() : Json(number);
    object["id"] = id ? Json(to_string(*id)) : Json();
    object["state"] = state;
    object["error"] = error;
    return object;
}

Json json_of(const protocol::QueueView& queue) {
    return {{"name", queue.name},
            {"paused", queue.paused},
            {"tasks", counts_by_state(queue.tasks)},
            {"oldest_wait_ms", queue.oldest_wait_ms},
            {"created", queue.created},
            {"succeeded", queue.succeeded},
            {"failed", queue.failed},
            {"removed", queue.removed},
            {"settings", json_of_part(queue.settings)}};
}

Json json_of(const protocol::WorkerView& worker, bool with_recent) {
    Json object{{"session", worker.session},
                {"name", worker.name},
                {"host", worker.host},
                {"process", worker.process},
                {"kinds", worker.kinds},
                {"queues", worker.queues},
                {"slots", worker.slots},
                {"credit", worker.credit},
                {"held", worker.held},
                {"draining", worker.draining},
                {"since", instant(worker.since)},
                {"silent_ms", worker.silent_ms},
                {"succeeded", worker.succeeded},
                {"failed", worker.failed},
                {"tasks", worker.tasks},
                {"resources", json_of_part(worker.resources)}};
    if (with_recent) {
        object["recent"] = Json::array();
        for (const protocol::RecentAttempt& attempt : worker.recent) {
            object["recent"].push_back(json_of_part(attempt));
        }
    }
    return object;
}

Json json_of(const protocol::Figures& figures) {
    Json lanes = Json::array();
    for (const protocol::LaneView& lane : figures.lanes) {
        lanes.push_back(json_of_part(lane));
    }
    return {{"epoch", figures.epoch},
            {"time", instant(figures.time)},
            {"uptime_ms", figures.uptime_ms},
            {"totals", json_of_part(figures.totals)},
            {"tasks", counts_by_state(figures.sizes.tasks)},
            {"workers", figures.sizes.workers},
            {"slots", figures.sizes.slots},
            {"slots_busy", figures.sizes.slots_busy},
            {"sessions", figures.sizes.sessions},
            {"task_octets", figures.sizes.task_octets},
            {"step_max_us", figures.step_max_us},
            {"resources", json_of_part(figures.resources)},
            {"lanes", std::move(lanes)}};
}

Json json_of(const Error& error) {
    return {{"class", error.name.empty() ? std::string(to_string(error.code)) : error.name},
            {"text", error.detail}};
}

std::string text_of(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string line_of(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xebec::client

#include "monitor/web/tasks_api.h"

#include "client/convert.h"
#include "client/core.h"
#include "client/json.h"
#include "monitor/web/answers.h"
#include "monitor/web/http_stream.h"
#include "monitor/web/parameters.h"
#include "monitor/web/places.h"
#include "monitor/web/task_requests.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace xebec::monitor::web {

using client::answer_as;
using httplib::Request;
using httplib::Response;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t list_default = 50;
constexpr std::uint64_t list_max = 500;
constexpr milliseconds wait_max{60'000};
// How late it may be noticed that the server ends, or that nobody waits any more.
constexpr milliseconds wait_step{1'000};
// Every open page asks for them every second or two: the broker is asked once for all.
constexpr milliseconds errors_age_max{1'000};
constexpr std::uint32_t errors_looked_at = 1'000;

Json cursor_or_null(std::uint64_t cursor) {
    return cursor == 0 ? Json() : Json(cursor);
}

WallTime wall_now() {
    return runtime::now().wall;
}

// A task, and its payload or result as was asked for.
enum class With { nothing, payload, result };
struct Known {
    TaskInfo info;
    Payload octets;
    std::optional<Error> damage;  // why there are no octets
};

Result<Known> query(Broker& broker, const TaskKey& key, With with) {
    const auto packet = broker.request(protocol::Query{.tasks = {key},
                                                       .with_payload = with == With::payload,
                                                       .with_result = with == With::result});
    const auto answer = answer_as<protocol::QueryAnswer>(packet);
    if (!answer) {
        return answer.error();
    }
    if (answer->items.size() != 1) {
        return Error{ErrorCode::corrupt, "the broker's answer is incomplete", ""};
    }
    const protocol::QueryItem& item = answer->items[0];
    if (!item.task) {
        return client::error_of(item.problem);
    }
    Known known{.info = client::info_of(*item.task)};
    if (item.problem.code != 0) {
        known.damage = client::error_of(item.problem);
    } else if (with == With::payload) {
        known.octets = {std::string(item.payload.view), item.payload_type};
    } else if (with == With::result) {
        known.octets = {std::string(item.result.view), item.result_type};
    }
    return known;
}

class TasksApi {
public:
    TasksApi(Broker& broker, const Board& board) : broker_(broker), board_(board) {}

    void submit(const Request& request, Response& response) const;
    void list(const Request& request, Response& response) const;
    void count(const Request& request, Response& response) const;
    void errors(Response& response) const;
    void show(const Request& request, Response& response) const;
    void payload(const Request& request, Response& response) const;
    void result(const Request& request, Response& response) const;

    template <class Change, class ChangeAnswer>
    void change(const Request& request, Response& response) const;
    template <class Change, class ChangeAnswer>
    void change_all(const Request& request, Response& response) const;

private:
    void show(const TaskKey& key, Purpose purpose, Response& response) const;
    Result<Json> ask_errors() const;
    // False: it has not ended in time, or whoever asked has gone.
    bool wait_for(const TaskKey& key, milliseconds patience, const Request& request) const;

    Broker& broker_;
    const Board& board_;
    Places waits_{result_waits_max};

    struct Errors {
        std::mutex mutex;
        std::optional<Instant> told_at;
        Result<Json> told = Json();
    };
    const std::shared_ptr<Errors> errors_ = std::make_shared<Errors>();
};

// ---- submit ----

Json json_of(const Submitted& submitted) {
    return {{"id", to_string(submitted.id)},
            {"number", submitted.number},
            {"existed", submitted.existed}};
}

Json json_of(const Error& error) {
    return {{"error", client::json_of(told(error, Purpose::change))}};
}

// If nothing but silence came of all of them: what to say of them together.
std::optional<Error> silence_of(const std::vector<Result<Submitted>>& answers) {
    std::optional<Error> silence;
    for (const Result<Submitted>& answer : answers) {
        if (answer || answer.error().code != ErrorCode::timed_out) {
            return std::nullopt;
        }
        if (!silence || silence->is_unsent) {
            silence = answer.error();
        }
    }
    return silence;
}

void TasksApi::submit(const Request& request, Response& response) const {
    const auto submission = parse_submission(request.body);
    if (!submission) {
        return fail(response, submission.error());
    }
    std::vector<NewTask> tasks;
    for (const Result<NewTask>& task : submission->tasks) {
        if (task) {
            tasks.push_back(*task);
        }
    }
    const std::vector<Result<Submitted>> answers = broker_.submit(std::move(tasks));
    if (const auto silence = silence_of(answers);
        silence && answers.size() == submission->tasks.size()) {
        return fail(response, *silence, Purpose::change);
    }
    if (!submission->is_array) {
        const Result<NewTask>& task = submission->tasks[0];
        if (!task || !answers[0]) {
            return fail(response, task ? answers[0].error() : task.error(), Purpose::change);
        }
        response.set_header("Location", "/api/v1/tasks/" + to_string(answers[0]->id));
        return answer(response, json_of(*answers[0]), answers[0]->existed ? 200 : 201);
    }
    Json array = Json::array();
    auto next = answers.begin();
    for (const Result<NewTask>& task : submission->tasks) {
        if (!task) {
            array.push_back(json_of(task.error()));
            continue;
        }
        const Result<Submitted>& submitted = *next++;
        array.push_back(submitted ? json_of(*submitted) : json_of(submitted.error()));
    }
    answer(response, array);
}

// ---- many tasks ----

void TasksApi::list(const Request& request, Response& response) const {
    const auto selected = selected_by(request.params, wall_now());
    const auto limit = number_in(request.params, "limit", list_default, list_max);
    if (!selected || !limit) {
        return fail(response, selected ? limit.error() : selected.error());
    }
    const auto packet =
        broker_.request(protocol::List{.filter = selected->filter(),
                                       .cursor = selected->cursor,
                                       .limit = static_cast<std::uint32_t>(*limit)});
    const auto page = answer_as<protocol::ListAnswer>(packet);
    if (!page) {
        return fail(response, page.error());
    }
    Json tasks = Json::array();
    for (const protocol::TaskView& view : page->items) {
        tasks.push_back(client::json_of(client::info_of(view)));
    }
    answer(response, {{"tasks", std::move(tasks)}, {"cursor", cursor_or_null(page->cursor)}});
}

void TasksApi::count(const Request& request, Response& response) const {
    const auto selected = selected_by(request.params, wall_now());
    if (!selected) {
        return fail(response, selected.error());
    }
    const auto packet = broker_.request(protocol::List{
        .filter = selected->filter(), .cursor = selected->cursor, .count_only = true});
    const auto page = answer_as<protocol::ListAnswer>(packet);
    if (!page) {
        return fail(response, page.error());
    }
    answer(response, {{"count", page->matched}, {"cursor", cursor_or_null(page->cursor)}});
}

// The errors of the newest tasks that failed, those that are most frequent first.
void TasksApi::errors(Response& response) const {
    const std::lock_guard lock(errors_->mutex);  // those who ask meanwhile get the same answer
    if (!errors_->told_at || runtime::now().steady - *errors_->told_at >= errors_age_max) {
        errors_->told = ask_errors();
        errors_->told_at = runtime::now().steady;
    }
    if (!errors_->told) {
        return fail(response, errors_->told.error());
    }
    answer(response, *errors_->told);
}

Result<Json> TasksApi::ask_errors() const {
    constexpr auto bit = [](TaskState state) { return 1U << static_cast<unsigned>(state); };
    const auto packet = broker_.request(
        protocol::List{.filter = {.states = bit(TaskState::dead) | bit(TaskState::scheduled)},
                       .limit = errors_looked_at});
    const auto page = answer_as<protocol::ListAnswer>(packet);
    if (!page) {
        return page.error();
    }
    struct Group {
        std::uint64_t count = 0;
        std::uint64_t latest = 0;
        std::string text;
    };
    std::map<std::string, Group> groups;
    for (const protocol::TaskView& view : page->items) {
        if (!view.error) {
            continue;
        }
        Group& group = groups[std::string(view.error->error_class)];
        if (group.count++ == 0) {
            group.latest = view.number;
            group.text = view.error->text;
        }
    }
    std::vector<std::pair<std::string, Group>> sorted(groups.begin(), groups.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
    Json array = Json::array();
    for (const auto& [error_class, group] : sorted) {
        array.push_back({{"class", error_class},
                         {"count", group.count},
                         {"latest", group.latest},
                         {"text", group.text}});
    }
    return array;
}

template <class Change, class ChangeAnswer>
void TasksApi::change_all(const Request& request, Response& response) const {
    const auto body = client::parse_json(request.body);
    const auto selected = selected_by(body.value_or(Json()), wall_now());
    if (!selected) {
        return fail(response, selected.error());
    }
    const auto packet = broker_.request(
        Change{.filter = selected->filter(), .bulk = true, .cursor = selected->cursor});
    const auto changed = answer_as<ChangeAnswer>(packet);
    if (!changed) {
        return fail(response, changed.error(), Purpose::change);
    }
    answer(response, {{"matched", changed->matched},
                      {"changed", changed->changed},
                      {"cursor", cursor_or_null(changed->cursor)}});
}

// ---- one task ----

void TasksApi::show(const TaskKey& key, Purpose purpose, Response& response) const {
    const auto known = query(broker_, key, With::nothing);
    if (!known) {
        return fail(response, known.error(), purpose);
    }
    answer(response, client::json_with_history(known->info));
}

void TasksApi::show(const Request& request, Response& response) const {
    const auto key = parse_key(request.matches[1].str());
    if (!key) {
        return fail(response, key.error());
    }
    show(*key, Purpose::look, response);
}

template <class Change, class ChangeAnswer>
void TasksApi::change(const Request& request, Response& response) const {
    const auto key = parse_key(request.matches[1].str());
    if (!key) {
        return fail(response, key.error());
    }
    const auto packet = broker_.request(Change{.tasks = {*key}});
    const auto changed = answer_as<ChangeAnswer>(packet);
    if (!changed) {
        return fail(response, changed.error(), Purpose::change);
    }
    if (!changed->items.empty() && changed->items[0].code != 0) {
        return fail(response, client::error_of(changed->items[0]));
    }
    show(*key, Purpose::look_behind_change, response);
}

// Whatever a task's octets say they are, a browser is not to run them: the server's headers forbid
// guessing and everything that a document could load.
void answer_octets(Response& response, const Payload& payload) {
    response.set_content(payload.octets, payload.type == ContentType::json
                                             ? "application/json"
                                             : "application/octet-stream");
}

void TasksApi::payload(const Request& request, Response& response) const {
    const auto key = parse_key(request.matches[1].str());
    if (!key) {
        return fail(response, key.error());
    }
    const auto known = query(broker_, *key, With::payload);
    if (!known) {
        return fail(response, known.error());
    }
    if (known->damage) {
        return fail(response, *known->damage);
    }
    if (is_final(known->info.state) && known->info.state != TaskState::dead) {
        return fail(response, 410, "removed", "a payload is kept until its task has ended");
    }
    answer_octets(response, known->octets);
}

bool TasksApi::wait_for(const TaskKey& key, milliseconds patience, const Request& request) const {
    while (patience.count() > 0 && !board_.is_closed() && !is_client_gone(request)) {
        const milliseconds step = std::min(patience, wait_step);
        const auto outcome = broker_.wait(key, step);
        if (outcome || outcome.error().code != ErrorCode::timed_out) {
            return outcome.has_value();
        }
        patience -= step;
    }
    return false;
}

void TasksApi::result(const Request& request, Response& response) const {
    const auto key = parse_key(request.matches[1].str());
    const std::string patience = request.get_param_value("wait");
    const auto wait = patience.empty() ? std::optional(milliseconds{0}) : parse_duration(patience);
    if (!key || !wait) {
        return fail(response,
                    key ? Error{ErrorCode::malformed,
                                "\"wait\" is a duration with its unit, such as 5s", "bad_value"}
                        : key.error());
    }
    auto known = query(broker_, *key, With::result);
    if (known && !is_final(known->info.state) && wait->count() > 0) {
        const auto place = waits_.take();
        if (!place) {
            return fail(response, 503, "busy", "too many requests wait for results");
        }
        const TaskKey same(known->info.id);  // `last` may be another by then
        if (wait_for(same, std::min(*wait, wait_max), request)) {
            known = query(broker_, same, With::result);
        }
    }
    if (!known) {
        return fail(response, known.error());
    }
    const TaskInfo info = known->info;
    if (!is_final(info.state)) {
        return answer(response, client::json_of(info), 202);
    }
    if (info.state != TaskState::succeeded) {
        const std::string reason = info.error ? info.error->text : "";
        return fail(response, 409, info.error ? info.error->error_class : to_string(info.state),
                    "the task is " + std::string(to_string(info.state)) +
                        (reason.empty() ? "" : ": " + reason));
    }
    if (known->damage) {
        return fail(response, *known->damage);
    }
    answer_octets(response, known->octets);
}

}  // namespace

void add_task_routes(httplib::Server& server, Broker& broker, const Board& board) {
    const TasksApi api(broker, board);
    const std::string tasks = "/api/v1/tasks";
    const std::string one = tasks + "/([^/]+)";
    const ParameterNames filters = selection_names();
    ParameterNames page = filters;
    page.emplace_back("limit");
    server.Post(tasks, taking({}, [api](const Request& q, Response& r) { api.submit(q, r); }));
    server.Get(tasks, taking(page, [api](const Request& q, Response& r) { api.list(q, r); }));
    server.Get(tasks + "/count",
               taking(filters, [api](const Request& q, Response& r) { api.count(q, r); }));
    server.Get("/api/v1/errors", taking({}, [api](const Request&, Response& r) { api.errors(r); }));
    server.Post(tasks + "/cancel", taking({}, [api](const Request& q, Response& r) {
                    api.change_all<protocol::Cancel, protocol::CancelAnswer>(q, r);
                }));
    server.Post(tasks + "/retry", taking({}, [api](const Request& q, Response& r) {
                    api.change_all<protocol::Retry, protocol::RetryAnswer>(q, r);
                }));
    server.Get(one, taking({}, [api](const Request& q, Response& r) { api.show(q, r); }));
    server.Get(one + "/payload",
               taking({}, [api](const Request& q, Response& r) { api.payload(q, r); }));
    server.Get(one + "/result",
               taking({"wait"}, [api](const Request& q, Response& r) { api.result(q, r); }));
    server.Post(one + "/cancel", taking({}, [api](const Request& q, Response& r) {
                    api.change<protocol::Cancel, protocol::CancelAnswer>(q, r);
                }));
    server.Post(one + "/retry", taking({}, [api](const Request& q, Response& r) {
                    api.change<protocol::Retry, protocol::RetryAnswer>(q, r);
                }));
}

}  // namespace xebec::monitor::web

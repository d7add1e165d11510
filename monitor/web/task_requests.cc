#include "monitor/web/task_requests.h"

#include "client/batch_line.h"
#include "protocol/limits.h"
#include "protocol/names.h"
#include "protocol/time_text.h"
#include "protocol/wire_time.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace xebec::monitor::web {

using client::Json;

namespace {

constexpr std::size_t tasks_per_request_max = 10'000;
constexpr std::size_t search_octets_max = 256;

Error bad_value(std::string text) {
    return {ErrorCode::malformed, std::move(text), "bad_value"};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                      : std::nullopt;
}

// Fills a selection, one named value at a time.
class Selector {
public:
    explicit Selector(WallTime now) : now_(now) {}

    void set(const std::string& name, const std::string& value);
    Result<Selected> finish() {
        return problem_ ? Result<Selected>(*problem_) : Result<Selected>(std::move(selected_));
    }

private:
    void complain(std::string text) { problem_ = problem_.value_or(bad_value(std::move(text))); }
    void set_states(std::string_view names);
    void set_instant(const std::string& name, const std::string& value, std::uint64_t& target);
    void set_name(bool (*is_name)(std::string_view), const std::string& what,
                  const std::string& value, std::string& target);

    WallTime now_;
    Selected selected_;
    std::optional<Error> problem_;
};

void Selector::set(const std::string& name, const std::string& value) {
    if (value.empty()) {
        return;  // an empty field of a form selects everything
    }
    if (name == "state") {
        set_states(value);
    } else if (name == "queue") {
        set_name(is_queue_name, "queue", value, selected_.queue);
    } else if (name == "kind") {
        set_name(is_kind, "kind", value, selected_.kind);
    } else if (name == "worker") {
        selected_.worker = value;
    } else if (name == "error") {
        selected_.error = value;
        if (value.size() > search_octets_max) {
            complain("a text to search for has at most " + std::to_string(search_octets_max) +
                     " octets");
        }
    } else if (name == "id_prefix") {
        selected_.id_prefix = value;
    } else if (name == "since") {
        set_instant(name, value, selected_.accepted_from);
    } else if (name == "until") {
        set_instant(name, value, selected_.accepted_to);
    } else if (name == "cursor") {
        const auto number = parse_number(value);
        selected_.cursor = number.value_or(0);
        if (!number) {
            complain("\"cursor\" is the number that the page before gave");
        }
    }
}

void Selector::set_states(std::string_view names) {
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(','), names.size());
        const std::string_view name = names.substr(0, end);
        names.remove_prefix(std::min(end + 1, names.size()));
        const auto state = parse_task_state(name);
        if (!state) {
            complain("\"" + escape_controls(name) + "\" is not a state of a task");
            return;
        }
        selected_.states |= 1U << static_cast<unsigned>(*state);
    }
}

void Selector::set_instant(const std::string& name, const std::string& value,
                           std::uint64_t& target) {
    if (const auto at = parse_utc(value)) {
        target = to_wire(*at);
    } else if (const auto ago = parse_duration(value)) {
        target = to_wire(now_ - *ago);
    } else {
        complain("\"" + name +
                 "\" is a duration back from now such as 10m, or an instant such as "
                 "2026-01-02T03:04:05Z");
    }
}

void Selector::set_name(bool (*is_name)(std::string_view), const std::string& what,
                        const std::string& value, std::string& target) {
    target = value;
    if (!is_name(value)) {
        complain("\"" + escape_controls(value) + "\" is not the name of a " + what);
    }
}

std::string text_of_member(const Json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (!value.is_array()) {
        return value.is_null() ? "" : value.dump();
    }
    std::string text;
    for (const Json& item : value) {
        text += (text.empty() ? "" : ",") + (item.is_string() ? item.get<std::string>() : "?");
    }
    return text;
}

}  // namespace

Result<TaskKey> parse_key(std::string_view text) {
    if (text == "last") {
        return TaskKey(std::uint64_t{0});
    }
    if (const auto number = parse_number(text); number && *number > 0) {
        return TaskKey(*number);
    }
    if (const auto id = parse_task_id(text)) {
        return TaskKey(*id);
    }
    return bad_value("a task is named by its number, by its id, or by \"last\"");
}

protocol::TaskFilter Selected::filter() const {
    return {.states = states,
            .queue = queue,
            .kind = kind,
            .worker = worker,
            .error = error,
            .id_prefix = id_prefix,
            .accepted_from = accepted_from,
            .accepted_to = accepted_to};
}

const std::vector<std::string>& selection_names() {
    static const std::vector<std::string> names{"state",     "queue", "kind",  "worker", "error",
                                                "id_prefix", "since", "until", "cursor"};
    return names;
}

Result<Selected> selected_by(const httplib::Params& query, WallTime now) {
    Selector selector(now);
    for (const auto& [name, value] : query) {
        selector.set(name, value);
    }
    return selector.finish();
}

Result<Selected> selected_by(const Json& body, WallTime now) {
    if (!body.is_object()) {
        return bad_value("the body is a JSON object that says which tasks are meant");
    }
    const std::vector<std::string>& names = selection_names();
    Selector selector(now);
    bool is_all = false;
    for (const auto& [name, value] : body.items()) {
        if (name == "all") {
            if (!value.is_boolean()) {
                return bad_value("\"all\" is true or false");
            }
            is_all = value.get<bool>();
            continue;
        }
        // Passed over, a filter that is misspelt would select everything.
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            return bad_value("\"" + escape_controls(name) + "\" does not select tasks");
        }
        selector.set(name, text_of_member(value));
    }
    auto selected = selector.finish();
    if (selected && selected->is_everything() && !is_all) {
        return bad_value("say which tasks are meant, or \"all\": true for every one");
    }
    return selected;
}

Result<std::uint64_t> number_in(const httplib::Params& query, const std::string& name,
                                std::uint64_t absent, std::uint64_t most) {
    const auto found = query.find(name);
    if (found == query.end() || found->second.empty()) {
        return absent;
    }
    const auto number = parse_number(found->second);
    if (!number || *number == 0 || *number > most) {
        return bad_value("\"" + name + "\" is a whole number from 1 to " + std::to_string(most));
    }
    return *number;
}

Result<Submission> parse_submission(std::string_view body) {
    const auto json = client::parse_json(body);
    if (!json || !(json->is_object() || json->is_array())) {
        return bad_value("the body is a task as a JSON object, or an array of them");
    }
    Submission submission{.is_array = json->is_array()};
    if (!submission.is_array) {
        submission.tasks.push_back(client::parse_batch_line(body, {}));
        return submission;
    }
    if (json->size() > tasks_per_request_max) {
        return Error{ErrorCode::malformed,
                     "at most " + std::to_string(tasks_per_request_max) + " tasks in one request",
                     "too_large"};
    }
    for (const Json& item : *json) {
        submission.tasks.push_back(client::parse_batch_line(item.dump(), {}));
    }
    return submission;
}

}  // namespace xebec::monitor::web

#include "client/batch_line.h"

#include "client/options.h"
#include "client/payload.h"
#include "protocol/limits.h"
#include "protocol/names.h"
#include "protocol/time_text.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace xebec::client {

namespace {

using std::chrono::milliseconds;

// Reads the members of one line into a task; the first complaint ends it.
class LineReader {
public:
    explicit LineReader(const NewTask& defaults) : task_(defaults) {}

    bool read(const std::string& key, const Json& value);
    Result<NewTask> finish();

private:
    bool complain(const std::string& text, const std::string& name = "");
    bool read_text(const std::string& key, const Json& value, std::string& target);
    bool read_span(const std::string& key, const Json& value, milliseconds& target);
    bool read_number(const std::string& key, const Json& value, std::int64_t& target);
    bool read_queue(const Json& value);
    bool read_priority(const Json& value);
    bool read_attempts(const Json& value);
    bool read_run_max(const Json& value);
    bool read_deadline(const Json& value);
    bool read_id(const Json& value);
    bool read_payload(const std::string& key, const Json& value);

    NewTask task_;
    bool has_payload_ = false;
    std::string problem_;
    std::string problem_name_;
};

bool LineReader::read(const std::string& key, const Json& value) {
    if (key == "kind") {
        return read_text(key, value, task_.kind);
    }
    if (key == "queue") {
        return read_queue(value);
    }
    if (key == "priority") {
        return read_priority(value);
    }
    if (key == "attempts") {
        return read_attempts(value);
    }
    if (key == "delay") {
        return read_span(key, value, task_.options.delay);
    }
    if (key == "run_max") {
        return read_run_max(value);
    }
    if (key == "deadline") {
        return read_deadline(value);
    }
    if (key == "id") {
        return read_id(value);
    }
    if (key == "args" || key == "payload" || key == "payload_base64") {
        return read_payload(key, value);
    }
    return complain("\"" + escape_controls(key) +
                    "\" is not a key: kind, args, payload, payload_base64, queue, priority, delay, "
                    "deadline, attempts, run_max, id");
}

Result<NewTask> LineReader::finish() {
    if (problem_.empty() && task_.kind.empty()) {
        complain("there is no \"kind\"");
    }
    if (!problem_.empty()) {
        return Error{ErrorCode::malformed, problem_, problem_name_};
    }
    if (!has_payload_) {
        task_.payload = {"[]", ContentType::json};
    }
    return std::move(task_);
}

bool LineReader::complain(const std::string& text, const std::string& name) {
    problem_ = text;
    problem_name_ = name;
    return false;
}

bool LineReader::read_text(const std::string& key, const Json& value, std::string& target) {
    if (!value.is_string()) {
        return complain("\"" + key + "\" is a text");
    }
    target = value.get<std::string>();
    return true;
}

bool LineReader::read_span(const std::string& key, const Json& value, milliseconds& target) {
    const auto span = value.is_string() ? parse_duration(value.get<std::string>()) : std::nullopt;
    target = span.value_or(milliseconds{0});
    return span || complain("\"" + key + "\" is a duration with its unit, such as \"10m\"");
}

// The bounds are for the caller, who can say them better; beyond them all numbers are alike.
bool LineReader::read_number(const std::string& key, const Json& value, std::int64_t& target) {
    if (!value.is_number_integer()) {
        return complain("\"" + key + "\" is a whole number");
    }
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const bool is_huge =
        value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    target = is_huge ? most : value.get<std::int64_t>();
    return true;
}

bool LineReader::read_queue(const Json& value) {
    return read_text("queue", value, task_.options.queue) &&
           (!task_.options.queue.empty() || complain("a queue's name is not empty", "bad_name"));
}

bool LineReader::read_priority(const Json& value) {
    std::int64_t number = 0;
    if (!read_number("priority", value, number)) {
        return false;
    }
    task_.options.priority = static_cast<int>(std::clamp<std::int64_t>(number, 0, priority_max));
    return task_.options.priority == number ||
           complain("a priority is 0 to 9, not " + value.dump(), "bad_value");
}

bool LineReader::read_attempts(const Json& value) {
    std::int64_t number = 0;
    if (!read_number("attempts", value, number)) {
        return false;
    }
    task_.options.attempts =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 1, attempts_limit));
    return task_.options.attempts == number ||
           complain("there are 1 to " + std::to_string(attempts_limit) + " attempts, not " +
                        value.dump(),
                    "bad_value");
}

bool LineReader::read_run_max(const Json& value) {
    return read_span("run_max", value, task_.options.run_max) &&
           (task_.options.run_max.count() > 0 ||
            complain("a run limit is longer than 0s", "bad_value"));
}

bool LineReader::read_deadline(const Json& value) {
    return (value.is_string() && set_deadline(value.get<std::string>(), task_.options)) ||
           complain(
               "\"deadline\" is an instant such as \"2026-01-02T03:04:05Z\", or a duration from "
               "acceptance, longer than 0s");
}

bool LineReader::read_id(const Json& value) {
    task_.id = value.is_string() ? parse_task_id(value.get<std::string>()) : std::nullopt;
    return task_.id || complain("\"id\" is a UUID");
}

bool LineReader::read_payload(const std::string& key, const Json& value) {
    if (std::exchange(has_payload_, true)) {
        return complain("only one of args, payload and payload_base64 can be given");
    }
    if (key == "args") {
        task_.payload = {value.dump(), ContentType::json};
        return value.is_array() || complain("\"args\" is an array");
    }
    if (key == "payload") {
        task_.payload.type = ContentType::octets;
        return read_text(key, value, task_.payload.octets);
    }
    task_.payload.type = ContentType::octets;
    return (value.is_string() &&
            absl::Base64Unescape(value.get_ref<const std::string&>(), &task_.payload.octets)) ||
           complain("\"payload_base64\" is a text in Base64");
}

}  // namespace

Result<NewTask> parse_batch_line(std::string_view line, const NewTask& defaults) {
    std::optional<std::string> repeated;
    const auto object = parse_json(line, &repeated);
    if (!object || !object->is_object()) {
        return Error{ErrorCode::malformed, "this is not a JSON object", ""};
    }
    if (repeated) {
        return Error{ErrorCode::malformed,
                     "\"" + escape_controls(*repeated) + "\" is there more than once", ""};
    }
    LineReader reader(defaults);
    for (const auto& [key, value] : object->items()) {
        if (!reader.read(key, value)) {
            break;
        }
    }
    return reader.finish();
}

}  // namespace xebec::client

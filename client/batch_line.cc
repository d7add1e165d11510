#include "client/batch_line.h"

#include "client/options.h"
#include "client/payload.h"
#include "protocol/names.h"
#include "protocol/time_text.h"

#include <absl/strings/escaping.h>

#include <chrono>
#include <limits>
#include <string>

namespace xebec::client {

namespace {

using std::chrono::milliseconds;

// Reads the members of one line into a task; the first complaint ends it.
class LineReader {
public:
    LineReader(const NewTask& defaults, WallTime now) : task_(defaults), now_(now) {}

    bool read(const std::string& key, const Json& value);
    Result<NewTask> finish();

private:
    bool complain(const std::string& text);
    bool read_text(const std::string& key, const Json& value, std::string& target);
    bool read_span(const std::string& key, const Json& value, milliseconds& target);
    template <class T>
    bool read_number(const std::string& key, const Json& value, T& target);
    bool read_deadline(const Json& value);
    bool read_id(const Json& value);
    bool read_payload(const std::string& key, const Json& value);

    NewTask task_;
    WallTime now_;
    bool has_payload_ = false;
    std::string problem_;
};

bool LineReader::read(const std::string& key, const Json& value) {
    if (key == "kind") {
        return read_text(key, value, task_.kind);
    }
    if (key == "queue") {
        return read_text(key, value, task_.options.queue);
    }
    if (key == "priority") {
        return read_number(key, value, task_.options.priority);
    }
    if (key == "attempts") {
        return read_number(key, value, task_.options.attempts);
    }
    if (key == "delay") {
        return read_span(key, value, task_.options.delay);
    }
    if (key == "run_max") {
        return read_span(key, value, task_.options.run_max);
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
        return Error{ErrorCode::malformed, problem_, ""};
    }
    if (!has_payload_) {
        task_.payload = {"[]", ContentType::json};
    }
    return std::move(task_);
}

bool LineReader::complain(const std::string& text) {
    problem_ = text;
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
    if (value.is_number_unsigned()) {
        const auto ms = value.get<std::uint64_t>();
        const auto span = parse_duration(std::to_string(ms) + "ms");
        target = span.value_or(milliseconds{-1});
    } else if (value.is_string()) {
        target = parse_duration(value.get<std::string>()).value_or(milliseconds{-1});
    } else {
        target = milliseconds{-1};
    }
    return target.count() >= 0 ||
           complain("\"" + key + "\" is a duration such as \"10m\", or milliseconds");
}

template <class T>
bool LineReader::read_number(const std::string& key, const Json& value, T& target) {
    if (!value.is_number_unsigned() ||
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
        return complain("\"" + key + "\" is a whole number");
    }
    target = value.get<T>();
    return true;
}

bool LineReader::read_deadline(const Json& value) {
    task_.options.deadline =
        value.is_string() ? parse_instant(value.get<std::string>(), now_) : std::nullopt;
    return task_.options.deadline ||
           complain(
               "\"deadline\" is an instant such as \"2026-01-02T03:04:05Z\", or a duration from "
               "now");
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

Result<NewTask> parse_batch_line(std::string_view line, const NewTask& defaults, WallTime now) {
    const auto object = parse_json(line);
    if (!object || !object->is_object()) {
        return Error{ErrorCode::malformed, "this is not a JSON object", ""};
    }
    LineReader reader(defaults, now);
    for (const auto& [key, value] : object->items()) {
        if (!reader.read(key, value)) {
            break;
        }
    }
    return reader.finish();
}

}  // namespace xebec::client

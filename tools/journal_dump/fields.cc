#include "tools/journal_dump/fields.h"

#include "protocol/time_text.h"

#include <string>

namespace xebec::journal_dump {

using namespace broker;

namespace {

class Fields {
public:
    explicit Fields(const journal::Places& places) : places_(places) {}
    Json take() { return std::move(json_); }

    void operator()(const TaskAccepted& r) {
        begin("accepted", r.number);
        identity(r.id, r.content_hash, r.kind, r.queue);
        options(r.priority, r.attempts_max, r.run_max, r.not_before, r.deadline);
        time("at", r.at);
        payload("payload", r.payload, r.content_type, places_.payload_octets);
    }
    void operator()(const TaskDue& r) { plain("due", r.number, r.at); }
    void operator()(const AttemptStarted& r) {
        begin("started", r.number);
        fence(r.fence);
        text("worker", r.worker);
        time("at", r.at);
    }
    void operator()(const AttemptReturned& r) {
        begin("returned", r.number);
        json_["charged"] = r.is_charged;
        error(r.error_class, r.error_text);
        time("at", r.at);
    }
    void operator()(const AttemptFailed& r) {
        begin("failed", r.number);
        error(r.error_class, r.error_text);
        json_["pause_ms"] = r.pause.count();
        json_["run_us"] = r.run_us;
        time("at", r.at);
    }
    void operator()(const TaskSucceeded& r) {
        begin("succeeded", r.number);
        json_["run_us"] = r.run_us;
        time("at", r.at);
        payload("result", r.result, r.result_type, places_.result_octets);
    }
    void operator()(const TaskDied& r) {
        begin("dead", r.number);
        error(r.error_class, r.error_text);
        json_["run_us"] = r.run_us;
        time("at", r.at);
    }
    void operator()(const TaskCancelled& r) { plain("cancelled", r.number, r.at); }
    void operator()(const TaskExpired& r) { plain("expired", r.number, r.at); }
    void operator()(const TaskRetried& r) {
        begin("retried", r.number);
        json_["attempts_max"] = r.attempts_max;
        time("at", r.at);
    }
    void operator()(const TaskRemoved& r) {
        plain("removed", r.number, r.at);
        if (r.is_whole) {
            json_["id"] = to_string(r.id);
            json_["state"] = xebec::to_string(r.state);
            fence(r.fence);
        }
    }
    void operator()(const QueueChanged& r) {
        json_["record"] = "queue";
        json_["queue"] = r.queue;
        json_["paused"] = r.is_paused;
        json_["lease_ms"] = r.settings.lease.count();
        json_["run_max_ms"] = r.settings.run_max.count();
        json_["attempts_max"] = r.settings.attempts_max;
        json_["pause_first_ms"] = r.settings.pause_first.count();
        json_["pause_max_ms"] = r.settings.pause_max.count();
        json_["retention_ms"] = r.settings.retention.count();
        json_["tasks_max"] = r.settings.tasks_max;
    }
    void operator()(const FloorRaised& r) {
        json_["record"] = "floor";
        time("floor", r.floor);
    }
    void operator()(const TaskCarried& r) {
        begin("carried", r.number);
        json_["state"] = xebec::to_string(r.state);
        identity(r.id, r.content_hash, r.kind, r.queue);
        options(r.priority, r.attempts_max, r.run_max, r.not_before, r.deadline);
        json_["attempts"] = r.attempts;
        json_["returned"] = r.is_returned;
        json_["series"] = r.series;
        json_["version"] = r.version;
        fence(r.fence);
        text("worker", r.worker);
        error(r.error_class, r.error_text);
        time("accepted_at", r.accepted_at);
        time("retry_at", r.retry_at);
        time("started_at", r.started_at);
        time("finished_at", r.finished_at);
        json_["finished_order"] = r.finished_order;
        payload("payload", r.payload, r.content_type, places_.payload_octets);
        payload("result", r.result, r.result_type, places_.result_octets);
    }
    void operator()(const TombstoneCarried& r) {
        begin("tombstone", r.number);
        json_["id"] = to_string(r.id);
        json_["state"] = xebec::to_string(r.state);
        fence(r.fence);
        time("removed_at", r.removed_at);
    }
    void operator()(const HistoryCarried& r) {
        begin("history", r.number);
        json_["attempts"] = Json::array();
        for (const PastAttempt& attempt : r.attempts) {
            Fields one(places_);
            one.json_["attempt"] = attempt.attempt;
            one.fence(attempt.fence);
            one.text("worker", attempt.worker);
            one.time("started_at", attempt.started_at);
            one.time("ended_at", attempt.ended_at);
            one.json_["state"] = xebec::to_string(attempt.state);
            one.error(attempt.error_class, attempt.error_text);
            json_["attempts"].push_back(one.take());
        }
    }
    void operator()(const SegmentShelved& r) {
        json_["record"] = "shelved";
        json_["shelf"] = r.segment;
        json_["first"] = r.first;
        json_["runs"] = r.runs;
        json_["last"] = r.is_last;
    }
    void operator()(const BasesCarried& r) {
        json_["record"] = "bases";
        json_["number_last"] = r.number_last;
        json_["finished_order_last"] = r.finished_order_last;
    }

private:
    void begin(const char* type, std::uint64_t number) {
        json_["record"] = type;
        json_["task"] = number;
    }
    void plain(const char* type, std::uint64_t number, WallTime at) {
        begin(type, number);
        time("at", at);
    }
    void identity(const TaskId& id, std::uint64_t hash, std::string_view kind,
                  std::string_view queue) {
        json_["id"] = to_string(id);
        json_["content_hash"] = hash;
        json_["kind"] = kind;
        json_["queue"] = queue;
    }
    void options(std::uint8_t priority, std::uint16_t attempts_max, milliseconds run_max,
                 WallTime not_before, WallTime deadline) {
        json_["priority"] = priority;
        json_["attempts_max"] = attempts_max;
        if (run_max.count() != 0) {
            json_["run_max_ms"] = run_max.count();
        }
        time("not_before", not_before);
        time("deadline", deadline);
    }
    void fence(Fence fence) {
        json_["fence"] = std::to_string(fence.epoch) + "." + std::to_string(fence.attempt);
    }
    void text(const char* name, const Blob& text) {
        if (!text.empty()) {
            json_[name] = text.view();
        }
    }
    void error(const Blob& error_class, const Blob& error_text) {
        text("error_class", error_class);
        text("error_text", error_text);
    }
    void time(const char* name, WallTime at) {
        if (at != WallTime{}) {
            json_[name] = format_utc(at);
        }
    }
    void payload(const std::string& name, const Octets& octets, ContentType type,
                 std::uint32_t size) {
        if (size == 0) {
            return;
        }
        json_[name + "_octets"] = size;
        json_[name + "_type"] = type == ContentType::json ? "json" : "octets";
        if (!octets.view.empty()) {
            json_[name] = octets.view;
        }
    }

    const journal::Places& places_;
    Json json_;
};

struct TaskOf {
    template <class Fact>
    std::optional<std::uint64_t> operator()(const Fact& fact) const {
        if constexpr (requires { fact.number; }) {
            return fact.number;
        } else {
            return std::nullopt;
        }
    }
};

}  // namespace

Json fields_of(const Record& record, const journal::Places& places) {
    Fields fields(places);
    std::visit(fields, record);
    return fields.take();
}

std::optional<std::uint64_t> task_of(const Record& record) {
    return std::visit(TaskOf{}, record);
}

}  // namespace xebec::journal_dump

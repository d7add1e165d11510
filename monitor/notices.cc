#include "monitor/notices.h"

#include "protocol/names.h"
#include "protocol/time_text.h"

#include <nlohmann/json.hpp>

namespace xebec::monitor {

namespace {

std::string counted(std::uint64_t count, std::string_view thing) {
    return std::to_string(count) + " " + std::string(thing) + (count == 1 ? " was" : "s were");
}

std::string sentence(const Notice& notice, const Endpoints& endpoints) {
    switch (notice.kind) {
        case NoticeKind::no_broker:
            return "no broker at " + endpoints.updates + " yet; waiting";
        case NoticeKind::broker_found:
            return "the broker is here";
        case NoticeKind::broker_silent:
            return "the broker at " + endpoints.updates + " is silent; waiting";
        case NoticeKind::broker_back:
            return "the broker is back";
        case NoticeKind::new_epoch:
            return "the broker was restarted, with boot epoch " + std::to_string(notice.epoch) +
                   "; updates up to here may be missing";
        case NoticeKind::gap:
            return counted(notice.count, "update") + " missed in queue " + notice.queue;
        case NoticeKind::no_snapshot:
            return "the broker publishes, but does not answer at " + endpoints.broker +
                   " yet; waiting for its figures";
        case NoticeKind::snapshot_failed:
            return "the broker gave no figures: " + notice.reason;
        case NoticeKind::resynchronised:
            return "resynchronised with the broker";
        case NoticeKind::unreadable:
            return counted(notice.count, "message") + " not readable: " + notice.reason;
        case NoticeKind::gave_up:
            return "nothing was heard at " + endpoints.updates + " in time";
    }
    return {};
}

std::string json_line(const Notice& notice, std::string_view text) {
    nlohmann::ordered_json object{
        {"notice", to_string(notice.kind)}, {"time", format_utc(notice.time)}, {"text", text}};
    if (notice.kind == NoticeKind::gap) {
        object["queue"] = notice.queue;
        object["missed"] = notice.count;
    } else if (notice.kind == NoticeKind::unreadable) {
        object["messages"] = notice.count;
    } else if (notice.kind == NoticeKind::new_epoch) {
        object["epoch"] = notice.epoch;
    }
    return object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(NoticeKind kind) {
    switch (kind) {
        case NoticeKind::no_broker:
            return "no_broker";
        case NoticeKind::broker_found:
            return "broker_found";
        case NoticeKind::broker_silent:
            return "broker_silent";
        case NoticeKind::broker_back:
            return "broker_back";
        case NoticeKind::new_epoch:
            return "new_epoch";
        case NoticeKind::gap:
            return "gap";
        case NoticeKind::no_snapshot:
            return "no_snapshot";
        case NoticeKind::snapshot_failed:
            return "snapshot_failed";
        case NoticeKind::resynchronised:
            return "resynchronised";
        case NoticeKind::unreadable:
            return "unreadable";
        case NoticeKind::gave_up:
            return "gave_up";
    }
    return "unknown";
}

std::string notice_line(const Notice& notice, const Endpoints& endpoints, Style style) {
    const std::string text = sentence(notice, endpoints);
    if (style.json) {
        return json_line(notice, text);
    }
    const std::string line = format_utc(notice.time).substr(11) + "  -- " + escape_controls(text);
    return style.colours ? paint(line, colour::yellow) : line;
}

}  // namespace xebec::monitor

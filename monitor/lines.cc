#include "monitor/lines.h"

#include "protocol/names.h"
#include "protocol/time_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace xebec::monitor {

namespace {

constexpr std::size_t column_width_max = 32;
constexpr std::string_view gap = "  ";
constexpr std::size_t time_width = 13;  // 03:04:05.678Z

std::string_view state_name(const protocol::Update& update) {
    return update.removed ? "removed" : to_string(update.state);
}

std::string_view state_colour(const protocol::Update& update) {
    if (update.removed) {
        return colour::dim;
    }
    switch (update.state) {
        case TaskState::scheduled:
        case TaskState::blocked:
            return colour::blue;
        case TaskState::ready:
            return colour::cyan;
        case TaskState::leased:
            return colour::yellow;
        case TaskState::succeeded:
            return colour::green;
        case TaskState::dead:
            return colour::bold_red;
        case TaskState::cancelled:
        case TaskState::expired:
            return colour::magenta;
    }
    return colour::none;
}

// Zero is a duration only where there always is one.
bool has_duration(const protocol::Update& update) {
    return !update.removed && (update.duration_us > 0 || update.state == TaskState::leased ||
                               update.state == TaskState::succeeded);
}

std::string duration_text(const protocol::Update& update) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return has_duration(update)
               ? format_duration(std::chrono::microseconds{std::min(update.duration_us, most)})
               : "-";
}

std::string text_or_dash(std::string_view text) {
    return text.empty() ? "-" : escape_controls(text);
}

nlohmann::ordered_json text_or_null(std::string_view text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

std::string json_line(const ShowUpdate& shown) {
    const protocol::Update& update = shown.update;
    nlohmann::ordered_json object{
        {"time", format_utc(shown.time)},
        {"epoch", shown.epoch},
        {"sequence", shown.sequence},
        {"number", update.number},
        {"id", to_string(update.id)},
        {"queue", shown.queue},
        {"kind", update.kind},
        {"state", to_string(update.state)},
        {"attempt", update.attempt},
        {"worker", text_or_null(update.worker)},
        {"error", text_or_null(update.error_class)},
        {"duration_us", nullptr},
        {"version", update.version},
        {"removed", update.removed},
    };
    if (has_duration(update)) {
        object["duration_us"] = update.duration_us;
    }
    return object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string UpdateLines::heading() const {
    const auto named = [this](Column column, std::string_view name) {
        return std::string(gap) + align_left(name, widths_[column]);
    };
    const auto counted = [this](Column column, std::string_view name) {
        return std::string(gap) + align_right(name, widths_[column]);
    };
    return align_left("time", time_width) + counted(number, "task") + named(queue, "queue") +
           named(kind, "kind") + named(state, "state") + named(worker, "worker") +
           counted(attempt, "try") + counted(duration, "took");
}

std::string UpdateLines::line(const ShowUpdate& shown) {
    return style_.json ? json_line(shown) : text_line(shown);
}

std::string UpdateLines::text_line(const ShowUpdate& shown) {
    const protocol::Update& update = shown.update;
    const auto painted = [this](const std::string& text, std::string_view parameters) {
        return style_.colours ? paint(text, parameters) : text;
    };
    if (shown.time != time_) {  // a step's updates have the same
        time_ = shown.time;
        time_text_ = format_utc(shown.time).substr(11);
    }
    std::string line = time_text_;
    line += cell(number, std::to_string(update.number));
    line += cell(queue, escape_controls(shown.queue));
    line += cell(kind, text_or_dash(update.kind));
    line += painted(cell(state, state_name(update)), state_colour(update));
    line += cell(worker, text_or_dash(update.worker));
    line += cell(attempt, update.attempt == 0 ? "-" : std::to_string(update.attempt));
    line += cell(duration, duration_text(update));
    if (!update.error_class.empty()) {
        line += gap;
        line += painted(escape_controls(update.error_class), colour::red);
    }
    return line;
}

std::string UpdateLines::cell(Column column, std::string_view text) {
    std::size_t& width = widths_[column];
    width = std::max(width, std::min(width_of(text), column_width_max));
    const bool is_number = column == number || column == attempt || column == duration;
    return std::string(gap) + (is_number ? align_right(text, width) : align_left(text, width));
}

}  // namespace xebec::monitor

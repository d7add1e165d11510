#include "monitor/lines.h"

#include "protocol/names.h"
#include "protocol/time_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
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

// The largest number of so many digits.
std::uint64_t most_of_digits(std::size_t count) {
    std::uint64_t most = 0;
    for (; count > 0 && most <= (std::numeric_limits<std::uint64_t>::max() - 9) / 10; --count) {
        most = most * 10 + 9;
    }
    return most;
}

// A number's decimal digits, for as long as this lives.
class Digits {
public:
    explicit Digits(std::uint64_t value)
        : end_(std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr) {}
    Digits(const Digits&) = delete;
    Digits& operator=(const Digits&) = delete;

    std::string_view view() const {
        return {digits_.data(), static_cast<std::size_t>(end_ - digits_.data())};
    }

private:
    std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits_;
    char* end_;
};

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

const std::string& UpdateLines::line(const ShowUpdate& shown) {
    if (shown.time != time_) {  // a step's updates have the same
        time_ = shown.time;
        time_text_ = format_utc(shown.time);
        latest_.number_end = 0;
    }
    if (is_like_latest(shown)) {
        renew_cells(shown.update);
        return line_;
    }
    line_.clear();
    if (style_.json) {
        append_members(shown);
    } else {
        append_cells(shown);
        keep_latest(shown);
    }
    return line_;
}

// ---- the latest line ----

bool UpdateLines::is_like_latest(const ShowUpdate& shown) const {
    const protocol::Update& update = shown.update;
    return latest_.number_end > 0 && update.state == latest_.state &&
           update.attempt == latest_.attempt && update.removed == latest_.removed &&
           shown.queue == latest_.queue && update.kind == latest_.kind &&
           update.worker == latest_.worker && update.error_class.empty() &&
           update.number <= latest_.number_most;
}

void UpdateLines::renew_cells(const protocol::Update& update) {
    const Digits digits(update.number);
    const auto end = line_.begin() + static_cast<std::ptrdiff_t>(latest_.number_end);
    const auto begin = end - static_cast<std::ptrdiff_t>(widths_[number]);
    std::fill(begin, end, ' ');
    std::copy_backward(digits.view().begin(), digits.view().end(), end);
    if (update.duration_us != latest_.duration_us) {
        latest_.duration_us = update.duration_us;
        line_.resize(latest_.duration_begin);
        append_cell(duration, duration_text(update));
    }
}

void UpdateLines::keep_latest(const ShowUpdate& shown) {
    const protocol::Update& update = shown.update;
    latest_.queue = shown.queue;
    latest_.kind = update.kind;
    latest_.worker = update.worker;
    latest_.state = update.state;
    latest_.attempt = update.attempt;
    latest_.removed = update.removed;
    latest_.duration_us = update.duration_us;
    latest_.number_most = most_of_digits(widths_[number]);
    latest_.number_end = update.error_class.empty() ? time_width + gap.size() + widths_[number] : 0;
}

// ---- columns ----

void UpdateLines::append_cells(const ShowUpdate& shown) {
    const protocol::Update& update = shown.update;
    line_ += std::string_view(time_text_).substr(time_text_.size() - time_width);
    append_number_cell(number, update.number);
    append_text_cell(queue, shown.queue);
    append_text_cell(kind, update.kind);
    const std::size_t before_state = line_.size();
    append_cell(state, state_name(update));
    paint_from(before_state, state_colour(update));
    append_text_cell(worker, update.worker);
    if (update.attempt == 0) {
        append_cell(attempt, "-");
    } else {
        append_number_cell(attempt, update.attempt);
    }
    latest_.duration_begin = line_.size();
    append_cell(duration, duration_text(update));
    if (!update.error_class.empty()) {
        line_ += gap;
        const std::size_t before_error = line_.size();
        line_ += escape_controls(update.error_class);
        paint_from(before_error, colour::red);
    }
}

void UpdateLines::append_number_cell(Column column, std::uint64_t value) {
    append_cell(column, Digits(value).view());
}

void UpdateLines::append_text_cell(Column column, std::string_view text) {
    if (text.empty()) {
        append_cell(column, "-");
    } else if (is_printable_ascii(text)) {
        append_cell(column, text);
    } else {
        const std::string escaped = escape_controls(text);
        append_cell(column, escaped, width_of(escaped));
    }
}

void UpdateLines::append_cell(Column column, std::string_view ascii) {
    append_cell(column, ascii, ascii.size());
}

void UpdateLines::append_cell(Column column, std::string_view text, std::size_t text_width) {
    std::size_t& width = widths_[column];
    width = std::max(width, std::min(text_width, column_width_max));
    const std::size_t padding = width - std::min(text_width, width);
    const bool is_number = column == number || column == attempt || column == duration;
    const std::size_t before = line_.size() + gap.size() + (is_number ? padding : 0);
    line_.append(gap.size() + padding + text.size(), ' ');
    std::copy(text.begin(), text.end(), line_.begin() + static_cast<std::ptrdiff_t>(before));
}

void UpdateLines::paint_from(std::size_t offset, std::string_view parameters) {
    if (style_.colours) {
        line_.replace(offset, std::string::npos,
                      paint(std::string_view(line_).substr(offset), parameters));
    }
}

// ---- JSON ----

void UpdateLines::append_members(const ShowUpdate& shown) {
    const protocol::Update& update = shown.update;
    line_ += R"({"time":")";
    line_ += time_text_;
    line_ += '"';
    append_member("epoch", shown.epoch);
    append_member("sequence", shown.sequence);
    append_member("number", update.number);
    append_member("id", to_string(update.id));
    append_member("queue", shown.queue);
    append_member("kind", update.kind);
    append_member("state", to_string(update.state));
    append_member("attempt", update.attempt);
    append_member_or_null("worker", update.worker);
    append_member_or_null("error", update.error_class);
    if (has_duration(update)) {
        append_member("duration_us", update.duration_us);
    } else {
        append_name("duration_us");
        line_ += "null";
    }
    append_member("version", update.version);
    append_name("removed");
    line_ += update.removed ? "true}" : "false}";
}

void UpdateLines::append_name(std::string_view name) {
    line_ += ",\"";
    line_ += name;
    line_ += "\":";
}

void UpdateLines::append_member(std::string_view name, std::uint64_t value) {
    append_name(name);
    line_ += Digits(value).view();
}

void UpdateLines::append_member(std::string_view name, std::string_view text) {
    append_name(name);
    if (is_printable_ascii(text) && text.find_first_of("\"\\") == std::string_view::npos) {
        line_ += '"';
        line_ += text;
        line_ += '"';
    } else {
        using nlohmann::json;
        line_ += json(text).dump(-1, ' ', true, json::error_handler_t::replace);
    }
}

void UpdateLines::append_member_or_null(std::string_view name, std::string_view text) {
    if (text.empty()) {
        append_name(name);
        line_ += "null";
    } else {
        append_member(name, text);
    }
}

}  // namespace xebec::monitor

#include <xebec/task.h>

#include <array>

namespace xebec {

namespace {

constexpr std::array<std::string_view, task_state_count> state_names{
    "scheduled", "blocked", "ready", "leased", "succeeded", "dead", "cancelled", "expired"};

}  // namespace

std::string_view to_string(TaskState state) {
    const auto index = static_cast<std::size_t>(state);
    return index < state_names.size() ? state_names[index] : "unknown";
}

std::optional<TaskState> parse_task_state(std::string_view text) {
    for (std::size_t i = 0; i < state_names.size(); ++i) {
        if (state_names[i] == text) {
            return static_cast<TaskState>(i);
        }
    }
    return std::nullopt;
}

}  // namespace xebec

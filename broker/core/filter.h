#pragma once
// Which tasks a list or a bulk action means; owns its texts, because a walk over the tasks lasts
// longer than the request.

#include "protocol/messages.h"

#include <xebec/task.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xebec::broker {

// How an id begins: some hexadecimal digits.
class IdPrefix {
public:
    IdPrefix() = default;

    // Hyphens count for nothing. False: there are others than digits, or too many.
    bool parse(std::string_view text);
    bool matches(const TaskId& id) const;

private:
    TaskId begin_{};
    std::size_t digits_ = 0;
};

struct Filter {
    std::uint32_t states = 0;  // bit n: TaskState n; 0: all
    std::string queue;
    std::string kind;
    std::string worker;
    std::string error;
    IdPrefix id;
    std::uint64_t accepted_from = 0;
    std::uint64_t accepted_to = 0;

    // Gives why not, in a sentence, if it is not one.
    std::string_view assign(const protocol::TaskFilter& filter);

    bool has_state(TaskState state) const {
        return states == 0 || (states >> static_cast<unsigned>(state) & 1U) != 0;
    }
    bool was_accepted_at(std::uint64_t at) const {
        return at >= accepted_from && (accepted_to == 0 || at < accepted_to);
    }
    bool has_error(std::string_view error_class, std::string_view error_text) const;
};

}  // namespace xebec::broker

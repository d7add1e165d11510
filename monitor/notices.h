#pragma once
// What happens to the watching itself, in words.

#include "monitor/columns.h"
#include "monitor/core.h"

#include <string>
#include <string_view>

namespace xebec::monitor {

// Where this reader listens and asks, as the user named it.
struct Endpoints {
    std::string updates;
    std::string broker;
};

std::string_view to_string(NoticeKind kind);  // the stable name, as in JSON

// One line without a line feed.
std::string notice_line(const Notice& notice, const Endpoints& endpoints, Style style);

}  // namespace xebec::monitor

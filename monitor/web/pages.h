#pragma once
// The files of the pages, built into the program.

#include <httplib.h>
#include <optional>
#include <string>
#include <string_view>

namespace xebec::monitor::web {

struct Page {
    std::string_view name;
    std::string_view content;
    std::string_view type;  // of its content, as HTTP names it
    std::string tag;        // changes with the content
};

std::optional<Page> find_page(std::string_view name);

// Whether it came of somebody who opened or followed an address in a browser.
bool wants_page(const httplib::Request& request);
void answer_missing(httplib::Response& response);

void add_page_routes(httplib::Server& server);

}  // namespace xebec::monitor::web

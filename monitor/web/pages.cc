#include "monitor/web/pages.h"

#include "monitor/web/answers.h"
#include "monitor/web/embedded.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>

namespace xebec::monitor::web {

using httplib::Request;
using httplib::Response;

namespace {

std::string_view type_of(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> types{
        {{".html", "text/html; charset=utf-8"},
         {".css", "text/css; charset=utf-8"},
         {".js", "text/javascript; charset=utf-8"},
         {".json", "application/json"},
         {".svg", "image/svg+xml"}}};
    for (const auto& [ending, type] : types) {
        if (name.ends_with(ending)) {
            return type;
        }
    }
    return "application/octet-stream";
}

const std::map<std::string_view, Page>& all_pages() {
    static const std::map<std::string_view, Page> pages = [] {
        std::map<std::string_view, Page> made;
        for (const EmbeddedFile& file : embedded_files()) {
            const std::size_t hash = std::hash<std::string_view>{}(file.content);
            made.emplace(file.name, Page{.name = file.name,
                                         .content = file.content,
                                         .type = type_of(file.name),
                                         .tag = "\"" + std::to_string(hash) + "\""});
        }
        return made;
    }();
    return pages;
}

// A browser keeps it, and asks each time whether it is still the same: so a newer program is seen
// at once.
void send(const Request& request, Response& response, std::string_view name) {
    const auto page = find_page(name);
    if (!page) {
        return fail(response, 404, "unknown_page", "there is no such page");
    }
    response.set_header("Cache-Control", "no-cache");
    response.set_header("ETag", page->tag);
    if (request.get_header_value("If-None-Match") == page->tag) {
        response.status = 304;
        return;
    }
    response.set_content(page->content.data(), page->content.size(), std::string(page->type));
}

}  // namespace

std::optional<Page> find_page(std::string_view name) {
    const auto found = all_pages().find(name);
    return found == all_pages().end() ? std::nullopt : std::optional(found->second);
}

bool wants_page(const Request& request) {
    return !request.path.starts_with("/api/") &&
           request.get_header_value("Accept").find("text/html") != std::string::npos;
}

void answer_missing(Response& response) {
    if (const auto page = find_page("missing.html")) {
        response.set_content(page->content.data(), page->content.size(), std::string(page->type));
    }
}

void add_page_routes(httplib::Server& server) {
    // Which of them is shown, the script says by the path.
    server.Get("/(queues|workers|tasks|tasks/[^/]+|submit)?",
               [](const Request& q, Response& r) { send(q, r, "index.html"); });
    server.Get("/assets/([A-Za-z0-9._/-]+)",
               [](const Request& q, Response& r) { send(q, r, q.matches[1].str()); });
    server.Get("/favicon.ico", [](const Request& q, Response& r) { send(q, r, "icon.svg"); });
    server.Get("/api/v1/openapi.json",
               [](const Request& q, Response& r) { send(q, r, "openapi.json"); });
}

}  // namespace xebec::monitor::web

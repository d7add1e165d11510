#include "monitor/web/parameters.h"

#include "monitor/web/answers.h"
#include "protocol/names.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace xebec::monitor::web {

namespace {

std::string complaint(std::string_view name, const ParameterNames& names) {
    return "\"" + escape_controls(name) + "\" is not a parameter of this request, which has " +
           (names.empty() ? "none" : absl::StrJoin(names, ", "));
}

}  // namespace

httplib::Server::Handler taking(ParameterNames names, httplib::Server::Handler handler) {
    return [names = std::move(names), handler = std::move(handler)](const httplib::Request& request,
                                                                    httplib::Response& response) {
        for (const auto& [name, value] : request.params) {
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                return fail(response, 400, "bad_value", complaint(name, names));
            }
        }
        handler(request, response);
    };
}

}  // namespace xebec::monitor::web

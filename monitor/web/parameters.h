#pragma once
// Which parameters the query of a request may have. Passed over, a filter that is misspelt would
// select everything: so one that is unknown is refused.

#include <httplib.h>
#include <string>
#include <vector>

namespace xebec::monitor::web {

using ParameterNames = std::vector<std::string>;

// `handler`, for requests with no other parameters than these.
httplib::Server::Handler taking(ParameterNames names, httplib::Server::Handler handler);

}  // namespace xebec::monitor::web

#pragma once
// How the web server answers: JSON, the errors as JSON, and their status.

#include "client/json.h"

#include <xebec/error.h>
#include <xebec/task.h>

#include <httplib.h>
#include <string_view>

namespace xebec::monitor::web {

using client::Json;

void answer(httplib::Response& response, const Json& body, int status = 200);

// {"error": {"class": …, "text": …}}. Says with Retry-After when a later try can help.
void fail(httplib::Response& response, int status, std::string_view error_class,
          std::string_view text);

// What a request was for. One that was to change something may have done so unanswered; a look
// behind a change that was confirmed does not take that back.
enum class Purpose { look, change, look_behind_change };

// As this API tells it: every error has a class.
Error told(const Error& error, Purpose purpose);
void fail(httplib::Response& response, const Error& error, Purpose purpose = Purpose::look);

int status_of(const Error& error);

}  // namespace xebec::monitor::web

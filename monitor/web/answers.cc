#include "monitor/web/answers.h"

#include "client/core.h"
#include "protocol/errors.h"

#include <string>

namespace xebec::monitor::web {

namespace {

constexpr std::string_view no_answer = "no_answer";

int status_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::unknown_task:
        case Refusal::unknown_queue:
        case Refusal::unknown_worker:
            return 404;
        case Refusal::conflict:
        case Refusal::already_final:
        case Refusal::not_dead:
            return 409;
        case Refusal::too_large:
            return 413;
        case Refusal::queue_full:
        case Refusal::retry_later:
        case Refusal::too_many_names:
        case Refusal::read_only:
        case Refusal::shutting_down:
        case Refusal::not_registered:
            return 503;
        case Refusal::internal:
            return 502;
        default:
            return 400;
    }
}

}  // namespace

int status_of(const Error& error) {
    if (!error.name.empty()) {
        return status_of(to_refusal(error.name));
    }
    switch (error.code) {
        case ErrorCode::malformed:
        case ErrorCode::refused:
            return 400;
        case ErrorCode::timed_out:
            return 504;
        case ErrorCode::unavailable:
            return 503;
        case ErrorCode::corrupt:
            return 502;
    }
    return 500;
}

void answer(httplib::Response& response, const Json& body, int status) {
    response.status = status;
    response.set_content(client::line_of(body) + "\n", "application/json");
}

void fail(httplib::Response& response, int status, std::string_view error_class,
          std::string_view text) {
    if (status == 503) {
        response.set_header("Retry-After", "1");
    }
    if (status == 401) {
        response.set_header("WWW-Authenticate", "Bearer");
    }
    answer(response, {{"error", {{"class", error_class}, {"text", text}}}}, status);
}

namespace {

std::string_view what_became_of(Purpose purpose, const Error& error) {
    switch (purpose) {
        case Purpose::look:
            return "";
        case Purpose::look_behind_change:
            return "; the change has been made";
        case Purpose::change:
            break;
    }
    return error.is_unsent ? "; the request was not sent" : "; the request may have taken effect";
}

}  // namespace

Error told(const Error& error, Purpose purpose) {
    if (!error.name.empty()) {
        return error;
    }
    switch (error.code) {
        case ErrorCode::malformed:
            return {error.code, error.detail, "bad_value"};
        case ErrorCode::timed_out:
            return {error.code,
                    "the broker does not answer" + std::string(what_became_of(purpose, error)),
                    std::string(no_answer)};
        case ErrorCode::refused:
        case ErrorCode::unavailable:
        case ErrorCode::corrupt:
            return {error.code, error.detail, std::string(to_string(error.code))};
    }
    return error;
}

void fail(httplib::Response& response, const Error& error, Purpose purpose) {
    const Error shown = told(error, purpose);
    fail(response, status_of(error), shown.name, shown.detail);
}

}  // namespace xebec::monitor::web

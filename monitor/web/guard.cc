#include "monitor/web/guard.h"

#include <absl/strings/ascii.h>
#include <absl/strings/strip.h>

#include <algorithm>

namespace xebec::monitor::web {

namespace {

constexpr std::string_view bearer = "Bearer ";
constexpr std::string_view session_path = "/api/v1/session";

bool is_change(std::string_view method) {
    return method != "GET" && method != "HEAD";
}

// The pages themselves hold nothing secret: they ask for the token.
bool is_protected(std::string_view path) {
    return path == "/metrics" || (path.starts_with("/api/") && path != session_path);
}

bool is_equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const char other = b.empty() ? '\0' : b[i % b.size()];
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
    }
    return difference == 0;
}

std::string_view without_scheme(std::string_view origin) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) {
            return origin.substr(scheme.size());
        }
    }
    return {};  // "null", and what is no page's
}

Denial forbidden(std::string text) {
    return {403, "forbidden", std::move(text)};
}

}  // namespace

std::optional<Denial> Guard::check(const Asked& asked) const {
    if (!is_known_host(asked.host)) {
        return forbidden(
            "this server does not answer to that host name; --allow-host adds one to its list");
    }
    if (is_protected(asked.path) && needs_token() && !has_token(asked)) {
        return Denial{401, "unauthorized",
                      "send the token this monitor was started with: Authorization: Bearer TOKEN"};
    }
    if (!is_change(asked.method)) {
        return std::nullopt;
    }
    if (auto denial = check_origin(asked)) {
        return denial;
    }
    if (options_.read_only && asked.path != session_path) {
        return Denial{403, "read_only", "this monitor was started with --read-only"};
    }
    return std::nullopt;
}

std::optional<Denial> Guard::check_origin(const Asked& asked) const {
    const bool is_from_browser = !asked.fetch_site.empty() || !asked.origin.empty();
    if (!is_from_browser) {
        const bool is_named = asked.authorization.starts_with(bearer);
        return options_.on_loopback || is_named || asked.path == session_path
                   ? std::nullopt
                   : std::optional(
                         forbidden("a change from elsewhere needs Authorization: Bearer TOKEN"));
    }
    const bool is_same_site = asked.fetch_site.empty() || asked.fetch_site == "same-origin";
    const bool is_same_origin = asked.origin.empty() || is_known_host(without_scheme(asked.origin));
    return is_same_site && is_same_origin
               ? std::nullopt
               : std::optional(forbidden("only this server's own pages may change something"));
}

bool Guard::is_known_host(std::string_view host) const {
    const std::string name = absl::AsciiStrToLower(absl::string_view(host.data(), host.size()));
    return std::find(options_.hosts.begin(), options_.hosts.end(), name) != options_.hosts.end();
}

bool Guard::has_token(const Asked& asked) const {
    if (asked.authorization.starts_with(bearer)) {
        return is_token(asked.authorization.substr(bearer.size()));
    }
    return !options_.session.empty() &&
           is_equal_in_constant_time(cookie_of(asked.cookie, session_cookie), options_.session);
}

bool Guard::is_token(std::string_view text) const {
    return needs_token() && is_equal_in_constant_time(text, options_.token);
}

std::string_view cookie_of(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(';'), header.size());
        std::string_view pair = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
            return pair.substr(name.size() + 1);
        }
    }
    return {};
}

}  // namespace xebec::monitor::web

#pragma once
// Decides who may ask the web server what, from a request's headers alone. Pure.
//
// A browser sends requests to this server on behalf of whatever page is open in it. Other sites'
// pages are kept out three times: a name of theirs that points here is not on the list of hosts
// (DNS rebinding), they may not read what they fetch (no CORS headers are ever sent), and what
// changes something must come from a page of this server.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {

struct GuardOptions {
    std::vector<std::string> hosts;  // exact values of the Host header, lower case, with the port
    std::string token;               // empty: none is asked for
    std::string session;             // what the cookie of a browser that knew the token says
    bool on_loopback = true;         // only this machine can connect
    bool read_only = false;
};

// What matters of a request. Empty: the header is absent.
struct Asked {
    std::string_view method;
    std::string_view path;
    std::string_view host;
    std::string_view origin;
    std::string_view fetch_site;  // Sec-Fetch-Site
    std::string_view authorization;
    std::string_view cookie;
};

struct Denial {
    int status = 403;
    std::string error_class;
    std::string text;

    friend bool operator==(const Denial&, const Denial&) = default;
};

class Guard {
public:
    explicit Guard(GuardOptions options) : options_(std::move(options)) {}

    // Nothing: it may go on.
    std::optional<Denial> check(const Asked& asked) const;

    // Of a login: whether this is the token. Takes the same time for any wrong one.
    bool is_token(std::string_view text) const;

    bool needs_token() const { return !options_.token.empty(); }
    bool read_only() const { return options_.read_only; }
    const std::string& session() const { return options_.session; }

private:
    bool is_known_host(std::string_view host) const;
    bool has_token(const Asked& asked) const;
    std::optional<Denial> check_origin(const Asked& asked) const;

    GuardOptions options_;
};

constexpr std::string_view session_cookie = "xebec_session";

// The value of a cookie in a Cookie header; empty if there is none.
std::string_view cookie_of(std::string_view header, std::string_view name);

}  // namespace xebec::monitor::web

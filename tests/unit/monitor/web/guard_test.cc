#include "monitor/web/guard.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor::web {
namespace {

constexpr std::string_view own = "127.0.0.1:5580";
const std::string token = "0123456789abcdef";
const std::string session = "fedcba9876543210";

GuardOptions local() {
    return {.hosts = {"127.0.0.1:5580", "localhost:5580", "[::1]:5580"}};
}

GuardOptions remote() {
    return {.hosts = {"queue.lan:5580"}, .token = token, .session = session, .on_loopback = false};
}

Asked get(std::string_view path, std::string_view host = own) {
    return {.method = "GET", .path = path, .host = host};
}

Asked post(std::string_view path, std::string_view host = own) {
    return {.method = "POST", .path = path, .host = host};
}

// 0: it may go on.
int status_of(const GuardOptions& options, const Asked& asked) {
    const auto denial = Guard(options).check(asked);
    return denial ? denial->status : 0;
}

int remote_status(std::string_view authorization, std::string_view cookie = {}) {
    Asked asked = get("/api/v1/tasks", "queue.lan:5580");
    asked.authorization = authorization;
    asked.cookie = cookie;
    return status_of(remote(), asked);
}

TEST(Guard, AnswersToItsOwnNamesOnly) {
    for (const std::string_view host :
         {"127.0.0.1:5580", "localhost:5580", "[::1]:5580", "LocalHost:5580"}) {
        EXPECT_EQ(status_of(local(), get("/", host)), 0) << host;
    }
    for (const std::string_view host :
         {"", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:55800", "localhost", "localhost.:5580",
          "evil.example:5580", "localhost:5580.evil.example", "evil.example@localhost:5580",
          " localhost:5580", "::1:5580", "localhost:5580,evil.example"}) {
        EXPECT_EQ(status_of(local(), get("/", host)), 403) << host;
        EXPECT_EQ(status_of(local(), get("/api/v1/tasks", host)), 403) << host;
        EXPECT_EQ(status_of(local(), post("/api/v1/tasks", host)), 403) << host;
    }
}

TEST(Guard, SaysWhatToDoAboutAName) {
    const auto denial = Guard(local()).check(get("/", "queue.lan:5580"));

    ASSERT_TRUE(denial);
    EXPECT_EQ(denial->error_class, "forbidden");
    EXPECT_NE(denial->text.find("--allow-host"), std::string::npos);
}

TEST(Guard, HasNoNamesUnlessTheyAreGiven) {
    EXPECT_EQ(status_of({}, get("/", "")), 403);
}

TEST(Guard, TakesChangesFromItsOwnPages) {
    for (const std::string_view method : {"POST", "PATCH", "PUT", "DELETE", "OPTIONS"}) {
        Asked asked = post("/api/v1/tasks");
        asked.method = method;
        asked.fetch_site = "same-origin";
        asked.origin = "http://127.0.0.1:5580";

        EXPECT_EQ(status_of(local(), asked), 0) << method;
    }
}

TEST(Guard, RefusesChangesFromOtherSites) {
    for (const std::string_view site : {"cross-site", "same-site", "none", "Same-Origin", "x"}) {
        Asked asked = post("/api/v1/tasks");
        asked.fetch_site = site;
        EXPECT_EQ(status_of(local(), asked), 403) << site;

        asked.origin = "http://127.0.0.1:5580";  // contradicts it
        EXPECT_EQ(status_of(local(), asked), 403) << site;
    }
}

TEST(Guard, RefusesChangesFromOtherOrigins) {
    for (const std::string_view origin :
         {"null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:3000",
          "http://127.0.0.1:5580.evil.example", "http://127.0.0.1:5580/", "127.0.0.1:5580",
          "file://", "ftp://127.0.0.1:5580", "http://", "http://http://127.0.0.1:5580"}) {
        Asked asked = post("/api/v1/tasks");
        asked.origin = origin;
        EXPECT_EQ(status_of(local(), asked), 403) << origin;

        asked.fetch_site = "same-origin";  // contradicts it
        EXPECT_EQ(status_of(local(), asked), 403) << origin;
    }
}

TEST(Guard, TakesAnyOfItsNamesAsOrigin) {
    for (const std::string_view origin :
         {"http://127.0.0.1:5580", "http://localhost:5580", "HTTP://x", "https://localhost:5580"}) {
        Asked asked = post("/api/v1/tasks");
        asked.origin = origin;

        EXPECT_EQ(status_of(local(), asked), origin == "HTTP://x" ? 403 : 0) << origin;
    }
}

TEST(Guard, RefusesForeignOriginsEvenWithTheToken) {
    Asked asked = post("/api/v1/tasks", "queue.lan:5580");
    const std::string authorization = "Bearer " + token;
    asked.authorization = authorization;
    asked.origin = "http://evil.example";

    EXPECT_EQ(status_of(remote(), asked), 403);
}

TEST(Guard, LetsReadingGoOnWhateverTheOrigin) {
    Asked asked = get("/api/v1/tasks");
    asked.fetch_site = "cross-site";
    asked.origin = "http://evil.example";
    EXPECT_EQ(status_of(local(), asked), 0);

    asked.method = "HEAD";
    EXPECT_EQ(status_of(local(), asked), 0);
}

TEST(Guard, TakesChangesOfProgramsOnThisMachine) {
    EXPECT_EQ(status_of(local(), post("/api/v1/tasks")), 0);
}

TEST(Guard, TakesChangesOfProgramsElsewhereWithTheTokenOnly) {
    const std::string authorization = "Bearer " + token;
    const std::string cookie = "xebec_session=" + session;
    Asked asked = post("/api/v1/tasks", "queue.lan:5580");
    EXPECT_EQ(status_of(remote(), asked), 401);

    asked.cookie = cookie;
    EXPECT_EQ(status_of(remote(), asked), 403) << "a cookie is sent without the page's knowledge";

    asked.authorization = authorization;
    EXPECT_EQ(status_of(remote(), asked), 0);

    asked.authorization = {};
    asked.fetch_site = "same-origin";
    EXPECT_EQ(status_of(remote(), asked), 0) << "one of its own pages";
}

TEST(Guard, KnowsTheToken) {
    const std::string longer = "Bearer " + token + "0";
    const std::string twice = "Bearer " + token + token;
    const std::string shorter = "Bearer " + token.substr(1);
    const std::string prefix = "Bearer " + token.substr(0, 8);
    const std::string spaced = "Bearer  " + token;
    const std::string other = "Basic " + token;

    EXPECT_EQ(remote_status("Bearer " + token), 0);
    for (const std::string_view wrong :
         {std::string_view(longer), std::string_view(twice), std::string_view(shorter),
          std::string_view(prefix), std::string_view(spaced), std::string_view(other),
          std::string_view(token), std::string_view("Bearer "), std::string_view("Bearer"),
          std::string_view("Bearer 0123456789abcdeF"), std::string_view()}) {
        EXPECT_EQ(remote_status(wrong), 401) << wrong;
    }
}

TEST(Guard, TakesTheCookieOfASession) {
    EXPECT_EQ(remote_status({}, "xebec_session=" + session), 0);
    EXPECT_EQ(remote_status({}, "a=b; xebec_session=" + session + "; c=d"), 0);
    for (const std::string& wrong :
         {std::string("xebec_session="), std::string("xebec_session"), "xebec_session=" + token,
          "xebec_session=" + session.substr(1), "other=" + session, "xxebec_session=" + session,
          "xebec_session=" + session + "0"}) {
        EXPECT_EQ(remote_status({}, wrong), 401) << wrong;
    }
}

TEST(Guard, LetsAWrongTokenNotHideBehindACookie) {
    EXPECT_EQ(remote_status("Bearer wrong", "xebec_session=" + session), 401);
}

TEST(Guard, HasNoSessionUntilThereIsOne) {
    GuardOptions options = remote();
    options.session.clear();
    Asked asked = get("/api/v1/tasks", "queue.lan:5580");
    asked.cookie = "xebec_session=";

    EXPECT_EQ(status_of(options, asked), 401);
}

TEST(Guard, ProtectsWhatTellsOrDoesSomething) {
    for (const std::string_view path :
         {"/api/v1/tasks", "/api/v1/live", "/api/v1/openapi.json", "/api/v2", "/api/",
          "/api/v1/session/", "/api/v1/session/x", "/api/v1//session", "/metrics"}) {
        EXPECT_EQ(status_of(remote(), get(path, "queue.lan:5580")), 401) << path;
    }
}

TEST(Guard, LeavesThePagesOpen) {
    for (const std::string_view path : {"/", "/tasks", "/assets/main.js", "/favicon.ico"}) {
        EXPECT_EQ(status_of(remote(), get(path, "queue.lan:5580")), 0) << path;
    }
}

TEST(Guard, LetsAnybodyLogInFromItsOwnPages) {
    Asked asked = post("/api/v1/session", "queue.lan:5580");
    EXPECT_EQ(status_of(remote(), asked), 0);

    asked.origin = "http://queue.lan:5580";
    EXPECT_EQ(status_of(remote(), asked), 0);
    asked.origin = "http://evil.example";
    EXPECT_EQ(status_of(remote(), asked), 403);
}

TEST(Guard, ChangesNothingWhenReadOnly) {
    GuardOptions options = local();
    options.read_only = true;
    for (const std::string_view method : {"POST", "PATCH", "PUT", "DELETE"}) {
        Asked asked = post("/api/v1/tasks");
        asked.method = method;
        const auto denial = Guard(options).check(asked);

        ASSERT_TRUE(denial) << method;
        EXPECT_EQ(denial->status, 403);
        EXPECT_EQ(denial->error_class, "read_only");
    }
    EXPECT_EQ(status_of(options, get("/api/v1/tasks")), 0);
    EXPECT_EQ(status_of(options, post("/api/v1/session")), 0);
}

TEST(Guard, HasNoTokenThatAnybodyCouldSend) {
    const Guard guard(local());

    EXPECT_FALSE(guard.needs_token());
    EXPECT_FALSE(guard.is_token(""));
    EXPECT_FALSE(guard.is_token("x"));
}

TEST(Guard, ComparesTheWholeToken) {
    const Guard guard(remote());

    EXPECT_TRUE(guard.is_token(token));
    EXPECT_FALSE(guard.is_token(""));
    EXPECT_FALSE(guard.is_token(token.substr(0, 15)));
    EXPECT_FALSE(guard.is_token(token + "0"));
    EXPECT_FALSE(guard.is_token(session));
}

TEST(CookieOf, FindsOneOfSeveral) {
    EXPECT_EQ(cookie_of("a=1; b=2;c=3", "a"), "1");
    EXPECT_EQ(cookie_of("a=1; b=2;c=3", "b"), "2");
    EXPECT_EQ(cookie_of("a=1; b=2;c=3", "c"), "3");
    EXPECT_EQ(cookie_of("a=1=2", "a"), "1=2");
    EXPECT_EQ(cookie_of("a=1; a=2", "a"), "1");
}

TEST(CookieOf, IsEmptyWithoutOne) {
    for (const std::string_view header : {"", ";", ";;", " ", "a", "ab=1", "a =1", "=a"}) {
        EXPECT_EQ(cookie_of(header, "a"), "") << header;
    }
}

}  // namespace
}  // namespace xebec::monitor::web

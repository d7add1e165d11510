#include "client/payload.h"
#include "monitor/web/server.h"
#include "monitor/web/tasks_api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "runtime/clock.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <httplib.h>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;
using client::Json;
using protocol::Message;

constexpr milliseconds generous = 20s;
const std::string token = "0123456789abcdef";
const TaskId id = *parse_task_id("0190a8b0-0000-7000-8000-00000000002a");
const std::string id_text = to_string(id);

Broker::Answer packet(const Message& message) {
    return protocol::encode({}, message);
}

protocol::Problem problem(Refusal refusal) {
    return {.code = static_cast<std::uint16_t>(refusal), .text = "because"};
}

protocol::TaskView task_view(TaskState state) {
    return {.number = 42,
            .id = id,
            .kind = "add",
            .queue = "default",
            .state = state,
            .attempts = 1,
            .attempts_max = 5,
            .accepted_at = 1'000};
}

// A broker that answers as the test says; every request is a line of what was asked.
class FakeBroker final : public Broker {
public:
    Answer request(const Message& message) override {
        const std::lock_guard lock(mutex_);
        asked_.push_back(message.index());
        return answer(message);
    }
    std::vector<Result<Submitted>> submit(std::vector<NewTask> tasks) override {
        const std::lock_guard lock(mutex_);
        std::vector<Result<Submitted>> answers;
        for (NewTask& task : tasks) {
            answers.push_back(accept(task));
            submitted_.push_back(std::move(task));
        }
        return answers;
    }
    Result<Outcome> wait(const TaskKey& task, milliseconds timeout) override {
        return waiting(task, timeout);
    }

    std::size_t submitted() const {
        const std::lock_guard lock(mutex_);
        return submitted_.size();
    }
    std::size_t asked() const {
        const std::lock_guard lock(mutex_);
        return asked_.size();
    }
    NewTask last_submitted() const {
        const std::lock_guard lock(mutex_);
        return submitted_.at(submitted_.size() - 1);
    }

    // Set before anything is asked. `answer` is called under a lock, the others are not.
    std::function<Answer(const Message&)> answer = [](const Message&) -> Answer {
        return Error{ErrorCode::timed_out, "no answer", ""};
    };
    std::function<Result<Submitted>(const NewTask&)> accept =
        [](const NewTask& task) -> Result<Submitted> {
        return Submitted{.id = task.id.value_or(id), .number = 42, .existed = false};
    };
    std::function<Result<Outcome>(const TaskKey&, milliseconds)> waiting =
        [](const TaskKey&, milliseconds) -> Result<Outcome> {
        return Error{ErrorCode::timed_out, "not yet", ""};
    };

private:
    mutable std::mutex mutex_;
    std::vector<std::size_t> asked_;
    std::vector<NewTask> submitted_;
};

// Octets to and from the server, without any idea of HTTP.
class RawConnection {
public:
    explicit RawConnection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot connect");
        }
    }
    RawConnection(RawConnection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;
    ~RawConnection() {
        if (socket_ >= 0) {
            ::close(socket_);
        }
    }

    void send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;  // the server has had enough; what it said can still be read
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    // Until there is this text, or no more.
    std::string read_until(std::string_view mark) {
        while (text_.find(mark) == std::string::npos && read_some()) {
        }
        return text_;
    }
    std::string read_all() {
        while (read_some()) {
        }
        return text_;
    }
    // Whether the server has ended it, after waiting for that.
    bool has_ended() {
        while (read_some()) {
        }
        return ended_;
    }

private:
    bool read_some() {
        pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(generous.count())) != 1) {
            return false;
        }
        char buffer[65536];
        const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
        ended_ = count <= 0;
        text_.append(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
        return !ended_;
    }

    int socket_;
    std::string text_;
    bool ended_ = false;
};

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\r'));
}

class ApiTest : public testing::Test {
protected:
    ApiTest() { start({}); }

    void start(GuardOptions guard) {
        server_.reset();
        board_ = std::make_unique<Board>();
        show(Picture{});
        server_ = std::make_unique<Server>(
            ServerOptions{.address = "127.0.0.1", .guard = std::move(guard)}, broker_, *board_);
        client_ = std::make_unique<httplib::Client>("127.0.0.1", server_->port());
        client_->set_read_timeout(std::chrono::minutes(5));  // a debugger's or a sanitizer's pace
    }

    httplib::Response get(const std::string& path, const httplib::Headers& headers = {}) {
        return taken(client_->Get(path, headers), path);
    }
    httplib::Response post(const std::string& path, const std::string& body = "",
                           const httplib::Headers& headers = {}) {
        return taken(client_->Post(path, headers, body, "application/json"), path);
    }
    httplib::Response patch(const std::string& path, const std::string& body) {
        return taken(client_->Patch(path, body, "application/json"), path);
    }

    std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
    RawConnection connect() const { return RawConnection(server_->port()); }
    std::string ask_raw(const std::string& text) const {
        RawConnection connection = connect();
        connection.send(text);
        return connection.read_all();
    }
    RawConnection open_stream() const {
        RawConnection connection = connect();
        connection.send("GET /api/v1/live HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
        return connection;
    }

    void show(std::string live) {
        Picture picture;
        picture.live = std::move(live);
        show(std::move(picture));
    }
    void show(Picture picture) {
        picture.seen_at = picture.seen_at.value_or(runtime::now().wall);
        board_->show(std::make_shared<const Picture>(std::move(picture)));
    }

    // Of an answer that is about one task: what the broker says of it.
    void know(const protocol::QueryItem& item) {
        broker_.answer = [item](const Message& message) {
            EXPECT_TRUE(std::holds_alternative<protocol::Query>(message));
            return packet(protocol::QueryAnswer{.items = {item}});
        };
    }

    FakeBroker broker_;
    std::unique_ptr<Board> board_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<httplib::Client> client_;

private:
    static httplib::Response taken(httplib::Result result, const std::string& path) {
        EXPECT_TRUE(result) << path << ": " << httplib::to_string(result.error());
        return result ? *result : httplib::Response{};
    }
};

Json json_in(const httplib::Response& response) {
    EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << response.body;
    return json;
}

void expect_error(const httplib::Response& response, int status, std::string_view error_class) {
    EXPECT_EQ(response.status, status);
    const Json json = json_in(response);
    ASSERT_TRUE(json.contains("error")) << json;
    EXPECT_EQ(json["error"]["class"], error_class);
    EXPECT_NE(json["error"]["text"], "");
}

void expect_safe(const httplib::Headers& headers) {
    const auto value = [&headers](const std::string& name) {
        EXPECT_EQ(headers.count(name), 1U) << name;
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    };
    EXPECT_EQ(value("Content-Security-Policy").find("default-src 'none'; script-src 'self';"), 0U);
    EXPECT_EQ(value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(value("Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_EQ(value("Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(value("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(headers.count("Access-Control-Allow-Origin"), 0U);
}

void expect_safe(const std::string& raw) {
    for (const char* line : {"\r\nContent-Security-Policy: default-src 'none'",
                             "\r\nX-Content-Type-Options: nosniff\r\n",
                             "\r\nCross-Origin-Resource-Policy: same-origin\r\n"}) {
        EXPECT_NE(raw.find(line), std::string::npos) << line << " in " << raw.substr(0, 600);
    }
}

// ---- submit ----

TEST_F(ApiTest, SubmitsATask) {
    const auto response = post("/api/v1/tasks", R"({"kind": "add", "args": [1, 2]})");

    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(json_in(response), Json({{"id", id_text}, {"number", 42}, {"existed", false}}));
    EXPECT_EQ(response.get_header_value("Location"), "/api/v1/tasks/" + id_text);
    EXPECT_EQ(broker_.last_submitted().kind, "add");
    EXPECT_EQ(broker_.last_submitted().payload, (Payload{"[1,2]", ContentType::json}));
}

TEST_F(ApiTest, SaysThatATaskExisted) {
    broker_.accept = [](const NewTask&) -> Result<Submitted> {
        return Submitted{.id = id, .number = 7, .existed = true};
    };

    const auto response = post("/api/v1/tasks", R"({"kind": "add"})");

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(json_in(response)["existed"], true);
}

TEST_F(ApiTest, SubmitsTasksEachAlone) {
    broker_.accept = [](const NewTask& task) -> Result<Submitted> {
        if (task.kind == "full") {
            return to_error(Refusal::queue_full, "the queue is full");
        }
        return Submitted{.id = id, .number = task.kind == "a" ? 1U : 2U, .existed = false};
    };

    const auto response =
        post("/api/v1/tasks", R"([{"kind": "a"}, {"x": 1}, {"kind": "full"}, {"kind": "b"}])");

    EXPECT_EQ(response.status, 200);
    const Json json = json_in(response);
    ASSERT_EQ(json.size(), 4U);
    EXPECT_EQ(json[0]["number"], 1);
    EXPECT_EQ(json[1]["error"]["class"], "bad_value");
    EXPECT_EQ(json[2]["error"]["class"], "queue_full");
    EXPECT_EQ(json[3]["number"], 2);
    EXPECT_EQ(broker_.submitted(), 3U);
}

TEST_F(ApiTest, RefusesWhatIsNoTask) {
    expect_error(post("/api/v1/tasks", ""), 400, "bad_value");
    expect_error(post("/api/v1/tasks", "7"), 400, "bad_value");
    expect_error(post("/api/v1/tasks", "{\"kind\": \"a\""), 400, "bad_value");
    expect_error(post("/api/v1/tasks", "{}"), 400, "bad_value");
    expect_error(post("/api/v1/tasks", R"({"kind": "a", "x": 1})"), 400, "bad_value");
    expect_error(post("/api/v1/tasks", R"({"kind": "a", "priority": 10})"), 400, "bad_value");
    EXPECT_EQ(broker_.submitted(), 0U);
}

TEST_F(ApiTest, SaysWhyATaskWasRefused) {
    const std::vector<std::pair<Refusal, int>> cases{
        {Refusal::conflict, 409},      {Refusal::too_large, 413},   {Refusal::queue_full, 503},
        {Refusal::retry_later, 503},   {Refusal::read_only, 503},   {Refusal::too_many_names, 503},
        {Refusal::shutting_down, 503}, {Refusal::bad_name, 400},    {Refusal::bad_value, 400},
        {Refusal::too_old, 400},       {Refusal::unsupported, 400}, {Refusal::internal, 502}};
    for (const auto& [refusal, status] : cases) {
        broker_.accept = [refusal = refusal](const NewTask&) -> Result<Submitted> {
            return to_error(refusal, "because");
        };
        const auto response = post("/api/v1/tasks", R"({"kind": "a"})");

        expect_error(response, status, to_string(refusal));
        EXPECT_EQ(response.has_header("Retry-After"), status == 503);
    }
}

TEST_F(ApiTest, TakesAPayloadOfSixteenMebibytesInBase64) {
    const std::string base64(std::size_t{22} << 20, 'A');

    EXPECT_EQ(post("/api/v1/tasks", R"({"kind": "a", "payload_base64": ")" + base64 + "\"}").status,
              201);
    EXPECT_EQ(broker_.last_submitted().payload.octets.size(), base64.size() / 4 * 3);
}

TEST_F(ApiTest, RefusesALargerBody) {
    const std::string body((std::size_t{24} << 20) + 1, ' ');

    const auto response = post("/api/v1/tasks", body);

    expect_error(response, 413, "too_large");
    expect_safe(response.headers);
}

// ---- many tasks ----

TEST_F(ApiTest, ListsTasks) {
    broker_.answer = [](const Message& message) {
        const auto& list = std::get<protocol::List>(message);
        EXPECT_EQ(list.filter.queue, "q");
        EXPECT_EQ(list.filter.states, 1U << static_cast<unsigned>(TaskState::dead));
        EXPECT_EQ(list.cursor, 77U);
        EXPECT_EQ(list.limit, 3U);
        EXPECT_FALSE(list.count_only);
        return packet(protocol::ListAnswer{.items = {task_view(TaskState::dead)}, .cursor = 41});
    };

    const auto response = get("/api/v1/tasks?queue=q&state=dead&cursor=77&limit=3");

    EXPECT_EQ(response.status, 200);
    const Json json = json_in(response);
    EXPECT_EQ(json["cursor"], 41);
    ASSERT_EQ(json["tasks"].size(), 1U);
    EXPECT_EQ(json["tasks"][0]["number"], 42);
    EXPECT_EQ(json["tasks"][0]["state"], "dead");
    EXPECT_EQ(json["tasks"][0]["accepted_at"], "1970-01-01T00:00:01.000Z");
}

TEST_F(ApiTest, ListsFiftyTasksWithoutALimit) {
    broker_.answer = [](const Message& message) {
        EXPECT_EQ(std::get<protocol::List>(message).limit, 50U);
        return packet(protocol::ListAnswer{});
    };

    const auto response = get("/api/v1/tasks");

    EXPECT_EQ(json_in(response), Json({{"tasks", Json::array()}, {"cursor", nullptr}}));
    expect_error(get("/api/v1/tasks?limit=501"), 400, "bad_value");
    expect_error(get("/api/v1/tasks?state=asleep"), 400, "bad_value");
    EXPECT_EQ(broker_.asked(), 1U);
}

TEST_F(ApiTest, CountsTasks) {
    broker_.answer = [](const Message& message) {
        EXPECT_TRUE(std::get<protocol::List>(message).count_only);
        return packet(protocol::ListAnswer{.cursor = 5, .matched = 123});
    };

    EXPECT_EQ(json_in(get("/api/v1/tasks/count?kind=add")), Json({{"count", 123}, {"cursor", 5}}));
    expect_error(get("/api/v1/tasks/count?kind=a%20b"), 400, "bad_value");
}

TEST_F(ApiTest, RefusesParametersThatThereAreNot) {
    for (const char* path :
         {"/api/v1/tasks?x=1", "/api/v1/tasks?state=dead&x", "/api/v1/tasks/count?x=dead",
          "/api/v1/tasks/count?limit=5&x=1", "/api/v1/tasks/1?x=1", "/api/v1/tasks/1/payload?x=1",
          "/api/v1/tasks/1/result?x=5s", "/api/v1/errors?x=1", "/api/v1/queues?x=1",
          "/api/v1/workers?x=1", "/api/v1/workers/lost?x=1", "/api/v1/stats?x=1",
          "/api/v1/history?x=1", "/api/v1/live?x=1", "/api/v1/updates?x=1"}) {
        const auto response = get(path);
        expect_error(response, 400, "bad_value");
        const std::string text = json_in(response)["error"]["text"];
        EXPECT_TRUE(text.starts_with("\"x\" is not a parameter of this request, which has ") ||
                    text.starts_with("\"limit\""))
            << path << ": " << text;
    }
    for (const char* path : {"/api/v1/tasks?x=1", "/api/v1/tasks/cancel?state=dead",
                             "/api/v1/tasks/retry?kind=a", "/api/v1/tasks/1/cancel?x=1",
                             "/api/v1/queues/a/pause?x=1", "/api/v1/workers/w/drain?x"}) {
        expect_error(post(path, R"({"kind": "a"})"), 400, "bad_value");
    }
    EXPECT_EQ(json_in(get("/api/v1/updates?x=1"))["error"]["text"],
              "\"x\" is not a parameter of this request, which has queue, kind, state");
    EXPECT_EQ(broker_.asked(), 0U);
    EXPECT_EQ(broker_.submitted(), 0U);
}

TEST_F(ApiTest, GroupsErrors) {
    broker_.answer = [](const Message& message) {
        EXPECT_EQ(std::get<protocol::List>(message).limit, 1'000U);
        auto rare = task_view(TaskState::dead);
        rare.number = 9;
        rare.error = protocol::Failure{"rare", "r"};
        auto often = task_view(TaskState::scheduled);
        often.number = 8;
        often.error = protocol::Failure{"often", "newest"};
        auto again = often;
        again.number = 7;
        again.error = protocol::Failure{"often", "older"};
        return packet(
            protocol::ListAnswer{.items = {rare, task_view(TaskState::scheduled), often, again}});
    };

    EXPECT_EQ(json_in(get("/api/v1/errors")),
              Json::parse(R"([{"class": "often", "count": 2, "latest": 8, "text": "newest"},
                              {"class": "rare", "count": 1, "latest": 9, "text": "r"}])"));
}

TEST_F(ApiTest, AsksForErrorsOnceForAllPages) {
    constexpr int pages = 20;
    broker_.answer = [](const Message&) { return packet(protocol::ListAnswer{}); };
    const Instant start = runtime::now().steady;

    for (int i = 0; i < pages; ++i) {
        EXPECT_EQ(json_in(get("/api/v1/errors")), Json::array());
    }

    const auto passed =
        std::chrono::duration_cast<std::chrono::seconds>(runtime::now().steady - start).count();
    EXPECT_LE(broker_.asked(), static_cast<std::size_t>(1 + passed));
}

TEST_F(ApiTest, CancelsAndRetriesManyTasks) {
    broker_.answer = [](const Message& message) {
        if (const auto* retry = std::get_if<protocol::Retry>(&message)) {
            EXPECT_TRUE(retry->bulk);
            EXPECT_EQ(retry->cursor, 5U);
            return packet(protocol::RetryAnswer{.matched = 3, .changed = 1});
        }
        const auto& cancel = std::get<protocol::Cancel>(message);
        EXPECT_TRUE(cancel.bulk);
        EXPECT_TRUE(cancel.tasks.empty());
        EXPECT_EQ(cancel.filter.kind, "add");
        return packet(protocol::CancelAnswer{.matched = 10, .changed = 9, .cursor = 77});
    };

    EXPECT_EQ(json_in(post("/api/v1/tasks/cancel", R"({"kind": "add"})")),
              Json({{"matched", 10}, {"changed", 9}, {"cursor", 77}}));
    EXPECT_EQ(json_in(post("/api/v1/tasks/retry", R"({"state": ["dead"], "cursor": 5})")),
              Json({{"matched", 3}, {"changed", 1}, {"cursor", nullptr}}));
}

TEST_F(ApiTest, ChangesNothingWithoutSayingWhichTasks) {
    for (const char* body :
         {"", "[]", "null", "\"dead\"", "{}", R"({"all": false})", R"({"state": "asleep"})"}) {
        expect_error(post("/api/v1/tasks/cancel", body), 400, "bad_value");
        expect_error(post("/api/v1/tasks/retry", body), 400, "bad_value");
    }
    EXPECT_EQ(broker_.asked(), 0U);
}

// ---- one task ----

TEST_F(ApiTest, ShowsATaskByAnyOfItsNames) {
    std::vector<protocol::TaskRef> asked;
    broker_.answer = [&asked](const Message& message) {
        const auto& query = std::get<protocol::Query>(message);
        EXPECT_FALSE(query.with_payload || query.with_result);
        asked.insert(asked.end(), query.tasks.begin(), query.tasks.end());
        return packet(protocol::QueryAnswer{.items = {{.task = task_view(TaskState::ready)}}});
    };

    for (const std::string& key : {std::string("42"), id_text, std::string("last")}) {
        const auto response = get("/api/v1/tasks/" + key);
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(json_in(response)["id"], id_text);
    }

    EXPECT_EQ(asked, (std::vector<protocol::TaskRef>{std::uint64_t{42}, id, std::uint64_t{0}}));
}

TEST_F(ApiTest, SaysThatThereIsNoSuchTask) {
    know({.problem = problem(Refusal::unknown_task)});

    for (const char* path :
         {"/api/v1/tasks/7", "/api/v1/tasks/7/payload", "/api/v1/tasks/7/result"}) {
        expect_error(get(path), 404, "unknown_task");
    }
    for (const char* path :
         {"/api/v1/tasks/x", "/api/v1/tasks/0/payload", "/api/v1/tasks/-1/result"}) {
        expect_error(get(path), 400, "bad_value");
    }
}

TEST_F(ApiTest, GivesThePayloadOfATask) {
    broker_.answer = [](const Message& message) {
        EXPECT_TRUE(std::get<protocol::Query>(message).with_payload);
        return packet(protocol::QueryAnswer{.items = {{.task = task_view(TaskState::dead),
                                                       .payload = Octets(std::string_view("[1]")),
                                                       .payload_type = ContentType::json}}});
    };

    const auto response = get("/api/v1/tasks/42/payload");

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "[1]");
    EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
}

TEST_F(ApiTest, GivesOctetsThatABrowserDoesNotRun) {
    const std::string hostile = "<html><script>alert(1)</script>\0\xff";
    know({.task = task_view(TaskState::ready), .payload = Octets(std::string_view(hostile))});

    const auto response = get("/api/v1/tasks/42/payload");

    EXPECT_EQ(response.body, hostile);
    EXPECT_EQ(response.get_header_value("Content-Type"), "application/octet-stream");
    expect_safe(response.headers);
}

TEST_F(ApiTest, HasNoPayloadAfterTheEnd) {
    know({.task = task_view(TaskState::succeeded)});

    expect_error(get("/api/v1/tasks/42/payload"), 410, "removed");
}

TEST_F(ApiTest, GivesTheResultOfATask) {
    broker_.answer = [](const Message& message) {
        EXPECT_TRUE(std::get<protocol::Query>(message).with_result);
        return packet(protocol::QueryAnswer{.items = {{.task = task_view(TaskState::succeeded),
                                                       .result = Octets(std::string_view("3")),
                                                       .result_type = ContentType::json}}});
    };

    const auto response = get("/api/v1/tasks/42/result");

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "3");
    EXPECT_EQ(response.get_header_value("Content-Type"), "application/json");
}

TEST_F(ApiTest, ShowsTheTaskWhoseResultIsNotThereYet) {
    know({.task = task_view(TaskState::leased)});

    for (const char* path : {"/api/v1/tasks/42/result", "/api/v1/tasks/42/result?wait=0s",
                             "/api/v1/tasks/42/result?wait=1ms"}) {
        const auto response = get(path);
        EXPECT_EQ(response.status, 202);
        EXPECT_EQ(json_in(response)["state"], "leased");
    }
    for (const char* wait : {"x", "5", "-5s"}) {
        expect_error(get("/api/v1/tasks/42/result?wait=" + std::string(wait)), 400, "bad_value");
    }
}

TEST_F(ApiTest, WaitsForAResult) {
    auto state = std::make_shared<std::atomic<TaskState>>(TaskState::leased);
    broker_.answer = [state](const Message&) {
        return packet(protocol::QueryAnswer{
            .items = {{.task = task_view(*state), .result = Octets(std::string_view("x"))}}});
    };
    broker_.waiting = [state](const TaskKey& task, milliseconds) -> Result<Outcome> {
        EXPECT_EQ(std::get<TaskId>(task), id) << "last may be another by then";
        *state = TaskState::succeeded;
        return Outcome{.id = id};
    };

    const auto response = get("/api/v1/tasks/last/result?wait=1h");

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "x");
}

TEST_F(ApiTest, SaysWhyThereIsNoResult) {
    auto dead = task_view(TaskState::dead);
    dead.error = protocol::Failure{"timed_out", "took <too> long"};
    know({.task = dead});
    const auto response = get("/api/v1/tasks/42/result");
    expect_error(response, 409, "timed_out");
    EXPECT_EQ(json_in(response)["error"]["text"], "the task is dead: took <too> long");

    know({.task = task_view(TaskState::cancelled)});
    expect_error(get("/api/v1/tasks/42/result"), 409, "cancelled");
}

TEST_F(ApiTest, CancelsAndRetriesATask) {
    broker_.answer = [](const Message& message) {
        if (std::holds_alternative<protocol::Query>(message)) {
            return packet(
                protocol::QueryAnswer{.items = {{.task = task_view(TaskState::cancelled)}}});
        }
        if (const auto* retry = std::get_if<protocol::Retry>(&message)) {
            EXPECT_FALSE(retry->bulk);
            return packet(protocol::RetryAnswer{.items = {problem(Refusal::not_dead)}});
        }
        const auto& cancel = std::get<protocol::Cancel>(message);
        EXPECT_FALSE(cancel.bulk);
        EXPECT_EQ(cancel.tasks, (std::vector<protocol::TaskRef>{std::uint64_t{42}}));
        return packet(protocol::CancelAnswer{.items = {{}}});
    };

    const auto cancelled = post("/api/v1/tasks/42/cancel");
    EXPECT_EQ(cancelled.status, 200);
    EXPECT_EQ(json_in(cancelled)["state"], "cancelled");
    expect_error(post("/api/v1/tasks/42/retry"), 409, "not_dead");
    expect_error(post("/api/v1/tasks/x/cancel"), 400, "bad_value");
}

// ---- queues, workers, the broker ----

TEST_F(ApiTest, ShowsTheQueuesOfThePicture) {
    EXPECT_EQ(json_in(get("/api/v1/queues")), Json::array());

    Picture picture;
    picture.queues = {Json{{"name", "a"}}, Json{{"name", "b"}}};
    show(std::move(picture));
    board_->change_history(
        [](History& history) { history.add_ready(runtime::now().wall, "a", 7); });

    EXPECT_EQ(json_in(get("/api/v1/queues")), Json::parse(R"([{"name": "a"}, {"name": "b"}])"));
    const Json with_sparks = json_in(get("/api/v1/queues?spark=1"));
    ASSERT_EQ(with_sparks[0]["spark"].size(), 60U);
    EXPECT_EQ(std::count(with_sparks[0]["spark"].begin(), with_sparks[0]["spark"].end(), 7), 1);
    EXPECT_EQ(std::count(with_sparks[1]["spark"].begin(), with_sparks[1]["spark"].end(), Json()),
              60);
    EXPECT_EQ(broker_.asked(), 0U);
}

TEST_F(ApiTest, SaysHowOldIsWhatItHasSeen) {
    for (const char* path : {"/api/v1/queues", "/api/v1/workers", "/api/v1/workers/lost"}) {
        show(Picture{.seen_at = runtime::now().wall + 1min});  // the clock was put back
        EXPECT_EQ(get(path).get_header_value("Age"), "0") << path;

        show(Picture{.seen_at = runtime::now().wall - 1h});
        EXPECT_EQ(get(path).get_header_value("Age").substr(0, 2), "36") << path;
    }
}

TEST_F(ApiTest, HasNoQueuesOfABrokerThatItHasNeverSeen) {
    board_->show(std::make_shared<const Picture>());

    expect_error(get("/api/v1/queues"), 504, "no_answer");
}

TEST_F(ApiTest, WaitsForTheFirstLook) {
    board_->show(std::make_shared<const Picture>());
    RawConnection connection = connect();
    connection.send("GET /api/v1/workers HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");

    show(Picture{});

    EXPECT_EQ(first_line(connection.read_all()), "HTTP/1.1 200 OK");
}

TEST_F(ApiTest, ChangesAQueue) {
    broker_.answer = [](const Message& message) {
        if (const auto* set = std::get_if<protocol::QueueSet>(&message)) {
            EXPECT_EQ(set->name, "a");
            EXPECT_EQ(set->settings, (protocol::QueueSettings{.lease_ms = 5, .attempts_max = 2}));
            return packet(protocol::QueueSetAnswer{});
        }
        if (const auto* pause = std::get_if<protocol::Pause>(&message)) {
            EXPECT_EQ(pause->queues, std::vector<std::string_view>{"a"});
            return packet(protocol::PauseAnswer{.items = {{}}});
        }
        if (std::holds_alternative<protocol::Resume>(message)) {
            return packet(protocol::ResumeAnswer{.items = {{}}});
        }
        EXPECT_EQ(std::get<protocol::Queues>(message).only, "a");
        return packet(protocol::QueuesAnswer{.items = {{.name = "a", .paused = true}}});
    };

    const auto expect_changed = [this](const httplib::Response& response) {
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(json_in(response)["paused"], true);
        EXPECT_TRUE(board_->take_hurry());
    };
    expect_changed(patch("/api/v1/queues/a", R"({"lease_ms": 5, "attempts": 2})"));
    expect_changed(post("/api/v1/queues/a/pause"));
    expect_changed(post("/api/v1/queues/a/resume"));
}

TEST_F(ApiTest, RefusesSettingsThatAreNone) {
    for (const char* body :
         {"", "[]", "7", R"({"lease": 5})", R"({"lease_ms": "5s"})", R"({"lease_ms": -1})",
          R"({"lease_ms": 1.5})", R"({"attempts": 4294967296})", R"({"lease_ms": null})"}) {
        expect_error(patch("/api/v1/queues/a", body), 400, "bad_value");
    }
    EXPECT_EQ(broker_.asked(), 0U);

    broker_.answer = [](const Message&) {
        return packet(protocol::QueueSetAnswer{.problem = problem(Refusal::bad_name)});
    };
    expect_error(patch("/api/v1/queues/a%20b", "{}"), 400, "bad_name");
    EXPECT_FALSE(board_->take_hurry());
}

TEST_F(ApiTest, SaysThatThereIsNoSuchQueue) {
    broker_.answer = [](const Message&) {
        return packet(protocol::PauseAnswer{.items = {problem(Refusal::unknown_queue)}});
    };

    expect_error(post("/api/v1/queues/b/pause"), 404, "unknown_queue");
}

TEST_F(ApiTest, ShowsTheWorkersOfThePicture) {
    EXPECT_EQ(json_in(get("/api/v1/workers")), Json::array());
    EXPECT_FALSE(board_->take_hurry());

    Picture picture;
    picture.workers = {Json{{"name", "w"}}};
    picture.lost = {
        {.name = "v", .host = "h", .process = 4, .slots = 2, .held = 1, .lost_at = WallTime{1s}}};
    show(std::move(picture));

    EXPECT_EQ(json_in(get("/api/v1/workers?recent=1")), Json::parse(R"([{"name": "w"}])"));
    EXPECT_TRUE(board_->take_hurry());
    EXPECT_TRUE(board_->is_workers_wanted(runtime::now().steady));
    EXPECT_EQ(json_in(get("/api/v1/workers/lost")),
              Json::parse(R"([{"name": "v", "host": "h", "process": 4, "slots": 2, "held": 1,
                               "lost_at": "1970-01-01T00:00:01.000Z"}])"));
}

TEST_F(ApiTest, DrainsAWorker) {
    broker_.answer = [](const Message& message) {
        const auto& drain = std::get<protocol::Drain>(message);
        const bool is_known = drain.workers == std::vector<std::string_view>{"w 1"};
        return packet(protocol::DrainAnswer{
            .items = {is_known ? protocol::Problem{} : problem(Refusal::unknown_worker)}});
    };

    const auto response = post("/api/v1/workers/w%201/drain");
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(json_in(response), Json::object());
    expect_error(post("/api/v1/workers/v/drain"), 404, "unknown_worker");
}

TEST_F(ApiTest, ShowsTheFigures) {
    broker_.answer = [](const Message& message) {
        EXPECT_TRUE(std::holds_alternative<protocol::Stats>(message));
        return packet(protocol::StatsAnswer{.figures = {.epoch = 3, .uptime_ms = 5}});
    };

    const Json json = json_in(get("/api/v1/stats"));

    EXPECT_EQ(json["epoch"], 3);
    EXPECT_EQ(json["uptime_ms"], 5);
}

TEST_F(ApiTest, ShowsTheHistory) {
    const WallTime now = runtime::now().wall;
    board_->change_history([now](History& history) {
        Point point{};
        point[static_cast<std::size_t>(Column::workers)] = 3.04;
        history.add(now, point);
        history.add(Mark{now - 2h, MarkKind::worker_lost, "old"});
        history.add(Mark{now, MarkKind::worker_joined, "w"});
    });

    const Json json = json_in(get("/api/v1/history"));

    EXPECT_EQ(json["step_ms"], 10'000);
    EXPECT_EQ(json["columns"].size(), column_count);
    const Json& workers = json["columns"]["workers"];
    EXPECT_EQ(workers.size(), 360U);
    EXPECT_EQ(std::count(workers.begin(), workers.end(), 3.0), 1);
    EXPECT_EQ(std::count(workers.begin(), workers.end(), Json()), 359);
    EXPECT_EQ(json["end"].get<std::int64_t>() - json["start"].get<std::int64_t>() <= 3'600'000,
              true);
    ASSERT_EQ(json["marks"].size(), 1U);
    EXPECT_EQ(json["marks"][0]["kind"], "worker_joined");
    EXPECT_EQ(json_in(get("/api/v1/history?step=1"))["columns"]["workers"].size(), 3'600U);
    expect_error(get("/api/v1/history?step=0"), 400, "bad_value");
    expect_error(get("/api/v1/history?step=61"), 400, "bad_value");
}

// ---- errors ----

TEST_F(ApiTest, SaysThatTheBrokerDoesNotAnswer) {
    for (const char* path :
         {"/api/v1/tasks", "/api/v1/tasks/count", "/api/v1/tasks/1", "/api/v1/tasks/1/payload",
          "/api/v1/tasks/1/result", "/api/v1/errors", "/api/v1/stats"}) {
        const auto response = get(path);
        expect_error(response, 504, "no_answer");
        EXPECT_EQ(json_in(response)["error"]["text"], "the broker does not answer");
    }
    for (const char* path :
         {"/api/v1/tasks/1/cancel", "/api/v1/queues/a/pause", "/api/v1/workers/w/drain"}) {
        const auto response = post(path);
        expect_error(response, 504, "no_answer");
        EXPECT_EQ(json_in(response)["error"]["text"],
                  "the broker does not answer; the request may have taken effect");
    }
    expect_error(patch("/api/v1/queues/a", "{}"), 504, "no_answer");
    expect_error(post("/api/v1/tasks/cancel", R"({"all": true})"), 504, "no_answer");
}

TEST_F(ApiTest, SaysOfTasksThatTheBrokerDoesNotAnswerWhetherTheyWereSent) {
    broker_.accept = [&](const NewTask& task) -> Result<Submitted> {
        if (task.kind == "full") {
            return to_error(Refusal::queue_full, "because");
        }
        return Error{
            .code = ErrorCode::timed_out, .detail = "no answer", .is_unsent = task.kind != "sent"};
    };
    const std::string not_sent = "the broker does not answer; the request was not sent";
    const std::string may_have = "the broker does not answer; the request may have taken effect";

    for (const auto& [body, text] : std::vector<std::pair<std::string, std::string>>{
             {R"({"kind": "a"})", not_sent},
             {R"([{"kind": "a"}, {"kind": "b"}])", not_sent},
             {R"({"kind": "sent"})", may_have},
             {R"([{"kind": "a"}, {"kind": "sent"}, {"kind": "b"}])", may_have}}) {
        const auto response = post("/api/v1/tasks", body);
        expect_error(response, 504, "no_answer");
        EXPECT_EQ(json_in(response)["error"]["text"], text) << body;
    }

    const auto some = post("/api/v1/tasks", R"([{"kind": "a"}, {"kind": "full"}, {}])");
    EXPECT_EQ(some.status, 200);
    EXPECT_EQ(json_in(some)[0]["error"], Json({{"class", "no_answer"}, {"text", not_sent}}));
    EXPECT_EQ(json_in(some)[1]["error"]["class"], "queue_full");
}

TEST_F(ApiTest, SaysThatAnAnswerCannotBeRead) {
    broker_.answer = [](const Message&) { return packet(protocol::Pong{}); };
    expect_error(get("/api/v1/stats"), 502, "corrupt");
    expect_error(get("/api/v1/tasks/1"), 502, "corrupt");

    broker_.answer = [](const Message&) { return packet(protocol::QueryAnswer{}); };
    expect_error(get("/api/v1/tasks/1"), 502, "corrupt");
}

TEST_F(ApiTest, SaysSoWhenSomethingUnforeseenHappens) {
    broker_.answer = [](const Message&) -> Broker::Answer { throw std::runtime_error("secret"); };

    const auto response = get("/api/v1/stats");

    expect_error(response, 500, "internal");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
    expect_safe(response.headers);
}

TEST_F(ApiTest, KnowsNoOtherPaths) {
    for (const char* path : {"/api",
                             "/api/",
                             "/api/v1",
                             "/api/v1/",
                             "/api/v1/task",
                             "/api/v1/tasks/",
                             "/api/v2/tasks",
                             "/api/v1/tasks/1/x",
                             "/api/v1/tasks/1/",
                             "/API/v1/tasks",
                             "//api/v1/tasks",
                             "/api//v1/tasks",
                             "/api/v1/../v1/tasks",
                             "/api/v1/tasks/..%2f..%2fstats",
                             "/assets/",
                             "/assets/../openapi.json/x",
                             "/nothing",
                             "/queues/x",
                             "/%2e%2e/etc/passwd",
                             "/api/v1/tasks%00",
                             "/%ff%fe"}) {
        const auto response = get(path);
        EXPECT_EQ(response.status, 404) << path;
        EXPECT_TRUE(Json::accept(response.body)) << path;
        expect_safe(response.headers);
    }
    EXPECT_EQ(broker_.asked(), 0U);
}

TEST_F(ApiTest, ShowsABrowserThatThereIsNoSuchPage) {
    const httplib::Headers browser{{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
    for (const char* path : {"/nonsense", "/queues/x", "/task/1"}) {
        const auto response = get(path, browser);
        EXPECT_EQ(response.status, 404);
        EXPECT_EQ(response.get_header_value("Content-Type"), "text/html; charset=utf-8");
        EXPECT_NE(response.body.find("There is no such page"), std::string::npos);
        expect_safe(response.headers);
    }
    expect_error(get("/api/v1/nonsense", browser), 404, "unknown_path");
    expect_error(get("/nonsense", {{"Accept", "*/*"}}), 404, "unknown_path");
}

TEST_F(ApiTest, KnowsNoOtherMethods) {
    EXPECT_EQ(client_->Put("/api/v1/tasks", "{}", "application/json")->status, 404);
    EXPECT_EQ(client_->Delete("/api/v1/tasks/1")->status, 404);
    EXPECT_EQ(client_->Options("/api/v1/tasks")->status, 404);
    EXPECT_EQ(get("/api/v1/tasks/1/cancel").status, 404);
    EXPECT_EQ(post("/api/v1/stats", "{}").status, 404);
    const auto options = client_->Options("/api/v1/tasks");
    EXPECT_FALSE(options->has_header("Access-Control-Allow-Methods"));
    EXPECT_FALSE(options->has_header("Access-Control-Allow-Origin"));
}

TEST_F(ApiTest, TakesLongPathsWithoutHarm) {
    EXPECT_EQ(get("/api/v1/tasks/" + std::string(8'000, 'a')).status, 400);
    EXPECT_EQ(get("/assets/" + std::string(8'000, '/')).status, 404);
    EXPECT_EQ(get("/" + std::string(9'000, 'a')).status, 414);
    EXPECT_EQ(get("/api/v1/openapi.json").status, 200);
}

TEST_F(ApiTest, AnswersWhatIsNotHttpWithAnError) {
    for (const char* text : {"nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2\r\n\r\n",
                             "BREW / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
        const std::string answer = ask_raw(text);
        EXPECT_EQ(first_line(answer), "HTTP/1.1 400 Bad Request") << text;
        expect_safe(answer);
        EXPECT_NE(answer.find("\"malformed\""), std::string::npos);
    }
}

// ---- headers ----

TEST_F(ApiTest, SendsSafeHeadersWithEveryAnswer) {
    know({.task = task_view(TaskState::ready)});
    for (const char* path :
         {"/", "/api/v1/openapi.json", "/assets/chart.min.js", "/favicon.ico", "/api/v1/tasks/1",
          "/api/v1/tasks/1/payload", "/api/v1/tasks/x", "/api/v1/queues", "/nothing", "/metrics"}) {
        expect_safe(get(path).headers);
    }
    expect_safe(post("/api/v1/tasks", R"({"kind": "a"})").headers);
    expect_safe(get("/", {{"Host", "evil.example"}}).headers);
    expect_safe(open_stream().read_until("\r\n\r\n"));
}

TEST_F(ApiTest, AnswersHeadWithoutABody) {
    know({.task = task_view(TaskState::ready)});
    const auto got = get("/api/v1/tasks/1");
    const std::string answer =
        ask_raw("HEAD /api/v1/tasks/1 HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");

    EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
    EXPECT_NE(answer.find("Content-Length: " + std::to_string(got.body.size()) + "\r\n"),
              std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
    expect_safe(answer);
}

TEST_F(ApiTest, EndsEveryConnectionAfterOneAnswer) {
    const std::string answer = ask_raw("GET /api/v1/openapi.json HTTP/1.1\r\nHost: " + host() +
                                       "\r\nConnection: keep-alive\r\n\r\n");

    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Keep-Alive"), std::string::npos);
}

TEST_F(ApiTest, SendsAPageAgainOnlyWhenItHasChanged) {
    const auto first = get("/assets/chart.min.js");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.get_header_value("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(first.get_header_value("Cache-Control"), "no-cache");
    const std::string tag = first.get_header_value("ETag");
    EXPECT_GT(tag.size(), 2U);

    const auto same = get("/assets/chart.min.js", {{"If-None-Match", tag}});
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.body, "");
    EXPECT_EQ(same.get_header_value("ETag"), tag);
    expect_safe(same.headers);
    EXPECT_EQ(get("/assets/chart.min.js", {{"If-None-Match", "\"other\""}}).status, 200);
}

// A part of an answer with status 200 would be taken for the whole of it.
TEST_F(ApiTest, SendsAnswersWhole) {
    const auto whole = get("/api/v1/openapi.json");
    for (const char* range : {"bytes=0-0", "bytes=-1", "bytes=0-1,0-1,0-1"}) {
        const auto response = get("/api/v1/openapi.json", {{"Range", range}});
        EXPECT_EQ(response.status, 200) << range;
        EXPECT_EQ(response.body, whole.body) << range;
    }
}

// ---- who may ask ----

TEST_F(ApiTest, AsksTheGuard) {
    know({.task = task_view(TaskState::ready)});

    expect_error(get("/api/v1/tasks/1", {{"Host", "evil.example"}}), 403, "forbidden");
    expect_error(post("/api/v1/tasks", "{}", {{"Sec-Fetch-Site", "cross-site"}}), 403, "forbidden");
    expect_error(post("/api/v1/tasks", "{}", {{"Origin", "null"}}), 403, "forbidden");
    EXPECT_EQ(post("/api/v1/tasks", R"({"kind": "a"})",
                   {{"Origin", "http://" + host()}, {"Sec-Fetch-Site", "same-origin"}})
                  .status,
              201);
    EXPECT_EQ(first_line(ask_raw("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 403 Forbidden");
    EXPECT_EQ(first_line(ask_raw("GET / HTTP/1.0\r\n\r\n")), "HTTP/1.1 403 Forbidden");
}

TEST_F(ApiTest, LetsNobodyInWithoutTheTokenWhateverThePathLooksLike) {
    start({.token = token, .session = "fedcba9876543210"});
    know({.task = task_view(TaskState::ready)});
    for (const char* path : {"/api/v1/tasks/1",
                             "/api/v1/tasks",
                             "/api/v1/live",
                             "/api/v1/updates",
                             "/api/v1/queues",
                             "/api/v1/openapi.json",
                             "/metrics",
                             "/%61pi/v1/tasks/1",
                             "/api%2fv1/tasks/1",
                             "/api/v1%2Ftasks/1",
                             "/api/%76%31/tasks/1",
                             "//api/v1/tasks/1",
                             "/API/v1/tasks/1",
                             "/api/v1/session/../tasks/1",
                             "/api/v1/session%2f..%2ftasks/1",
                             "/./api/v1/tasks/1",
                             "/api/v1/tasks/1?x=/api/v1/session",
                             "/api/v1/tasks/1#/api/v1/session",
                             "/%6detrics",
                             "/metrics/",
                             "/metrics%00",
                             "http://127.0.0.1/api/v1/tasks/1",
                             "*",
                             "/api/v1/session"}) {
        const std::string answer =
            ask_raw("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
        const std::string status = answer.substr(9, 3);
        EXPECT_TRUE(status == "401" || status == "404") << path << ": " << status;
        expect_safe(answer);
    }
    EXPECT_EQ(broker_.asked(), 0U);

    EXPECT_EQ(get("/api/v1/tasks/1", {{"Authorization", "Bearer " + token}}).status, 200);
    EXPECT_EQ(get("/%61pi/v1/tasks/1", {{"Authorization", "Bearer " + token}}).status, 200);
}

TEST_F(ApiTest, GivesASessionForTheToken) {
    start({.token = token, .session = "fedcba9876543210"});
    for (const char* body : {"", "[]", "{}", R"({"token": 1})", R"({"token": ""})",
                             R"({"token": "0123456789abcdeX"})"}) {
        const auto refused = post("/api/v1/session", body);
        expect_error(refused, 401, "unauthorized");
        EXPECT_FALSE(refused.has_header("Set-Cookie"));
    }
    expect_error(post("/api/v1/session", R"({"token": ")" + token + "\"}",
                      {{"Sec-Fetch-Site", "cross-site"}}),
                 403, "forbidden");

    const auto in = post("/api/v1/session", R"({"token": ")" + token + "\"}");
    EXPECT_EQ(in.status, 204);
    EXPECT_EQ(in.get_header_value("Set-Cookie"),
              "xebec_session=fedcba9876543210; Path=/; HttpOnly; SameSite=Strict");
    EXPECT_EQ(get("/api/v1/queues", {{"Cookie", "xebec_session=fedcba9876543210"}}).status, 200);
    const auto refused = get("/api/v1/queues", {{"Cookie", "xebec_session=x"}});
    expect_error(refused, 401, "unauthorized");
    EXPECT_EQ(refused.get_header_value("WWW-Authenticate"), "Bearer");

    const auto out = client_->Delete("/api/v1/session");
    EXPECT_EQ(out->status, 204);
    EXPECT_NE(out->get_header_value("Set-Cookie").find("xebec_session=; "), std::string::npos);
    EXPECT_NE(out->get_header_value("Set-Cookie").find("Max-Age=0"), std::string::npos);
}

TEST_F(ApiTest, GivesNoSessionWithoutAToken) {
    expect_error(post("/api/v1/session", R"({"token": ""})"), 401, "unauthorized");
}

TEST_F(ApiTest, ChangesNothingWhenReadOnly) {
    start({.read_only = true});

    expect_error(post("/api/v1/tasks", R"({"kind": "a"})"), 403, "read_only");
    expect_error(patch("/api/v1/queues/a", "{}"), 403, "read_only");
    EXPECT_EQ(get("/api/v1/queues").status, 200);
    EXPECT_EQ(broker_.submitted(), 0U);
    EXPECT_EQ(broker_.asked(), 0U);
}

// ---- requests made to confuse ----

TEST_F(ApiTest, DoesNotTakeABodyForARequest) {
    const std::string inner = "POST /api/v1/tasks HTTP/1.1\r\nHost: " + host() +
                              "\r\nContent-Length: 13\r\n\r\n{\"kind\": \"a\"}";
    const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
    for (const std::string& headers :
         {"Host: " + host() + "\r\nOrigin: http://evil.example\r\n" + length,
          "Host: evil.example\r\n" + length, "Host: " + host() + "\r\nContent-Length: 0\r\n",
          "Host: " + host() + "\r\nContent-Length: 0\r\n" + length,
          "Host: " + host() + "\r\nTransfer-Encoding: chunked\r\n" + length,
          "Host: " + host() + "\r\n" + length}) {
        for (const char* start : {"POST /api/v1/tasks", "POST /nothing", "GET /api/v1/queues"}) {
            const std::string answer =
                ask_raw(std::string(start) + " HTTP/1.1\r\n" + headers + "\r\n" + inner);
            EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
        }
    }
    EXPECT_EQ(broker_.submitted(), 0U);
}

TEST_F(ApiTest, AnswersOnlyTheFirstOfSeveralRequests) {
    const std::string one = "GET /api/v1/queues HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";

    const std::string answer = ask_raw(one + one + one);

    EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos);
}

// ---- streams ----

TEST_F(ApiTest, StreamsWhatIsLive) {
    show(R"({"time":1})");
    RawConnection stream = open_stream();
    const std::string start = stream.read_until("\n\n");
    EXPECT_EQ(first_line(start), "HTTP/1.1 200 OK");
    EXPECT_NE(start.find("Content-Type: text/event-stream\r\n"), std::string::npos);
    EXPECT_NE(start.find("Cache-Control: no-store\r\n"), std::string::npos);
    EXPECT_NE(start.find("event: live\ndata: {\"time\":1}\n\n"), std::string::npos);

    show(R"({"time":2})");

    EXPECT_NE(stream.read_until("\"time\":2").find("event: live\ndata: {\"time\":2}\n\n"),
              std::string::npos);
}

TEST_F(ApiTest, SaysAWordWhenThereIsNothingToShowYet) {
    EXPECT_NE(open_stream().read_until("\n\n").find(": still here\n\n"), std::string::npos);
}

TEST_F(ApiTest, HasSoManyPlacesForStreams) {
    std::vector<RawConnection> streams;
    for (std::size_t i = 0; i < live_streams_max; ++i) {
        streams.push_back(open_stream());
    }
    for (RawConnection& stream : streams) {
        ASSERT_EQ(first_line(stream.read_until("\r\n\r\n")), "HTTP/1.1 200 OK");
    }

    const auto refused = get("/api/v1/live");
    expect_error(refused, 503, "busy");
    EXPECT_TRUE(refused.has_header("Retry-After"));
    EXPECT_EQ(get("/api/v1/queues").status, 200) << "there is room for short requests";

    show(R"({"time":1})");
    for (RawConnection& stream : streams) {
        ASSERT_NE(stream.read_until("\"time\":1").find("\"time\":1"), std::string::npos);
    }

    streams.clear();
    const Instant limit = runtime::now().steady + generous;
    std::string status;
    while (status != "HTTP/1.1 200 OK" && runtime::now().steady < limit) {
        show(R"({"time":2})");  // those that are gone are noticed when something is written
        status = first_line(open_stream().read_until("\r\n\r\n"));
    }
    EXPECT_EQ(status, "HTTP/1.1 200 OK");
}

TEST_F(ApiTest, GivesBackThePlaceOfAHead) {
    for (std::size_t i = 0; i < live_streams_max + 1; ++i) {
        ASSERT_EQ(client_->Head("/api/v1/live")->status, 200) << i;
    }
}

TEST_F(ApiTest, RefusesStreamsOfWhatThereIsNot) {
    expect_error(get("/api/v1/updates?queue=a%20b"), 400, "bad_name");
    expect_error(get("/api/v1/updates?state=asleep"), 400, "bad_value");
}

// ---- slow and half requests, and the end ----

class WaitsTest : public ApiTest {
protected:
    WaitsTest() {
        know({.task = task_view(TaskState::leased)});
        broker_.waiting = [this](const TaskKey&, milliseconds timeout) -> Result<Outcome> {
            std::unique_lock lock(mutex_);  // as long as it would take, as nothing comes
            ++waits_;
            changed_.notify_all();
            changed_.wait_for(lock, timeout, [] { return false; });
            return Error{ErrorCode::timed_out, "not yet", ""};
        };
    }
    ~WaitsTest() override { server_.reset(); }

    RawConnection wait() const {
        RawConnection connection = connect();
        connection.send("GET /api/v1/tasks/42/result?wait=60s HTTP/1.1\r\nHost: " + host() +
                        "\r\n\r\n");
        return connection;
    }
    // So many have been begun.
    void until_waits(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waits_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t waits_ = 0;
};

TEST_F(WaitsTest, HaveSoManyPlacesUntilTheirClientsAreGone) {
    std::vector<RawConnection> connections;
    for (std::size_t i = 0; i < result_waits_max; ++i) {
        connections.push_back(wait());
    }
    until_waits(result_waits_max);

    const auto refused = get("/api/v1/tasks/42/result?wait=1s");
    expect_error(refused, 503, "busy");
    EXPECT_TRUE(refused.has_header("Retry-After"));
    EXPECT_EQ(get("/api/v1/tasks/42/result").status, 202) << "which does not wait";
    EXPECT_EQ(get("/api/v1/queues").status, 200) << "there is room for short requests";

    connections.clear();
    const Instant limit = runtime::now().steady + generous;
    int status = 503;
    while (status == 503 && runtime::now().steady < limit) {
        status = get("/api/v1/tasks/42/result?wait=1ms").status;
    }
    EXPECT_EQ(status, 202);
}

TEST_F(ApiTest, ServesOthersBesideMoreIdleConnectionsThanItHasThreads) {
    std::vector<RawConnection> idle;
    for (int i = 0; i < 400; ++i) {
        idle.push_back(connect());
    }
    const Instant start = runtime::now().steady;

    EXPECT_EQ(get("/api/v1/queues").status, 200);

    EXPECT_LT(runtime::now().steady - start, 4s) << "before the others are given up";
}

// Each has begun a request, and so has a thread.
TEST_F(ApiTest, SaysThatItIsBusyWhenAllThreadsAre) {
    std::vector<RawConnection> half;
    for (int i = 0; i < 500; ++i) {
        half.push_back(connect());
        half.back().send("GET /api/v1/qu");
    }

    const auto refused = get("/api/v1/queues");

    expect_error(refused, 503, "busy");
    EXPECT_EQ(refused.get_header_value("Retry-After"), "1");
    expect_safe(refused.headers);
}

TEST_F(ApiTest, ServesOthersBesideSlowAndHalfRequests) {
    std::vector<RawConnection> slow;
    for (int i = 0; i < 100; ++i) {
        slow.push_back(connect());
        if (i % 2 == 0) {
            slow.back().send("POST /api/v1/tasks HTTP/1.1\r\nHost: " + host() +
                             "\r\nContent-Length: 100\r\n\r\n{\"kind");
        } else if (i % 4 == 1) {
            slow.back().send("GET /api/v1/qu");
        }
    }

    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(get("/api/v1/queues").status, 200);
    }
    EXPECT_EQ(broker_.submitted(), 0U);
}

TEST_F(ApiTest, EndsStreamsAtOnce) {
    RawConnection stream = open_stream();
    stream.read_until("\n\n");
    const Instant start = runtime::now().steady;

    server_.reset();

    EXPECT_TRUE(stream.has_ended());
    EXPECT_LT(runtime::now().steady - start, 3s);
}

TEST_F(ApiTest, EndsThoughSomebodyHasNotSaidAllOfARequest) {
    RawConnection idle = connect();
    RawConnection half = connect();
    half.send("GET /api/v1/qu");
    EXPECT_EQ(get("/api/v1/queues").status, 200);
    const Instant start = runtime::now().steady;

    server_.reset();

    EXPECT_TRUE(idle.has_ended());
    EXPECT_TRUE(half.has_ended());
    EXPECT_LT(runtime::now().steady - start, 3s);
}

TEST_F(ApiTest, EndsThoughSomebodyWaitsForAResult) {
    know({.task = task_view(TaskState::leased)});
    std::promise<void> waits;
    std::once_flag once;
    broker_.waiting = [&](const TaskKey&, milliseconds timeout) -> Result<Outcome> {
        std::call_once(once, [&waits] { waits.set_value(); });
        std::mutex mutex;  // as long as it would take, as nothing comes
        std::condition_variable never;
        std::unique_lock lock(mutex);
        never.wait_for(lock, timeout, [] { return false; });
        return Error{ErrorCode::timed_out, "not yet", ""};
    };
    RawConnection connection = connect();
    connection.send("GET /api/v1/tasks/42/result?wait=20s HTTP/1.1\r\nHost: " + host() +
                    "\r\n\r\n");
    waits.get_future().wait();
    const Instant start = runtime::now().steady;

    server_.reset();

    EXPECT_EQ(first_line(connection.read_all()), "HTTP/1.1 202 Accepted");
    EXPECT_LT(runtime::now().steady - start, 5s);
}

// ---- requests as programs send them ----

// As `curl -X POST` does.
TEST_F(ApiTest, TakesARequestWithoutALengthForOneWithoutABody) {
    broker_.answer = [](const Message& message) {
        return std::holds_alternative<protocol::Pause>(message)
                   ? packet(protocol::PauseAnswer{.items = {{}}})
                   : packet(protocol::QueuesAnswer{.items = {{.name = "a"}}});
    };

    const std::string answer =
        ask_raw("POST /api/v1/queues/a/pause HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");

    EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
}

// As `curl -d @file` does, which says that it is a form.
TEST_F(ApiTest, TakesABodyForJsonWhateverItIsSaidToBe) {
    std::string body = "[1";
    for (int i = 1; i < 10'000; ++i) {
        body += ",1";
    }
    body += "]";
    for (const char* type : {"application/x-www-form-urlencoded", "text/plain",
                             "multipart/form-data; boundary=x", "multipart/form-data"}) {
        const auto response = client_->Post("/api/v1/tasks", body, type);
        ASSERT_TRUE(response) << type;
        EXPECT_EQ(response->status, 200) << type;
    }
}

// Its end, and so its size, would be known only when it is there.
TEST_F(ApiTest, WantsToKnowTheLengthOfABody) {
    const std::string answer = ask_raw("POST /api/v1/tasks HTTP/1.1\r\nHost: " + host() +
                                       "\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "d\r\n{\"kind\": \"a\"}\r\n0\r\n\r\n");

    EXPECT_EQ(first_line(answer), "HTTP/1.1 411 Length Required");
    expect_safe(answer);
    EXPECT_EQ(broker_.submitted(), 0U);
}

TEST_F(ApiTest, ReadsSoMuchOfTheHeadOfARequest) {
    const std::string start = "GET /api/v1/queues HTTP/1.1\r\nHost: " + host() + "\r\n";
    const std::string line = "X-Y: " + std::string(1'000, 'y') + "\r\n";
    std::string few;
    std::string many;
    for (int i = 0; i < 1'000; ++i) {
        few += i < 30 ? line : "";
        many += line;
    }

    EXPECT_EQ(first_line(ask_raw(start + few + "\r\n")), "HTTP/1.1 200 OK");
    EXPECT_NE(first_line(ask_raw(start + many + "\r\n")), "HTTP/1.1 200 OK");
    EXPECT_NE(first_line(ask_raw(start + "X: " + std::string(1'000'000, 'x') + "\r\n\r\n")),
              "HTTP/1.1 200 OK");
}

// ---- addresses ----

TEST(Server, RefusesAPortThatIsTaken) {
    FakeBroker broker;
    Board board;
    const Server server({.address = "127.0.0.1"}, broker, board);

    try {
        const Server second({.address = "127.0.0.1", .port = server.port()}, broker, board);
        FAIL() << "two servers on one port";
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(std::string(error.what()),
                  "cannot listen on 127.0.0.1:" + std::to_string(server.port()) +
                      "; is another program using it?");
    }
}

TEST(Server, RefusesAnAddressThatIsNotThisMachines) {
    FakeBroker broker;
    Board board;

    EXPECT_THROW(Server({.address = "192.0.2.1"}, broker, board), std::runtime_error);
    EXPECT_THROW(Server({.address = "no such name"}, broker, board), std::runtime_error);
}

TEST(Server, CanBeStartedAgainOnItsPortAtOnce) {
    FakeBroker broker;
    std::uint16_t port = 0;
    for (int i = 0; i < 3; ++i) {
        Board board;
        const Server server({.address = "127.0.0.1", .port = port}, broker, board);
        port = server.port();
        httplib::Client client("127.0.0.1", port);
        EXPECT_EQ(client.Get("/api/v1/openapi.json")->status, 200);
    }
}

TEST(Server, KnowsWhatOnlyThisMachineCanReach) {
    for (const char* address : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
        EXPECT_TRUE(is_loopback(address)) << address;
    }
    for (const char* address : {"0.0.0.0", "::", "192.168.1.5", "127.example.com", "127.0.0.1.x",
                                "localhost.example.com", "", "1.127.0.0"}) {
        EXPECT_FALSE(is_loopback(address)) << address;
    }
}

TEST(Server, WritesAddressesAsInAUrl) {
    EXPECT_EQ(host_and_port("127.0.0.1", 80), "127.0.0.1:80");
    EXPECT_EQ(host_and_port("::1", 5580), "[::1]:5580");
}

TEST(Server, HasTheNamesByWhichABrowserCallsIt) {
    EXPECT_EQ(hosts_of("127.0.0.1", 5580),
              (std::vector<std::string>{"127.0.0.1:5580", "localhost:5580", "[::1]:5580"}));
    EXPECT_EQ(hosts_of("192.168.1.5", 5580), std::vector<std::string>{"192.168.1.5:5580"});
    EXPECT_EQ(hosts_of("192.168.1.5", 80),
              (std::vector<std::string>{"192.168.1.5:80", "192.168.1.5"}));
}

}  // namespace
}  // namespace xebec::monitor::web

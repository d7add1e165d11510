#include "monitor/web/streams.h"

#include "monitor/lines.h"
#include "monitor/notices.h"
#include "monitor/view.h"
#include "monitor/watch.h"
#include "monitor/web/answers.h"
#include "monitor/web/http_stream.h"
#include "monitor/web/parameters.h"
#include "monitor/web/places.h"
#include "monitor/web/task_requests.h"
#include "protocol/names.h"
#include "runtime/clock.h"

#include <absl/strings/str_split.h>

#include <optional>
#include <string_view>
#include <utility>

namespace xebec::monitor::web {

using httplib::DataSink;
using httplib::Request;
using httplib::Response;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds word_interval{15'000};   // a comment, so that nothing in between gives up
constexpr milliseconds end_look_interval{250};  // whether the server ends

bool write(DataSink& sink, const std::string& text) {
    return sink.write(text.data(), text.size());
}

std::string event_text(std::string_view name, std::string_view data) {
    return "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
}

void start_stream(Response& response, httplib::ContentProviderWithoutLength provider) {
    response.set_header("Cache-Control", "no-store");
    response.set_header("X-Accel-Buffering", "no");  // of a proxy in front
    response.set_chunked_content_provider("text/event-stream", std::move(provider));
}

// ---- what pages show live ----

class LiveStream {
public:
    LiveStream(Board& board, std::shared_ptr<void> place)
        : board_(board), place_(std::move(place)) {}

    // One event, or a word after a while in which there was none. False: it is over.
    bool go_on(DataSink& sink) {
        auto picture = board_.wait_for_newer(shown_, word_interval);
        if (board_.is_closed()) {
            return false;
        }
        if (picture == shown_ || picture->live.empty()) {
            shown_ = std::move(picture);
            return write(sink, ": still here\n\n");
        }
        shown_ = std::move(picture);
        return write(sink, event_text("live", shown_->live));
    }

private:
    Board& board_;
    std::shared_ptr<void> place_;
    std::shared_ptr<const Picture> shown_;
};

// ---- updates of tasks ----

// Writes what is shown as events, a batch at a time.
class EventView final : public View {
public:
    explicit EventView(DataSink& sink) : sink_(sink) {}

    void show(const ShowUpdate& shown) override {
        batch_ += "event: task\ndata: " + lines_.line(shown) + "\n\n";
    }
    void show(const ShowInterval&) override {}
    void show(const Notice& notice) override {
        if (notice.kind == NoticeKind::gap) {
            batch_ += event_text(
                "gap", client::line_of({{"queue", notice.queue}, {"count", notice.count}}));
        } else {
            batch_ += event_text(std::string(monitor::to_string(notice.kind)), "{}");
        }
    }
    // False: nobody reads any more.
    bool finish_batch() override {
        return batch_.empty() || write(sink_, std::exchange(batch_, {}));
    }

private:
    DataSink& sink_;
    UpdateLines lines_{Style{.json = true, .colours = false, .terminal = false}};
    std::string batch_;
};

// Watches the broker for as long as somebody reads. Each stream has a subscription of its own, so
// that the broker publishes tasks only while somebody wants to see them.
class UpdateStream {
public:
    UpdateStream(StreamOptions options, Selection selection, Board& board,
                 std::shared_ptr<void> place)
        : options_(std::move(options)),
          selection_(std::move(selection)),
          board_(board),
          place_(std::move(place)) {}

    // Returns when the reader is gone, or the server ends.
    bool run(DataSink& sink, const Request& request) {
        EventView view(sink);
        const runtime::Context context;
        CoreOptions core;
        core.selection = selection_;
        Watch watch({.updates = options_.updates, .broker = options_.broker, .core = core}, context,
                    view);
        Instant spoken = runtime::now().steady;
        while (!watch.exit_status() && !board_.is_closed() && !is_client_gone(request)) {
            watch.step(runtime::now().steady + end_look_interval);
            const Instant now = runtime::now().steady;
            if (now - spoken >= word_interval) {
                spoken = now;
                if (!write(sink, ": still here\n\n")) {
                    break;
                }
            }
        }
        watch.leave();
        return false;
    }

private:
    const StreamOptions options_;
    const Selection selection_;
    Board& board_;
    std::shared_ptr<void> place_;
};

std::vector<std::string> names_in(const httplib::Params& query, const std::string& name) {
    std::vector<std::string> names;
    const auto [first, last] = query.equal_range(name);
    for (auto param = first; param != last; ++param) {
        for (const absl::string_view part : absl::StrSplit(param->second, ',', absl::SkipEmpty())) {
            names.emplace_back(part.data(), part.size());
        }
    }
    return names;
}

Result<Selection> selection_in(const httplib::Params& query) {
    Selection selection;
    selection.queues = names_in(query, "queue");
    selection.kinds = names_in(query, "kind");
    for (const std::string& queue : selection.queues) {
        if (!is_queue_name(queue)) {
            return Error{ErrorCode::malformed, "\"queue\" has something that is not its name",
                         "bad_name"};
        }
    }
    for (const std::string& name : names_in(query, "state")) {
        const auto state = parse_task_state(name);
        if (!state) {
            return Error{ErrorCode::malformed, "\"state\" has something that is not one",
                         "bad_value"};
        }
        selection.states.push_back(*state);
    }
    return selection;
}

constexpr std::string_view too_many = "too many streams are open; close some pages";

}  // namespace

void add_stream_routes(httplib::Server& server, const StreamOptions& options, Board& board) {
    const Places live_places(live_streams_max);
    const Places update_places(update_streams_max);
    const auto live = [live_places, &board](const Request&, Response& response) {
        auto place = live_places.take();
        if (!place) {
            return fail(response, 503, "busy", too_many);
        }
        const auto stream = std::make_shared<LiveStream>(board, std::move(place));
        start_stream(response,
                     [stream](std::size_t, DataSink& sink) { return stream->go_on(sink); });
    };
    const auto updates = [update_places, options, &board](const Request& request,
                                                          Response& response) {
        const auto selection = selection_in(request.params);
        if (!selection) {
            return fail(response, selection.error());
        }
        auto place = update_places.take();
        if (!place) {
            return fail(response, 503, "busy", too_many);
        }
        const auto stream =
            std::make_shared<UpdateStream>(options, *selection, board, std::move(place));
        // The request lives for as long as its answer is written.
        start_stream(response, [stream, &request](std::size_t, DataSink& sink) {
            return stream->run(sink, request);
        });
    };
    server.Get("/api/v1/live", taking({}, live));
    server.Get("/api/v1/updates", taking({"queue", "kind", "state"}, updates));
}

}  // namespace xebec::monitor::web

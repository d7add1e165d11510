#include "monitor/watch.h"

#include "monitor/notices.h"
#include "protocol/envelope.h"
#include "runtime/clock.h"
#include "runtime/command_line.h"
#include "runtime/wakeup.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor {
namespace {

using namespace std::chrono_literals;
using protocol::Figures;
using protocol::Update;
using runtime::FrameOut;
using runtime::SocketType;

// The ports of a broker, played by hand on the test's own thread.
class FakeBroker {
public:
    explicit FakeBroker(const runtime::Context& context)
        : clients_(context, SocketType::router),
          updates_(context, SocketType::xpub),
          clients_endpoint_(clients_.bind("tcp://127.0.0.1:*")),
          updates_endpoint_(updates_.bind("tcp://127.0.0.1:*")) {}

    const std::string& clients_endpoint() const { return clients_endpoint_; }
    const std::string& updates_endpoint() const { return updates_endpoint_; }

    // Topics in the order of their subscription.
    const std::vector<std::string>& topics() {
        runtime::Multipart message;
        while (updates_.receive(message)) {
            if (message.frames()[0].starts_with('\1')) {
                topics_.emplace_back(message.frames()[0].substr(1));
            }
        }
        return topics_;
    }

    void publish(const Figures& figures) {
        const std::string body = protocol::encode_figures(figures);
        const std::vector<FrameOut> frames{{protocol::stat_topic, {}}, {body, {}}};
        updates_.send(frames);
    }

    void publish(std::string_view queue, std::uint64_t first, const std::vector<Update>& updates) {
        const std::string topic = protocol::task_topic(queue);
        const auto header = protocol::encode(protocol::UpdatesHeader{
            .epoch = 1, .sequence_first = first, .count = updates.size(), .time = 1});
        const std::string body = protocol::encode_updates(updates);
        const std::vector<FrameOut> frames{
            {topic, {}}, {std::string_view(header.data(), header.size()), {}}, {body, {}}};
        updates_.send(frames);
    }

    // Welcomes whoever says hello, and answers snapshots with `figures`.
    void answer(const Figures& figures) {
        runtime::Multipart message;
        while (clients_.receive(message)) {
            const auto envelope = protocol::parse_envelope(message.frames());
            if (!envelope) {
                continue;
            }
            const std::vector<std::string> address{std::string(message.frames()[0])};
            Header header{.correlation = envelope->header.correlation, .session = 9};
            if (envelope->header.type == protocol::Hello::type) {
                const auto hello =
                    protocol::decode(envelope->header, message.frames()[envelope->body], {});
                role_ = std::get<protocol::Hello>(*hello).role;
                clients_.send(address, protocol::encode(header, protocol::Welcome{.epoch = 1}));
            } else if (envelope->header.type == protocol::Snapshot::type) {
                ++snapshots_;
                clients_.send(address, protocol::encode(
                                           header, protocol::SnapshotAnswer{.figures = figures}));
            } else if (envelope->header.type == protocol::Bye::type) {
                ++goodbyes_;
            }
        }
    }

    int snapshots() const { return snapshots_; }
    int goodbyes() const { return goodbyes_; }
    protocol::Role role() const { return role_; }

private:
    runtime::Socket clients_;
    runtime::Socket updates_;
    std::string clients_endpoint_;
    std::string updates_endpoint_;
    std::vector<std::string> topics_;
    int snapshots_ = 0;
    int goodbyes_ = 0;
    protocol::Role role_ = protocol::Role::client;
};

class RecordingView final : public View {
public:
    void show(const ShowUpdate& shown) override {
        shown_.push_back(std::string(shown.queue) + "#" + std::to_string(shown.sequence) + " " +
                         std::string(shown.update.kind));
    }
    void show(const ShowInterval& shown) override {
        shown_.push_back("interval " + std::to_string(shown.interval.submitted));
    }
    void show(const Notice& notice) override {
        shown_.push_back("notice " + std::string(to_string(notice.kind)));
    }
    bool finish_batch() override { return wants_more_; }

    void stop() { wants_more_ = false; }
    const std::vector<std::string>& shown() const { return shown_; }

private:
    std::vector<std::string> shown_;
    bool wants_more_ = true;
};

Figures figures_at(std::uint64_t uptime_ms, std::uint64_t submitted = 0) {
    Figures figures{.epoch = 1, .uptime_ms = uptime_ms};
    figures.totals.submitted = submitted;
    return figures;
}

class WatchTest : public testing::Test {
protected:
    Watch make_watch(CoreOptions core = {}) {
        return {{.updates = broker_.updates_endpoint(),
                 .broker = broker_.clients_endpoint(),
                 .core = std::move(core)},
                context_,
                view_};
    }

    // Steps until `holds`, with a generous limit; what the broker answers is figures at 1.5 s.
    template <class Condition>
    bool step_until(Watch& watch, Condition holds) {
        const Instant limit = runtime::now().steady + 20s;
        while (!holds()) {
            if (runtime::now().steady > limit) {
                return false;
            }
            broker_.answer(figures_at(1'500, 10));
            watch.step(runtime::now().steady + 5ms);
        }
        return true;
    }

    bool has_shown(std::size_t count) const { return view_.shown().size() >= count; }

    runtime::Context context_;
    FakeBroker broker_{context_};
    RecordingView view_;
};

TEST_F(WatchTest, SubscribesAsksAndShowsWhatComes) {
    Watch watch = make_watch();
    ASSERT_TRUE(step_until(watch, [&] { return broker_.topics().size() == 2; }));
    EXPECT_EQ(broker_.snapshots(), 0);

    broker_.publish(figures_at(1'000));
    ASSERT_TRUE(step_until(watch, [&] { return broker_.snapshots() == 1; }));
    EXPECT_EQ(broker_.role(), protocol::Role::monitor);
    broker_.publish("emails", 1, {{.number = 1, .kind = "send"}, {.number = 2, .kind = "sort"}});
    ASSERT_TRUE(step_until(watch, [&] { return has_shown(2); }));

    EXPECT_EQ(view_.shown(), (std::vector<std::string>{"emails#1 send", "emails#2 sort"}));
    EXPECT_EQ(watch.exit_status(), std::nullopt);
}

TEST_F(WatchTest, ShowsFiguresFromTheBaselineOfTheSnapshot) {
    Watch watch = make_watch({.selection = {.updates = false}, .give_up_after = {}});
    ASSERT_TRUE(step_until(watch, [&] { return broker_.topics().size() == 1; }));
    EXPECT_EQ(broker_.topics().front(), "stat.");
    std::uint64_t uptime_ms = 1'000;

    // The answer takes the time it takes, so figures are published until there is an interval.
    ASSERT_TRUE(step_until(watch, [&] {
        broker_.publish(figures_at(uptime_ms, 10 + (uptime_ms > 1'500 ? 3 : 0)));
        uptime_ms += broker_.snapshots() > 0 ? 1'000 : 0;
        return has_shown(1);
    }));

    EXPECT_EQ(view_.shown().front(), "interval 3");
}

TEST_F(WatchTest, SubscribesToTheSelectedQueuesOnly) {
    Watch watch = make_watch({.selection = {.queues = {"a", "b"}}, .give_up_after = {}});

    ASSERT_TRUE(step_until(watch, [&] { return broker_.topics().size() == 3; }));

    EXPECT_EQ(std::set<std::string>(broker_.topics().begin(), broker_.topics().end()),
              (std::set<std::string>{"stat.", "task.a.", "task.b."}));
}

TEST_F(WatchTest, GivesUpWithItsOwnStatusWhenNobodyIsThere) {
    runtime::Context context;
    Watch watch({.updates = "tcp://127.0.0.1:1",
                 .broker = "tcp://127.0.0.1:1",
                 .core = {.selection = {}, .give_up_after = 30ms}},
                context, view_);

    ASSERT_TRUE(step_until(watch, [&] { return watch.exit_status().has_value(); }));

    EXPECT_EQ(watch.exit_status(), runtime::exit_no_answer);
    EXPECT_EQ(view_.shown(), std::vector<std::string>{"notice gave_up"});
}

TEST_F(WatchTest, EndsWhenTheViewHasSeenEnough) {
    Watch watch = make_watch();
    view_.stop();

    watch.step(runtime::now().steady);

    EXPECT_EQ(watch.exit_status(), runtime::exit_done);
}

TEST_F(WatchTest, EndsWhenADescriptorSaysSo) {
    Watch watch = make_watch();
    const runtime::Wakeup wakeup;
    watch.end_when_readable(wakeup.descriptor());
    watch.step(runtime::now().steady);
    ASSERT_EQ(watch.exit_status(), std::nullopt);

    wakeup.signal();
    watch.step();

    EXPECT_EQ(watch.exit_status(), runtime::exit_done);
}

TEST_F(WatchTest, SaysGoodbye) {
    Watch watch = make_watch();
    ASSERT_TRUE(step_until(watch, [&] { return broker_.topics().size() == 2; }));
    broker_.publish(figures_at(1'000));
    ASSERT_TRUE(step_until(watch, [&] { return broker_.snapshots() == 1; }));

    watch.leave();

    ASSERT_TRUE(step_until(watch, [&] { return broker_.goodbyes() == 1; }));
}

TEST_F(WatchTest, RefusesWhatIsNoEndpoint) {
    EXPECT_THROW(Watch({.updates = "nowhere", .broker = "tcp://127.0.0.1:1"}, context_, view_),
                 std::runtime_error);
    EXPECT_THROW(Watch({.updates = "tcp://127.0.0.1:1", .broker = "nowhere"}, context_, view_),
                 std::runtime_error);
}

}  // namespace
}  // namespace xebec::monitor

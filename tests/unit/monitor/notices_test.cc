#include "monitor/notices.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace xebec::monitor {
namespace {

const Endpoints endpoints{.updates = "tcp://127.0.0.1:5557", .broker = "tcp://127.0.0.1:5555"};
constexpr WallTime at{milliseconds{1'767'323'045'678}};

TEST(Notices, NameTheQueueAndTheSizeOfAGap) {
    Notice gap{.kind = NoticeKind::gap, .time = at, .queue = "emails", .count = 12};

    EXPECT_EQ(notice_line(gap, endpoints, {}),
              "03:04:05.678Z  -- 12 updates were missed in queue emails");
    gap.count = 1;
    EXPECT_EQ(notice_line(gap, endpoints, {}),
              "03:04:05.678Z  -- 1 update was missed in queue emails");
    EXPECT_EQ(notice_line(gap, endpoints, {.json = true}),
              R"({"notice":"gap","time":"2026-01-02T03:04:05.678Z",)"
              R"("text":"1 update was missed in queue emails","queue":"emails","missed":1})");
}

TEST(Notices, NameTheEndpointWhereNobodyIs) {
    EXPECT_EQ(notice_line({.kind = NoticeKind::no_broker, .time = at}, endpoints, {}),
              "03:04:05.678Z  -- no broker at tcp://127.0.0.1:5557 yet; waiting");
    EXPECT_EQ(notice_line({.kind = NoticeKind::no_snapshot, .time = at}, endpoints, {}),
              "03:04:05.678Z  -- the broker publishes, but does not answer at "
              "tcp://127.0.0.1:5555 yet; waiting for its figures");
}

TEST(Notices, TellTheNewEpochToPrograms) {
    const auto object = nlohmann::json::parse(notice_line(
        {.kind = NoticeKind::new_epoch, .time = at, .epoch = 9}, endpoints, {.json = true}));

    EXPECT_EQ(object.at("notice"), "new_epoch");
    EXPECT_EQ(object.at("epoch"), 9);
}

TEST(Notices, EscapeReasonsThatCameFromAPeer) {
    const Notice notice{
        .kind = NoticeKind::snapshot_failed, .time = at, .reason = "no\x1b[2J\nway"};

    EXPECT_EQ(notice_line(notice, endpoints, {}),
              "03:04:05.678Z  -- the broker gave no figures: no\\x1b[2J\\nway");
    EXPECT_EQ(notice_line(notice, endpoints, {.json = true}).find_first_of("\x1b\n"),
              std::string::npos);
}

TEST(Notices, AreYellowWhereThereAreColours) {
    EXPECT_EQ(
        notice_line({.kind = NoticeKind::broker_back, .time = at}, endpoints, {.colours = true}),
        "\x1b[33m03:04:05.678Z  -- the broker is back\x1b[0m");
}

}  // namespace
}  // namespace xebec::monitor

#include "monitor/plain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace xebec::monitor {
namespace {

const ShowUpdate update{.epoch = 1, .sequence = 1, .queue = "default", .update = {.number = 1}};
const ShowInterval interval{{.length = milliseconds{1'000}}};
const Notice notice{.kind = NoticeKind::broker_back};

std::ptrdiff_t lines_in(const std::ostringstream& stream) {
    const std::string text = stream.str();
    return std::count(text.begin(), text.end(), '\n');
}

struct Streams {
    std::ostringstream out;
    std::ostringstream notices;
};

TEST(PlainView, ShowsUpdatesAndNoFigures) {
    Streams streams;
    PlainView view({}, streams.out, streams.notices);

    view.show(update);
    view.show(interval);

    EXPECT_TRUE(view.finish_batch());
    EXPECT_EQ(lines_in(streams.out), 1);
    EXPECT_EQ(streams.notices.str(), "");
}

TEST(PlainView, ShowsFiguresAndNoUpdates) {
    Streams streams;
    PlainView view({.stats = true}, streams.out, streams.notices);

    view.show(update);
    EXPECT_TRUE(view.finish_batch());
    EXPECT_EQ(streams.out.str(), "");
    view.show(interval);

    EXPECT_TRUE(view.finish_batch());
    EXPECT_EQ(lines_in(streams.out), 2);
}

TEST(PlainView, PutsNoticesAsideForPeopleAndBetweenTheObjectsForPrograms) {
    Streams people;
    PlainView plain({}, people.out, people.notices);
    Streams programs;
    PlainView json({.style = {.json = true}}, programs.out, programs.notices);

    plain.show(notice);
    json.show(notice);
    EXPECT_TRUE(plain.finish_batch());
    EXPECT_TRUE(json.finish_batch());

    EXPECT_EQ(people.out.str(), "");
    EXPECT_EQ(lines_in(people.notices), 1);
    EXPECT_EQ(lines_in(programs.out), 1);
    EXPECT_EQ(programs.notices.str(), "");
}

TEST(PlainView, WritesALongBatchInPieces) {
    Streams streams;
    PlainView view({}, streams.out, streams.notices);

    for (int i = 0; i < 2'000; ++i) {
        view.show(update);
    }
    const std::ptrdiff_t early = lines_in(streams.out);
    EXPECT_TRUE(view.finish_batch());

    EXPECT_GT(early, 0);
    EXPECT_LT(early, 2'000);
    EXPECT_EQ(lines_in(streams.out), 2'000);
}

TEST(PlainView, PutsANoticeBehindTheLinesBeforeIt) {
    Streams streams;
    PlainView view({}, streams.out, streams.notices);

    view.show(update);
    view.show(notice);

    EXPECT_EQ(lines_in(streams.out), 1);
    EXPECT_EQ(lines_in(streams.notices), 1);
}

TEST(PlainView, HeadsTheColumnsOnATerminal) {
    Streams streams;
    PlainView view({.style = {.terminal = true}}, streams.out, streams.notices);

    view.show(update);
    view.show(update);
    EXPECT_TRUE(view.finish_batch());

    EXPECT_EQ(lines_in(streams.out), 3);
    EXPECT_TRUE(streams.out.str().starts_with("time "));
}

TEST(PlainView, EndsAfterSoManyLinesAndNotOneMore) {
    Streams streams;
    PlainView view({.lines_max = 2}, streams.out, streams.notices);

    view.show(update);
    view.show(notice);
    EXPECT_TRUE(view.finish_batch());
    view.show(update);
    view.show(update);
    view.show(notice);

    EXPECT_FALSE(view.finish_batch());
    EXPECT_EQ(lines_in(streams.out), 2);
    EXPECT_EQ(lines_in(streams.notices), 1);
}

TEST(PlainView, EndsWhenNobodyReads) {
    Streams streams;
    PlainView view({}, streams.out, streams.notices);
    streams.out.setstate(std::ios::badbit);

    EXPECT_FALSE(view.finish_batch());
}

}  // namespace
}  // namespace xebec::monitor

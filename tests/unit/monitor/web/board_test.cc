#include "monitor/web/board.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds for_ever = 60s;
const Instant start{100s};

std::shared_ptr<const Picture> picture(std::string live) {
    Picture made;
    made.live = std::move(live);
    return std::make_shared<const Picture>(std::move(made));
}

TEST(Board, HasAnEmptyPictureFirst) {
    const Board board;

    ASSERT_NE(board.picture(), nullptr);
    EXPECT_EQ(board.picture()->live, "");
    EXPECT_EQ(board.picture()->broker, BrokerState::absent);
}

TEST(Board, ShowsTheLatestPicture) {
    Board board;
    board.show(picture("1"));
    board.show(picture("2"));

    EXPECT_EQ(board.picture()->live, "2");
    EXPECT_EQ(board.wait_for_newer(nullptr, for_ever)->live, "2");
}

TEST(Board, GivesBackWhatWasSeenWhenNothingNewerComes) {
    Board board;
    board.show(picture("1"));
    const auto seen = board.picture();

    EXPECT_EQ(board.wait_for_newer(seen, 0ms), seen);
}

TEST(Board, WakesAllWhoWaitForANewerPicture) {
    Board board;
    const auto seen = board.picture();
    std::vector<std::future<std::string>> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(std::async(std::launch::async,
                                     [&] { return board.wait_for_newer(seen, for_ever)->live; }));
    }

    board.show(picture("new"));

    for (auto& each : waiting) {
        EXPECT_EQ(each.get(), "new");
    }
}

TEST(Board, EndsAllWaitingWhenItIsClosed) {
    Board board;
    const auto seen = board.picture();
    auto waiting =
        std::async(std::launch::async, [&] { return board.wait_for_newer(seen, for_ever); });
    EXPECT_FALSE(board.is_closed());

    board.close();

    EXPECT_EQ(waiting.get(), seen);
    EXPECT_TRUE(board.is_closed());
    board.show(picture("late"));
    EXPECT_EQ(board.wait_for_newer(seen, for_ever), seen);
}

TEST(Board, IsHurriedOnce) {
    Board board;
    EXPECT_FALSE(board.take_hurry());

    board.hurry();

    EXPECT_TRUE(board.take_hurry());
    EXPECT_FALSE(board.take_hurry());
}

TEST(Board, WantsWorkersForAWhileAndAtOnceTheFirstTime) {
    Board board;
    EXPECT_FALSE(board.is_workers_wanted(start));

    board.want_workers(start);
    EXPECT_TRUE(board.take_hurry());
    EXPECT_TRUE(board.is_workers_wanted(start + 4'999ms));
    EXPECT_FALSE(board.is_workers_wanted(start + 5s));

    board.want_workers(start + 4s);
    EXPECT_FALSE(board.take_hurry());
    EXPECT_TRUE(board.is_workers_wanted(start + 8s));

    board.want_workers(start + 9s);
    EXPECT_TRUE(board.take_hurry());
}

TEST(Board, KeepsTheHistory) {
    Board board;
    const WallTime now{1'000s};

    board.change_history([&](History& history) { history.add(now, Point{}); });

    EXPECT_TRUE(board.look_at_history([&](const History& history) { return history.latest(now); }));
}

}  // namespace
}  // namespace xebec::monitor::web

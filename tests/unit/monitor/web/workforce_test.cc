#include "monitor/web/workforce.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

const WallTime start{1'000'000s};

Member member(std::uint64_t session, const std::string& name, std::uint32_t held = 0,
              bool is_draining = false) {
    return {.session = session, .name = name, .held = held, .is_draining = is_draining};
}

std::vector<std::string> lost_names(const Workforce& workforce) {
    std::vector<std::string> names;
    for (const LostWorker& worker : workforce.lost()) {
        names.push_back(worker.name);
    }
    return names;
}

using Marks = std::vector<Mark>;
using Names = std::vector<std::string>;

TEST(Workforce, BeginsToCompareWithTheFirstList) {
    Workforce workforce;

    EXPECT_EQ(workforce.update(start, 1, {member(1, "a"), member(2, "b")}, 7), Marks{});
    EXPECT_EQ(workforce.update(start + 1s, 1, {member(1, "a"), member(2, "b")}, 7), Marks{});
    EXPECT_EQ(lost_names(workforce), Names{});
}

TEST(Workforce, SeesWhoJoins) {
    Workforce workforce;
    workforce.update(start, 1, {}, 0);

    EXPECT_EQ(workforce.update(start + 1s, 1, {member(1, "a"), member(2, "b")}, 0),
              (Marks{{start + 1s, MarkKind::worker_joined, "a"},
                     {start + 1s, MarkKind::worker_joined, "b"}}));
}

TEST(Workforce, SeesWhoIsLost) {
    Workforce workforce;
    Member gone = member(1, "a", 3);
    gone.host = "h";
    gone.process = 42;
    gone.slots = 4;
    workforce.update(start, 1, {gone, member(2, "b")}, 5);

    EXPECT_EQ(workforce.update(start + 1s, 1, {member(2, "b")}, 6),
              (Marks{{start + 1s, MarkKind::worker_lost, "a"}}));

    ASSERT_EQ(workforce.lost().size(), 1U);
    const LostWorker& lost = workforce.lost().front();
    EXPECT_EQ(lost.name, "a");
    EXPECT_EQ(lost.host, "h");
    EXPECT_EQ(lost.process, 42U);
    EXPECT_EQ(lost.slots, 4U);
    EXPECT_EQ(lost.held, 3U);
    EXPECT_EQ(lost.lost_at, start + 1s);
}

TEST(Workforce, TakesThoseForLeftThatTheBrokerDoesNotCountAsLost) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a")}, 5);

    EXPECT_EQ(workforce.update(start + 1s, 1, {}, 5), Marks{});
    EXPECT_EQ(lost_names(workforce), Names{});
}

TEST(Workforce, TakesThoseThatWereDrainedOrHadNothingForLeft) {
    Workforce workforce;
    workforce.update(start, 1,
                     {member(1, "idle"), member(2, "drained", 1, true), member(3, "busy", 1),
                      member(4, "drained idle", 0, true), member(5, "stays")},
                     0);

    EXPECT_EQ(workforce.update(start + 1s, 1, {member(5, "stays")}, 2),
              (Marks{{start + 1s, MarkKind::worker_lost, "busy"},
                     {start + 1s, MarkKind::worker_lost, "idle"}}));
    EXPECT_EQ(lost_names(workforce), (Names{"idle", "busy"}));
}

TEST(Workforce, SeesASessionThatTookThePlaceOfAnother) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a", 1)}, 0);

    EXPECT_EQ(workforce.update(start + 1s, 1, {member(2, "a")}, 1),
              (Marks{{start + 1s, MarkKind::worker_lost, "a"},
                     {start + 1s, MarkKind::worker_joined, "a"}}));
}

TEST(Workforce, BeginsAnewWithAnotherEpoch) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a"), member(2, "b")}, 9);

    EXPECT_EQ(workforce.update(start + 1s, 2, {member(7, "a")}, 0), Marks{});
    EXPECT_EQ(workforce.update(start + 2s, 2, {}, 1),
              (Marks{{start + 2s, MarkKind::worker_lost, "a"}}));
}

// The count comes with the broker's figures once a second, the list when it is asked for.
TEST(Workforce, SeesALossThatIsCountedAfterTheListHasIt) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a", 1), member(2, "b")}, 0);
    EXPECT_EQ(workforce.update(start + 1s, 1, {member(2, "b")}, 0), Marks{});

    EXPECT_EQ(workforce.update(start + 2s, 1, {member(2, "b")}, 1),
              (Marks{{start + 1s, MarkKind::worker_lost, "a"}}));

    ASSERT_EQ(lost_names(workforce), Names{"a"});
    EXPECT_EQ(workforce.lost().front().lost_at, start + 1s);
    EXPECT_EQ(workforce.update(start + 3s, 1, {member(2, "b")}, 2), Marks{}) << "only once";
}

TEST(Workforce, TakesThoseForLeftThatWereNotCountedForAWhile) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a", 1)}, 0);
    workforce.update(start + 1s, 1, {}, 0);
    workforce.update(start + 5s, 1, {}, 0);

    EXPECT_EQ(workforce.update(start + 6s, 1, {}, 1), Marks{});
    EXPECT_EQ(lost_names(workforce), Names{});
}

TEST(Workforce, ForgetsTheLostAfterAnHour) {
    Workforce workforce;
    workforce.update(start, 1, {member(1, "a")}, 0);
    workforce.update(start, 1, {}, 1);
    workforce.update(start + 1h, 1, {}, 1);
    EXPECT_EQ(lost_names(workforce), Names{"a"});

    workforce.update(start + 1h + 1ms, 1, {}, 1);
    EXPECT_EQ(lost_names(workforce), Names{});
}

TEST(Workforce, RemembersSoManyLost) {
    Workforce workforce;
    std::vector<Member> members;
    for (std::uint64_t i = 0; i < Workforce::lost_max + 1; ++i) {
        members.push_back(member(i, std::to_string(i)));
    }
    workforce.update(start, 1, members, 0);

    EXPECT_EQ(workforce.update(start, 1, {}, members.size()).size(), members.size());
    EXPECT_EQ(workforce.lost().size(), Workforce::lost_max);
    EXPECT_EQ(workforce.lost().front().name, "1000");
}

}  // namespace
}  // namespace xebec::monitor::web

// What the tables remember of the look-ups before does not change what they find.

#include "broker/core/tasks.h"
#include "broker/core/tombstones.h"
#include "tests/unit/broker/core/fixture.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace xebec::broker {
namespace {

using namespace std::chrono_literals;

TEST(NumberIndex, FindsWhatIsThereWhateverWasAskedForBefore) {
    // Chunks that are remembered in the same place and in others, and some that come and go.
    std::mt19937_64 random{5};
    NumberIndex index;
    std::map<std::uint64_t, TaskIndex> expected;
    for (int i = 0; i < 200'000; ++i) {
        const std::uint64_t number = 1 + random() % 40 * 4'096 + random() % 2;
        const auto known = expected.find(number);
        ASSERT_EQ(index.find(number), known == expected.end() ? no_task : known->second);
        if (known != expected.end()) {
            index.erase(number);
            expected.erase(known);
        } else if (random() % 4 == 0) {
            const auto task = static_cast<TaskIndex>(i);
            index.insert(number, task);
            expected.emplace(number, task);
        }
    }
    EXPECT_GT(expected.size(), 10U);
}

// A table takes some 14,000 ids; those of the same time, or half a minute apart, share one.
TEST(IdTable, FindsWhatIsThereWhereverItLies) {
    const WallTime wall = Fixture::start_wall;
    std::vector<TaskId> ids;
    for (std::uint32_t n = 0; n < 60'000; ++n) {
        ids.push_back(Fixture::id(n, wall + milliseconds{n % 3 * 32'768}));
        if (n % 10 == 0) {
            ids.push_back(Fixture::id(100'000 + n, wall + milliseconds{n}));
            ids.push_back(ids.back());
            ids.back().octets[6] = 0x40;  // says no time
        }
    }
    for (const std::int64_t made : {std::int64_t{0}, (std::int64_t{1} << 48) - 1}) {
        ids.push_back(Fixture::id(200'000, WallTime{milliseconds{made}}));
        ids.push_back(ids.back());
        ids.back().octets[8] = 0x00;  // of another variant: says no time
    }
    TaskTable tasks;
    std::vector<TaskIndex> places(ids.size(), no_task);
    std::mt19937_64 random{7};
    for (int round = 0; round < 6; ++round) {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            ASSERT_EQ(tasks.find(ids[i]), places[i]);
            if (random() % 2 == 0) {
                continue;
            }
            if (places[i] == no_task) {
                places[i] = tasks.insert(ids[i], i + 1);
            } else {
                tasks.erase(std::exchange(places[i], no_task));
            }
        }
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ASSERT_EQ(tasks.find(ids[i]), places[i]);
        if (places[i] != no_task) {
            tasks.erase(places[i]);
        }
        ASSERT_EQ(tasks.find(ids[i]), no_task);
    }
    EXPECT_EQ(tasks.size(), 0U);

    for (std::size_t i = ids.size(); i > 0; --i) {  // from the other end
        places[i - 1] = tasks.insert(ids[i - 1], i);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ASSERT_EQ(tasks.find(ids[i]), places[i]);
    }
}

TEST(Tombstones, FindWhatIsThereWhateverWasAskedForBefore) {
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    const TaskId early = Fixture::id(1, wall);
    const TaskId late = Fixture::id(2, wall + 100ms);
    Tombstones tombstones;
    EXPECT_EQ(tombstones.find(early), nullptr);

    tombstones.add(early, {.number = 1}, now);
    tombstones.add(late, {.number = 2}, now);
    ASSERT_NE(tombstones.find(early), nullptr);
    EXPECT_EQ(tombstones.find(early)->number, 1U);
    EXPECT_EQ(tombstones.find(late)->number, 2U);

    EXPECT_NE(tombstones.find(early), nullptr);
    tombstones.raise_floor(wall + 50ms);
    EXPECT_EQ(tombstones.find(early), nullptr);
    EXPECT_NE(tombstones.find(late), nullptr);

    tombstones.add(early, {.number = 3}, now);
    EXPECT_EQ(tombstones.find(early)->number, 3U);
    EXPECT_EQ(tombstones.count(), 2U);
}

TEST(Tombstones, DropManyAtOnceButNotAll) {  // I18
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    constexpr std::uint32_t count = 60'000;
    Tombstones tombstones;
    for (std::uint32_t n = 0; n < count; ++n) {
        tombstones.add(Fixture::id(n, wall - milliseconds{n % 10'000}), {.number = n + 1}, now);
    }
    int floors = 0;
    while (const auto floor = tombstones.next_floor(now, count / 6)) {
        const std::size_t before = tombstones.count();
        tombstones.raise_floor(*floor);
        EXPECT_LT(before - tombstones.count(), 21'000U);
        ++floors;
    }
    EXPECT_LE(tombstones.count(), count / 6);
    EXPECT_GT(tombstones.count(), count / 6 - 200);
    EXPECT_EQ(floors, 3);
}

// Tells those again in the segment behind.
std::vector<std::uint64_t> tell_until(Tombstones& tombstones, std::uint32_t segment) {
    std::vector<std::uint64_t> numbers;
    Tombstones::Walk walk;
    std::vector<TaskId> ids;
    const std::size_t count = tombstones.count_told_until(segment);
    while (tombstones.count_told_until(segment) > 0) {
        if (walk.is_over()) {
            ADD_FAILURE() << "some are in no bucket";
            break;
        }
        tombstones.look_on(segment, walk, ids);
        for (const TaskId& id : std::exchange(ids, {})) {
            numbers.push_back(tombstones.find(id)->number);
            tombstones.tell_again(id, segment + 1);
        }
    }
    EXPECT_EQ(numbers.size(), count);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

TaskId timeless_id() {
    TaskId id;
    id.octets.fill(7);
    return id;
}

TEST(Tombstones, KnowWhichSegmentTellsThem) {  // I1, I3
    using Numbers = std::vector<std::uint64_t>;
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    const auto id = [wall](std::uint32_t n) { return Fixture::id(n, wall + 50ms * (n % 3)); };
    Tombstones tombstones;
    for (std::uint32_t n = 1; n <= 9; ++n) {
        tombstones.add(id(n), {.number = n, .told_in = 2 * (n / 2)}, now);
    }
    tombstones.add(timeless_id(), {.number = 10, .told_in = 2}, now);

    EXPECT_EQ(tell_until(tombstones, 0), Numbers{1});
    EXPECT_EQ(tell_until(tombstones, 0), Numbers{});
    EXPECT_EQ(tell_until(tombstones, 2), (Numbers{1, 2, 3, 10}));
    tombstones.add(id(4), {.number = 4, .told_in = 6}, now);
    EXPECT_EQ(tell_until(tombstones, 4), (Numbers{1, 2, 3, 5, 10}));
    tombstones.raise_floor(wall + 40ms);  // those of 3, 6 and 9, and what says no time
    EXPECT_EQ(tell_until(tombstones, 9), (Numbers{1, 2, 4, 5, 7, 8}));
}

TEST(Tombstones, OfManyInOneBucketSomeAreListedAtATime) {  // I18
    const Now now{.steady = Instant{1h}, .wall = Fixture::start_wall};
    Tombstones tombstones;
    for (std::uint32_t n = 1; n <= 10'000; ++n) {
        tombstones.add(Fixture::id(n, Fixture::start_wall), {.number = n, .told_in = 1}, now);
    }
    Tombstones::Walk walk;
    std::vector<TaskId> ids;

    tombstones.look_on(1, walk, ids);

    EXPECT_EQ(ids.size(), 4'000U);
    EXPECT_EQ(tell_until(tombstones, 1).size(), 10'000U);
}

TEST(Tombstones, OfManyBucketsSomeAreLookedAtAtATime) {  // I18
    const Now now{.steady = Instant{1h}, .wall = Fixture::start_wall};
    Tombstones tombstones;
    for (std::uint32_t n = 1; n <= 10'000; ++n) {
        tombstones.add(Fixture::id(n, Fixture::start_wall + 50ms * n),
                       {.number = n, .told_in = n == 1 ? 1U : 2U}, now);
    }
    Tombstones::Walk walk;
    std::vector<TaskId> ids;

    int looks = 0;
    for (; ids.empty() && !walk.is_over(); ++looks) {
        tombstones.look_on(1, walk, ids);
    }

    EXPECT_EQ(looks, 3);
    EXPECT_EQ(ids, std::vector<TaskId>{Fixture::id(1, Fixture::start_wall + 50ms)});
}

// An id may be used again when it is forgotten, while the journal tells of the first task still.
TEST(Tombstones, AnIdThatSaysNoTimeIsInOneBucket) {  // I1, I3
    const WallTime wall = Fixture::start_wall;
    const Now first{.steady = Instant{1h}, .wall = wall};
    const Now second{.steady = Instant{1h} + 10s, .wall = wall + 10s};
    Tombstones tombstones;
    tombstones.add(timeless_id(), {.number = 1, .told_in = 1}, first);
    const std::uint64_t octets = tombstones.octets();

    tombstones.add(timeless_id(), {.number = 2, .told_in = 5}, second);

    EXPECT_EQ(tombstones.count(), 1U);
    EXPECT_EQ(tombstones.count_told_until(4), 0U);
    EXPECT_LE(tombstones.octets(), octets);
    tombstones.raise_floor(wall + 5s);
    ASSERT_NE(tombstones.find(timeless_id()), nullptr);
    EXPECT_EQ(tombstones.find(timeless_id())->number, 2U);
    EXPECT_EQ(tell_until(tombstones, 5), std::vector<std::uint64_t>{2});
}

TEST(Tombstones, ExpectInTheNewestBucketAsManyAsInTheOneBefore) {
    const WallTime wall = Fixture::start_wall;
    const Now now{.steady = Instant{1h}, .wall = wall};
    Tombstones tombstones;
    for (std::uint32_t n = 0; n < 1'000; ++n) {
        tombstones.add(Fixture::id(n, wall), {.number = n + 1}, now);
    }
    const std::uint64_t of_a_thousand = tombstones.octets();

    tombstones.add(Fixture::id(1'000, wall + 100ms), {.number = 1'001}, now);
    EXPECT_EQ(tombstones.octets(), 2 * of_a_thousand);

    tombstones.add(Fixture::id(1'001, wall + 200ms), {.number = 1'002}, now);
    EXPECT_LT(tombstones.octets(), 2 * of_a_thousand + 1'000);
    EXPECT_EQ(tombstones.count(), 1'002U);

    // Behind the large one, but not the newest, whatever their order.
    for (std::uint32_t n = 0; n < 4; ++n) {
        tombstones.add(Fixture::id(1'002 + n, wall + 80ms - n * 20ms), {.number = n + 1'003}, now);
    }
    EXPECT_LT(tombstones.octets(), 2 * of_a_thousand + 5'000);
    EXPECT_EQ(tombstones.count(), 1'006U);
}

}  // namespace
}  // namespace xebec::broker

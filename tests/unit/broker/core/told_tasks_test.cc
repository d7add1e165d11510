#include "broker/core/told_tasks.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace xebec::broker {
namespace {

std::vector<std::uint64_t> all_of(const ToldTasks& told) {
    std::vector<std::uint64_t> numbers;
    ToldTasksReader reader(told);
    while (const auto number = reader.next()) {
        numbers.push_back(*number);
    }
    EXPECT_FALSE(reader.next());
    return numbers;
}

ToldTasks told_of(const std::vector<std::uint64_t>& numbers) {
    ToldTasks told;
    for (const std::uint64_t number : numbers) {
        told.add(number);
    }
    EXPECT_EQ(told.count(), numbers.size());
    return told;
}

TEST(ToldTasks, AreGivenInTheOrderInWhichTheyWereTold) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::vector<std::uint64_t>> cases{
        {},
        {1},
        {1, 2, 3},
        {7, 8, 3, 4, 5, 100},
        {5, 5, 5},
        {most - 1, 1, most - 1, 1ULL << 63, 2},
        {300, 299, 298, 1, 2},
    };
    for (const std::vector<std::uint64_t>& numbers : cases) {
        EXPECT_EQ(all_of(told_of(numbers)), numbers);
    }
}

TEST(ToldTasks, AreGivenAsTheyWereToldWhateverTheirNumbers) {
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> numbers;
    while (numbers.size() < 20'000) {
        const std::uint64_t first = random() >> (random() % 60);
        for (std::uint64_t i = 0; i < random() % 300; ++i) {
            numbers.push_back(first + i);
        }
    }

    EXPECT_EQ(all_of(told_of(numbers)), numbers);
}

}  // namespace
}  // namespace xebec::broker

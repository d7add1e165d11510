#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

using Numbers = std::vector<std::uint32_t>;

SubmitItem with_priority(std::uint32_t n, std::uint8_t priority) {
    SubmitItem item = Fixture::item(n);
    item.priority = priority;
    return item;
}

TEST(Order, IsThatOfAcceptanceWithinAPriorityAndTheHigherPriorityFirst) {  // I14
    Fixture broker;
    broker.submit(with_priority(1, 0));
    broker.submit(with_priority(2, 9));
    broker.submit(with_priority(3, 4));
    broker.submit(with_priority(4, 9));
    broker.submit(with_priority(5, 0));
    broker.submit(with_priority(6, 4));

    broker.work("w", {.slots = 6, .credit = 6});

    EXPECT_EQ(broker.assigned_numbers("w"), (Numbers{2, 4, 3, 6, 1, 5}));
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Order, PutsReturnedTasksBeforeFreshOnesOfTheirPriority) {
    Fixture broker;
    broker.submit_many(1, 3);
    broker.work("w1", {.slots = 2, .credit = 2});
    EXPECT_EQ(broker.assigned_numbers("w1"), (Numbers{1, 2}));
    broker.submit(with_priority(4, 1));

    broker.say("w1", Bye{});
    broker.take_notices<WorkerLeft>();
    broker.work("w2", {.slots = 4, .credit = 4});

    EXPECT_EQ(broker.assigned_numbers("w2"), (Numbers{4, 1, 2, 3}));
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Order, OfSeveralQueuesAndKindsIsThatOfTheBestHead) {
    Fixture broker;
    const auto in = [&](std::uint32_t n, std::string_view queue, std::string_view kind,
                        std::uint8_t priority) {
        SubmitItem item = Fixture::item(n, kind);
        item.queue = queue;
        item.priority = priority;
        broker.submit(item);
    };
    in(1, "a", "add", 0);
    in(2, "b", "add", 0);
    in(3, "a", "echo", 3);
    in(4, "b", "echo", 0);
    in(5, "a", "sleep", 9);  // nobody serves it

    broker.work("w", {.kinds = {"add", "echo"}, .slots = 5, .credit = 5});

    EXPECT_EQ(broker.assigned_numbers("w"), (Numbers{3, 1, 2, 4}));
    EXPECT_EQ(broker.state(5), TaskState::ready);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Order, IgnoresQueuesThatAWorkerDoesNotName) {
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.queue = "other";
    broker.submit(item);
    broker.submit(2);

    broker.work("w", {.queues = {"default"}, .slots = 2, .credit = 2});

    EXPECT_EQ(broker.assigned_numbers("w"), Numbers{2});
    EXPECT_EQ(broker.state(1), TaskState::ready);
}

TEST(Order, HoldsForManyTasksThroughOneSlot) {  // I14
    Fixture broker;
    broker.submit_many(1, 200);
    broker.work("w");

    for (std::uint32_t n = 1; n <= 200; ++n) {
        const AssignItem task = broker.assigned_one("w");
        ASSERT_EQ(task.number, n);
        ASSERT_EQ(broker.done("w", task), FinishStatus::accepted);
    }

    EXPECT_TRUE(broker.is_quiet());
}

}  // namespace
}  // namespace xebec::broker

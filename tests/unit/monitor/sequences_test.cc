#include "monitor/sequences.h"

#include <gtest/gtest.h>

namespace xebec::monitor {
namespace {

using protocol::QueueSequence;

TEST(Sequences, TakeTheFirstMessageOfAQueueAsTheStart) {
    Sequences sequences;

    EXPECT_EQ(sequences.arrive("a", 70, 3), (Arrival{.missed = 0, .known = 0}));
    EXPECT_EQ(sequences.arrive("a", 73, 1), (Arrival{.missed = 0, .known = 0}));
}

TEST(Sequences, TellTheSizeOfAHole) {
    Sequences sequences;
    sequences.arrive("a", 1, 4);

    EXPECT_EQ(sequences.arrive("a", 8, 2), (Arrival{.missed = 3, .known = 0}));
    EXPECT_EQ(sequences.arrive("a", 10, 1), (Arrival{.missed = 0, .known = 0}));
}

TEST(Sequences, KnowWhatCameBefore) {
    Sequences sequences;
    sequences.arrive("a", 5, 4);

    EXPECT_EQ(sequences.arrive("a", 5, 4), (Arrival{.missed = 0, .known = 4}));
    EXPECT_EQ(sequences.arrive("a", 3, 2), (Arrival{.missed = 0, .known = 2}));
    EXPECT_EQ(sequences.arrive("a", 7, 4), (Arrival{.missed = 0, .known = 2}));
    EXPECT_EQ(sequences.arrive("a", 11, 1), (Arrival{.missed = 0, .known = 0}));
}

TEST(Sequences, AreCountedForEachQueueAlone) {
    Sequences sequences;
    sequences.arrive("a", 1, 1);
    sequences.arrive("b", 9, 1);

    EXPECT_EQ(sequences.arrive("a", 2, 1).missed, 0U);
    EXPECT_EQ(sequences.arrive("b", 12, 1).missed, 2U);
}

TEST(Sequences, MissWhatFollowsTheFirstSnapshot) {
    Sequences sequences;
    const std::vector<QueueSequence> snapshot{{.queue = "a", .sequence = 20}};
    sequences.expect(snapshot);

    EXPECT_EQ(sequences.arrive("a", 24, 1).missed, 3U);
}

TEST(Sequences, DoNotMissWhatThePrecedingSnapshotHolds) {
    Sequences sequences;
    const std::vector<QueueSequence> snapshot{{.queue = "a", .sequence = 20}};
    sequences.expect(snapshot);

    EXPECT_EQ(sequences.arrive("a", 18, 3), (Arrival{.missed = 0, .known = 0}));
    EXPECT_EQ(sequences.settle_snapshot(), std::vector<Loss>{});
}

TEST(Sequences, ExpectAQueueThatTheSnapshotDidNotNameFromItsFirstUpdate) {
    Sequences sequences;
    sequences.expect({});

    EXPECT_EQ(sequences.arrive("new", 1, 2).missed, 0U);
    EXPECT_EQ(sequences.arrive("newer", 4, 1).missed, 3U);
}

TEST(Sequences, FindALostTailOnce) {
    Sequences sequences;
    sequences.arrive("a", 1, 5);

    EXPECT_EQ(sequences.settle("a", 9), (Loss{.queue = "a", .missed = 4}));
    EXPECT_EQ(sequences.settle("a", 9), std::nullopt);
    EXPECT_EQ(sequences.arrive("a", 10, 1).missed, 0U);
}

TEST(Sequences, FindNoTailBeforeAnythingIsKnownOfAQueue) {
    Sequences sequences;

    EXPECT_EQ(sequences.settle("a", 9), std::nullopt);
    EXPECT_EQ(sequences.arrive("a", 11, 1).missed, 1U);
}

TEST(Sequences, MissOnlyWhatCameAfterTheFirstSnapshotOfAQueueNeverHeard) {
    Sequences sequences;
    const std::vector<QueueSequence> snapshot{{.queue = "a", .sequence = 20}};
    sequences.expect(snapshot);

    EXPECT_EQ(sequences.settle("a", 25), (Loss{.queue = "a", .missed = 5}));
}

TEST(Sequences, MissAWholeQueueThatALaterSnapshotNamesFirst) {
    Sequences sequences;
    sequences.expect({});
    const std::vector<QueueSequence> later{{.queue = "b", .sequence = 7},
                                           {.queue = "a", .sequence = 2}};
    sequences.expect(later);

    EXPECT_EQ(sequences.settle_snapshot(), (std::vector<Loss>{{"a", 2}, {"b", 7}}));
    EXPECT_EQ(sequences.settle_snapshot(), std::vector<Loss>{});
}

TEST(Sequences, WaitForWhatIsOnItsWayWhenASnapshotOvertakesIt) {
    Sequences sequences;
    sequences.expect({});
    sequences.arrive("a", 1, 10);
    const std::vector<QueueSequence> snapshot{{.queue = "a", .sequence = 14}};

    sequences.expect(snapshot);

    EXPECT_EQ(sequences.arrive("a", 11, 4), (Arrival{.missed = 0, .known = 0}));
    EXPECT_EQ(sequences.settle_snapshot(), std::vector<Loss>{});
}

TEST(Sequences, ForgetEverything) {
    Sequences sequences;
    sequences.expect({});
    sequences.arrive("a", 1, 10);

    sequences.forget();

    EXPECT_EQ(sequences.size(), 0U);
    EXPECT_EQ(sequences.arrive("a", 40, 1).missed, 0U);
}

TEST(Sequences, AreKeptForABoundedNumberOfQueues) {
    Sequences sequences;
    for (std::size_t i = 0; i < Sequences::queues_max + 10; ++i) {
        sequences.arrive("queue-" + std::to_string(i), 1, 1);
    }

    EXPECT_EQ(sequences.size(), Sequences::queues_max);
    EXPECT_EQ(sequences.arrive("one-more", 5, 2), (Arrival{.missed = 0, .known = 0}));
    EXPECT_EQ(sequences.settle("one-more", 9), std::nullopt);
}

}  // namespace
}  // namespace xebec::monitor

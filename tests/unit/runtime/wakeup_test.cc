// Threads that hand things to a loop, signals that become events, clocks and randomness.

#include "runtime/wakeup.h"

#include "protocol/ids.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/signals.h"
#include "runtime/sockets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <set>
#include <thread>
#include <unistd.h>

namespace xebec::runtime {
namespace {

using namespace std::chrono_literals;

bool is_readable(int descriptor, Duration limit = 0s) {
    Poller poller;
    const std::size_t index = poller.add(descriptor);
    poller.wait_until(now().steady + limit);
    return poller.is_ready(index);
}

TEST(Wakeup, IsReadableFromSignalToClear) {
    const Wakeup wakeup;
    EXPECT_FALSE(is_readable(wakeup.descriptor()));

    wakeup.signal();
    wakeup.signal();
    EXPECT_TRUE(is_readable(wakeup.descriptor()));
    EXPECT_TRUE(is_readable(wakeup.descriptor()));

    wakeup.clear();
    EXPECT_FALSE(is_readable(wakeup.descriptor()));
    wakeup.clear();
}

TEST(Wakeup, WakesALoopFromAnotherThread) {
    const Wakeup wakeup;
    const std::jthread other([&wakeup] { wakeup.signal(); });

    EXPECT_TRUE(is_readable(wakeup.descriptor(), 10s));
}

TEST(Mailbox, GivesEverythingAtOnceAndInOrder) {
    Mailbox<std::unique_ptr<int>> mailbox;
    EXPECT_TRUE(mailbox.take().empty());

    for (int i = 0; i < 3; ++i) {
        mailbox.put(std::make_unique<int>(i));
    }
    EXPECT_TRUE(is_readable(mailbox.descriptor()));

    const auto things = mailbox.take();
    ASSERT_EQ(things.size(), 3U);
    EXPECT_EQ(*things[0], 0);
    EXPECT_EQ(*things[2], 2);
    EXPECT_FALSE(is_readable(mailbox.descriptor()));
    EXPECT_TRUE(mailbox.take().empty());
}

TEST(Mailbox, LosesNothingThatManyThreadsPutIn) {
    constexpr int thread_count = 4;
    constexpr int count = 5'000;
    Mailbox<std::pair<int, int>> mailbox;
    std::vector<std::vector<int>> received(thread_count);
    std::size_t total = 0;

    std::vector<std::jthread> threads;
    for (int thread = 0; thread < thread_count; ++thread) {
        threads.emplace_back([thread, &mailbox] {
            for (int i = 0; i < count; ++i) {
                mailbox.put({thread, i});
            }
        });
    }
    while (total < thread_count * count) {
        // A put that nobody was woken for would end this wait at its limit.
        ASSERT_TRUE(is_readable(mailbox.descriptor(), 10s));
        for (const auto& [thread, i] : mailbox.take()) {
            received[static_cast<std::size_t>(thread)].push_back(i);
            ++total;
        }
    }

    for (const auto& from_one : received) {
        EXPECT_EQ(from_one.size(), static_cast<std::size_t>(count));
        EXPECT_TRUE(std::is_sorted(from_one.begin(), from_one.end()));
    }
}

TEST(Signals, AreReadInsteadOfInterrupting) {
    const Signals signals{SIGUSR1, SIGUSR2};
    EXPECT_EQ(signals.take(), std::nullopt);

    kill(getpid(), SIGUSR2);

    EXPECT_TRUE(is_readable(signals.descriptor(), 10s));
    EXPECT_EQ(signals.take(), SIGUSR2);
    EXPECT_EQ(signals.take(), std::nullopt);
}

TEST(Signals, AreBlockedInThreadsMadeLater) {
    const Signals signals{SIGUSR1};
    std::jthread other([] { kill(getpid(), SIGUSR1); });
    other.join();

    EXPECT_TRUE(is_readable(signals.descriptor(), 10s));
    EXPECT_EQ(signals.take(), SIGUSR1);
}

TEST(Signals, AreUnblockedForAChild) {
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    const Signals signals{SIGUSR1};

    EXPECT_EXIT(
        {
            reset_signals();
            kill(getpid(), SIGUSR1);
            _exit(0);
        },
        ::testing::KilledBySignal(SIGUSR1), "");

    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Clock, NeverGoesBack) {
    Now last = now();
    for (int i = 0; i < 1'000; ++i) {
        const Now next = now();
        EXPECT_GE(next.steady, last.steady);
        last = next;
    }
    EXPECT_GT(last.wall.time_since_epoch(), 50LL * 365 * 24h);
}

TEST(Random, MakesIdsThatDifferAndTellTheirTime) {
    std::set<TaskId> ids;
    const WallTime before = now().wall;
    for (int i = 0; i < 1'000; ++i) {
        ids.insert(new_task_id());
    }

    EXPECT_EQ(ids.size(), 1'000U);
    for (const TaskId& id : ids) {
        ASSERT_TRUE(made_at(id));
        EXPECT_LT(std::chrono::abs(*made_at(id) - before), 1h);
    }
    EXPECT_NE(random_seed(), random_seed());
}

}  // namespace
}  // namespace xebec::runtime

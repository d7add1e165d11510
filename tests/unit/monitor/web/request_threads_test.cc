#include "monitor/web/request_threads.h"

#include "runtime/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace xebec::monitor::web {
namespace {

using namespace std::chrono_literals;

TEST(RequestThreads, RunRequestsBesideEachOther) {
    constexpr int count = 8;
    RequestThreads threads(count);
    std::latch all(count);

    for (int i = 0; i < count; ++i) {
        EXPECT_TRUE(threads.try_run([&all] { all.arrive_and_wait(); }));  // ends if all of them run
    }

    threads.shutdown();
    EXPECT_TRUE(all.try_wait());
}

TEST(RequestThreads, RefuseRequestsBeyondTheLimit) {
    RequestThreads threads(2);
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future().share();
    std::atomic<int> done = 0;
    const auto wait = [gone, &done] {
        gone.wait();
        ++done;
    };

    EXPECT_TRUE(threads.try_run(wait));
    EXPECT_TRUE(threads.try_run(wait));
    EXPECT_FALSE(threads.try_run(wait));
    EXPECT_FALSE(threads.try_run(wait));

    go.set_value();
    threads.shutdown();
    EXPECT_EQ(done, 2);
}

TEST(RequestThreads, AreUsedAgain) {
    RequestThreads threads(100);
    std::set<std::thread::id> used;
    std::mutex mutex;
    for (int i = 0; i < 50; ++i) {
        const auto done = std::make_shared<std::promise<void>>();
        ASSERT_TRUE(threads.try_run([&used, &mutex, done] {
            const std::lock_guard lock(mutex);
            used.insert(std::this_thread::get_id());
            done->set_value();
        }));
        done->get_future().wait();
    }
    threads.shutdown();

    // A thread may not be idle again before the next request comes; mostly it is.
    EXPECT_LT(used.size(), 50U);
}

TEST(RequestThreads, EndWhenThereIsNothingToDoForLong) {
    constexpr int count = 20;
    RequestThreads threads(count, 1ms);
    std::latch all(count);
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(threads.try_run([&all] { all.arrive_and_wait(); }));
    }

    const Instant limit = runtime::now().steady + 60s;
    while (threads.count() > 0 && runtime::now().steady < limit) {
        std::this_thread::yield();
    }

    EXPECT_EQ(threads.count(), 0U);
    std::promise<void> ran;
    EXPECT_TRUE(threads.try_run([&ran] { ran.set_value(); })) << "there are new ones";
    EXPECT_EQ(ran.get_future().wait_for(60s), std::future_status::ready);
}

TEST(RequestThreads, EndWithWhatWasAsked) {
    std::atomic<int> done = 0;
    RequestThreads threads(100);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(threads.try_run([&done] { ++done; }));
    }

    threads.shutdown();

    EXPECT_EQ(done, 100);
    EXPECT_FALSE(threads.try_run([] {}));
}

TEST(RequestThreads, EndWithoutEverHavingRun) {
    RequestThreads threads(3);

    auto ended = std::async(std::launch::async, [&threads] { threads.shutdown(); });

    EXPECT_EQ(ended.wait_for(60s), std::future_status::ready);
}

}  // namespace
}  // namespace xebec::monitor::web

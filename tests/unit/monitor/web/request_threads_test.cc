#include "monitor/web/request_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace xebec::monitor::web {
namespace {

TEST(RequestThreads, RunRequestsBesideEachOther) {
    constexpr int count = 8;
    RequestThreads threads(count);
    std::latch all(count);

    for (int i = 0; i < count; ++i) {
        threads.enqueue([&all] { all.arrive_and_wait(); });  // ends only if all of them run
    }

    threads.shutdown();
    EXPECT_TRUE(all.try_wait());
}

TEST(RequestThreads, LetRequestsBeyondTheLimitWait) {
    RequestThreads threads(2);
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future().share();
    std::latch busy(2);
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    std::atomic<int> done = 0;
    for (int i = 0; i < 10; ++i) {
        threads.enqueue([&, i] {
            const int now_running = ++running;
            int seen = most;
            while (seen < now_running && !most.compare_exchange_weak(seen, now_running)) {
            }
            if (i < 2) {
                busy.count_down();
                gone.wait();
            }
            --running;
            ++done;
        });
    }
    busy.wait();
    EXPECT_EQ(done, 0);

    go.set_value();
    threads.shutdown();

    EXPECT_EQ(done, 10);
    EXPECT_EQ(most, 2);
}

TEST(RequestThreads, AreUsedAgain) {
    RequestThreads threads(100);
    std::set<std::thread::id> used;
    std::mutex mutex;
    for (int i = 0; i < 50; ++i) {
        const auto done = std::make_shared<std::promise<void>>();
        threads.enqueue([&used, &mutex, done] {
            const std::lock_guard lock(mutex);
            used.insert(std::this_thread::get_id());
            done->set_value();
        });
        done->get_future().wait();
    }
    threads.shutdown();

    // A thread may not be idle again before the next request comes; mostly it is.
    EXPECT_LT(used.size(), 50U);
}

TEST(RequestThreads, EndWithWhatWasAsked) {
    std::atomic<int> done = 0;
    RequestThreads threads(3);
    for (int i = 0; i < 100; ++i) {
        threads.enqueue([&done] { ++done; });
    }

    threads.shutdown();

    EXPECT_EQ(done, 100);
}

TEST(RequestThreads, EndWithoutEverHavingRun) {
    RequestThreads threads(3);

    auto ended = std::async(std::launch::async, [&threads] { threads.shutdown(); });

    EXPECT_EQ(ended.wait_for(std::chrono::seconds{60}), std::future_status::ready);
}

}  // namespace
}  // namespace xebec::monitor::web

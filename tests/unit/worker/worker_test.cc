// The worker library against a broker played by the test, over a real socket.

#include "tests/unit/worker/fake_broker.h"

#include <xebec/worker.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace xebec::worker {

namespace {

using namespace protocol;

// Runs a worker on a thread of its own until the test ends.
class RunningWorker {
public:
    explicit RunningWorker(FakeBroker& broker, WorkerOptions options = {}) : broker_(broker) {
        options.broker = broker.endpoint();
        options.name = "tested";
        worker_.emplace(std::move(options));
    }
    ~RunningWorker() {
        worker_->stop();
        broker_.accepts = true;
        while (!has_ended_) {
            broker_.serve(5ms);
        }
    }
    RunningWorker(const RunningWorker&) = delete;
    RunningWorker& operator=(const RunningWorker&) = delete;

    void start() {
        has_ended_ = false;
        thread_ = std::jthread([this] {
            result_ = worker_->run();
            has_ended_ = true;
        });
    }
    Result<void> join() {
        if (thread_.joinable()) {
            thread_.join();
        }
        return *result_;
    }

    Worker* operator->() { return &*worker_; }

private:
    std::optional<Worker> worker_;
    std::optional<Result<void>> result_;
    FakeBroker& broker_;
    std::atomic<bool> has_ended_ = true;
    std::jthread thread_;
};

HandlerResult echo(TaskContext& context) {
    return Payload{std::string(context.payload()), context.content_type()};
}

// Returns when it is stopped, and only then.
HandlerResult wait_for_stop(TaskContext& context) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait(lock, context.stop_token(), [] { return false; });
    return xebec::Failure{.error_class = "stopped"};
}

TEST(Worker, RunsATaskAndSendsItsResult) {
    FakeBroker broker;
    RunningWorker worker(broker, {.queues = {"nightly"}, .slots = 2});
    worker->handle("echo", echo);
    worker.start();

    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    const auto& said = std::get<Hello>(hello->message);
    EXPECT_EQ(said.name, "tested");
    EXPECT_EQ(said.kinds, (std::vector<std::string_view>{"echo"}));
    EXPECT_EQ(said.queues, (std::vector<std::string_view>{"nightly"}));
    EXPECT_EQ(said.slots, 2U);
    EXPECT_EQ(said.process, static_cast<std::uint32_t>(getpid()));
    broker.send(*hello, Assign{{task(1, "echo", "[1]")}});
    const auto done = broker.wait_for<Done>();

    ASSERT_TRUE(done);
    const auto& items = std::get<Done>(done->message).items;
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].id, task(1, "echo").id);
    EXPECT_EQ(items[0].fence, 7U);
    EXPECT_EQ(items[0].result.view, "[1]");
    EXPECT_EQ(items[0].content_type, ContentType::json);
}

TEST(Worker, CarriesLargePayloadsBothWays) {
    FakeBroker broker;
    RunningWorker worker(broker);
    worker->handle("echo", echo);
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    const std::string payload(3 << 20, 'p');

    broker.send(*hello, Assign{{task(1, "echo", payload)}});
    const auto done = broker.wait_for<Done>();

    ASSERT_TRUE(done);
    EXPECT_EQ(done->payloads.size(), 1U);
    EXPECT_EQ(std::get<Done>(done->message).items.at(0).result.view, payload);
}

TEST(Worker, ReportsAnExceptionAsAFailure) {
    FakeBroker broker;
    RunningWorker worker(broker);
    worker->handle("throw", [](TaskContext&) -> HandlerResult {
        throw std::runtime_error("the handler's own trouble");
    });
    worker->handle("odd", [](TaskContext&) -> HandlerResult { throw 5; });
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);

    broker.send(*hello, Assign{{task(1, "throw")}});
    const auto first = broker.wait_for<Fail>();
    broker.send(*hello, Assign{{task(2, "odd")}});
    const auto second = broker.wait_for<Fail>();

    ASSERT_TRUE(first && second);
    EXPECT_EQ(std::get<Fail>(first->message).items.at(0).error,
              (protocol::Failure{"exception", "the handler's own trouble"}));
    EXPECT_EQ(std::get<Fail>(second->message).items.at(0).error.error_class, "exception");
}

TEST(Worker, SendsHeartbeatsWhileItsHandlersAreBusy) {
    FakeBroker broker;
    RunningWorker worker(broker, {.heartbeat = 20ms});
    worker->handle("wait", wait_for_stop);
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    broker.send(*hello, Assign{{task(1, "wait")}});

    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(broker.wait_for<Ping>());
    }
}

TEST(Worker, StopsAHandlerWhoseLeaseIsRevoked) {
    FakeBroker broker;
    RunningWorker worker(broker);
    worker->handle("wait", wait_for_stop);
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    broker.send(*hello, Assign{{task(1, "wait")}});
    const LeaseRef lease{task(1, "wait").id, 7};

    broker.send(*hello, Revoke{{lease}});
    const auto release = broker.wait_for<Release>();

    ASSERT_TRUE(release);
    EXPECT_EQ(std::get<Release>(release->message).leases, std::vector<LeaseRef>{lease});
}

TEST(Worker, RunsAsManyTasksAtATimeAsItHasSlots) {
    FakeBroker broker;
    std::mutex mutex;
    std::condition_variable changed;
    int together = 0;
    RunningWorker worker(broker, {.slots = 3});
    worker->handle("meet", [&](TaskContext&) -> HandlerResult {
        std::unique_lock lock(mutex);
        ++together;
        changed.notify_all();
        changed.wait(lock, [&] { return together >= 3; });
        return Payload{};
    });
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);

    broker.send(*hello, Assign{{task(1, "meet"), task(2, "meet"), task(3, "meet")}});
    std::size_t finished = 0;
    while (finished < 3) {
        const auto done = broker.wait_for<Done>();
        ASSERT_TRUE(done);
        finished += std::get<Done>(done->message).items.size();
    }

    EXPECT_EQ(finished, 3U);
}

TEST(Worker, StartsTasksInTheOrderOfAssignment) {
    FakeBroker broker;
    std::mutex mutex;  // ThreadSanitizer does not see that the messages are in between
    std::vector<std::uint64_t> order;
    RunningWorker worker(broker);
    worker->handle("note", [&](TaskContext& context) -> HandlerResult {
        const std::lock_guard lock(mutex);
        order.push_back(context.number());
        return Payload{};
    });
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    Assign assign;
    std::vector<std::uint64_t> expected;
    for (std::uint8_t n = 1; n <= 200; ++n) {
        assign.items.push_back(task(n, "note"));
        expected.push_back(n);
    }

    broker.send(*hello, assign);
    std::size_t finished = 0;
    while (finished < expected.size()) {
        const auto done = broker.wait_for<Done>();
        ASSERT_TRUE(done);
        finished += std::get<Done>(done->message).items.size();
    }

    const std::lock_guard lock(mutex);
    EXPECT_EQ(order, expected);
}

TEST(Worker, ComesBackWithItsResultAfterTheBrokerForgotIt) {
    FakeBroker broker;
    RunningWorker worker(broker, {.heartbeat = 20ms});
    worker->handle("echo", echo);
    worker.start();
    broker.accepts = false;
    const auto first = broker.welcome();
    ASSERT_TRUE(first);
    broker.send(*first, Assign{{task(1, "echo", "[1]")}});
    ASSERT_TRUE(broker.wait_for<Done>());
    // Pings go on; a session this young would rest before its next hello.
    for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(broker.wait_for<Ping>());
    }
    broker.accepts = true;

    const auto ping = broker.wait_for<Ping>();
    ASSERT_TRUE(ping);
    broker.answer(*ping, ErrorAnswer{.code = static_cast<std::uint16_t>(4)});
    const auto second = broker.welcome({.epoch = 6, .held_ms = {0}});
    const auto done = broker.wait_for<Done>();

    ASSERT_TRUE(second && done);
    const auto& hello = std::get<Hello>(second->message);
    EXPECT_EQ(hello.epoch_seen, 5U);
    EXPECT_EQ(hello.held, (std::vector<LeaseRef>{{task(1, "echo").id, 7}}));
    EXPECT_EQ(std::get<Done>(done->message).items.at(0).result.view, "[1]");
}

TEST(Worker, DrainsWhenAskedFromAnotherThread) {
    FakeBroker broker;
    std::atomic<bool> has_begun = false;
    std::atomic<bool> may_end = false;
    RunningWorker worker(broker);
    worker->handle("wait", [&](TaskContext&) -> HandlerResult {
        has_begun = true;
        has_begun.notify_all();
        may_end.wait(false);
        return Payload{"finished", ContentType::octets};
    });
    worker.start();
    const auto hello = broker.welcome();
    ASSERT_TRUE(hello);
    broker.send(*hello, Assign{{task(1, "wait"), task(2, "wait")}});

    has_begun.wait(false);
    worker->drain();
    const auto release = broker.wait_for<Release>();
    ASSERT_TRUE(release);
    may_end = true;
    may_end.notify_all();
    EXPECT_TRUE(broker.wait_for<Done>());
    const auto bye = broker.wait_for<Bye>();

    EXPECT_TRUE(bye);
    EXPECT_EQ(std::get<Release>(release->message).leases,
              (std::vector<LeaseRef>{{task(2, "wait").id, 7}}));
    EXPECT_TRUE(worker.join());
}

TEST(Worker, EndsWithTheReasonWhenTheBrokerRefusesIt) {
    FakeBroker broker;
    RunningWorker worker(broker);
    worker->handle("echo", echo);
    worker.start();

    const auto hello = broker.wait_for<Hello>();
    ASSERT_TRUE(hello);
    broker.answer(*hello, ErrorAnswer{.code = 9, .text = "workers connect to another port"});
    const auto result = worker.join();

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().name, "bad_value");
    EXPECT_EQ(result.error().detail, "workers connect to another port");
}

TEST(Worker, DoesNotStartWithWhatNoBrokerWouldTake) {
    const auto run = [](WorkerOptions options, const std::string& kind) {
        Worker worker(std::move(options));
        if (!kind.empty()) {
            worker.handle(kind, echo);
        }
        return worker.run();
    };

    EXPECT_FALSE(run({}, ""));
    EXPECT_FALSE(run({}, "no kind"));
    EXPECT_FALSE(run({.name = "a b"}, "echo"));
    EXPECT_FALSE(run({.queues = {"a.b"}}, "echo"));
    EXPECT_FALSE(run({.slots = 0}, "echo"));
    EXPECT_FALSE(run({.broker = "nonsense"}, "echo"));
}

}  // namespace

}  // namespace xebec::worker

#include "tests/unit/client/fake_broker.h"

#include <xebec/client.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>

namespace xebec::client {
namespace {

using namespace std::chrono_literals;
using protocol::Message;
using testing::ElementsAre;

ClientOptions options_for(const FakeBroker& broker) {
    return {.broker = broker.endpoint()};
}

NewTask echo(std::string payload) {
    return {.kind = "echo", .payload = {std::move(payload), ContentType::json}};
}

protocol::Outcomes succeeded(const TaskId& id, std::string_view result) {
    return {.items = {{.id = id,
                       .number = 1,
                       .state = TaskState::succeeded,
                       .result = result,
                       .content_type = ContentType::json,
                       .fence = 9}}};
}

std::vector<TaskId> ids_of(const protocol::Submit& submit) {
    std::vector<TaskId> ids;
    for (const protocol::SubmitItem& item : submit.items) {
        ids.push_back(item.id);
    }
    return ids;
}

TEST(Client, RefusesAnEndpointThatIsNone) {
    EXPECT_THROW(Client({.broker = "nonsense"}), std::runtime_error);
}

TEST(Client, RunsATaskToItsOutcome) {
    FakeBroker broker([](FakeBroker& self, const Header& header, const Message& message) {
        const auto& submit = std::get<protocol::Submit>(message);
        EXPECT_TRUE(submit.wait);
        EXPECT_EQ(submit.items.at(0).kind, "echo");
        EXPECT_EQ(submit.items.at(0).payload.view, "[2]");
        EXPECT_EQ(submit.items.at(0).content_type, ContentType::json);
        self.answer_submit(header, submit);
        self.notify(succeeded(submit.items[0].id, "2"));
    });
    Client client(options_for(broker));

    const auto outcome = client.run(echo("[2]"), 10s);

    ASSERT_TRUE(outcome) << outcome.error().detail;
    EXPECT_EQ(outcome->state, TaskState::succeeded);
    EXPECT_EQ(outcome->result, (Payload{"2", ContentType::json}));
    EXPECT_EQ(outcome->number, 1U);
    EXPECT_EQ(outcome->fence, 9U);
    EXPECT_FALSE(outcome->error);
}

TEST(Client, TakesOutcomesThatComeBeforeTheAnswer) {
    const TaskId id = new_task_id();
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        if (const auto* submit = std::get_if<protocol::Submit>(&message)) {
            self.notify(succeeded(submit->items[0].id, "1"));
            self.answer_submit(header, *submit);
        } else {
            self.notify(succeeded(id, "2"));
            self.answer(header, protocol::WaitAnswer{.items = {{.number = 1, .id = id}}});
        }
    });
    Client client(options_for(broker));
    std::vector<std::string> told;
    std::promise<void> ended;

    client.submit_batch({echo("1")}, {.on_submitted = [&](auto...) { told.push_back("submitted"); },
                                      .on_outcome =
                                          [&](auto...) {
                                              told.push_back("ended");
                                              ended.set_value();
                                          }});
    ASSERT_EQ(ended.get_future().wait_for(10s), std::future_status::ready);
    const auto waited = client.wait(std::uint64_t{0}, 10s);

    EXPECT_THAT(told, ElementsAre("submitted", "ended"));
    ASSERT_TRUE(waited) << waited.error().detail;
    EXPECT_EQ(waited->result.octets, "2");
}

TEST(Client, SplitsABatchByTheLimitsOfTheWelcome) {
    std::vector<std::size_t> sizes;
    FakeBroker broker(
        [&](FakeBroker& self, const Header& header, const Message& message) {
            const auto& submit = std::get<protocol::Submit>(message);
            EXPECT_FALSE(submit.wait);
            sizes.push_back(submit.items.size());
            self.answer_submit(header, submit);
        },
        {.welcome = {.epoch = 1,
                     .limits = {.batch_items_max = 4,
                                .inline_octets_max = 10,
                                .payload_frames_max = 2,
                                .message_octets_max = 100}}});
    Client client({.broker = broker.endpoint(), .batch = 3});
    std::vector<NewTask> tasks;
    for (int i = 0; i < 4; ++i) {
        tasks.push_back(echo("1"));  // three in a message
    }
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(echo(std::string(40, 'x')));  // two frames in a message
    }
    for (int i = 0; i < 2; ++i) {
        tasks.push_back(echo(std::string(70, 'x')));  // a hundred octets in a message
    }

    const auto answers = client.submit(std::move(tasks));
    broker.stop();

    ASSERT_EQ(answers.size(), 9U);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        ASSERT_TRUE(answers[i]) << answers[i].error().detail;
        EXPECT_EQ(answers[i]->number, i + 1);
        EXPECT_FALSE(answers[i]->existed);
    }
    EXPECT_THAT(sizes, ElementsAre(3, 3, 1, 1, 1));
}

TEST(Client, LetsABadTaskFailAlone) {
    std::atomic<std::size_t> received = 0;
    FakeBroker broker(
        [&](FakeBroker& self, const Header& header, const Message& message) {
            const auto& submit = std::get<protocol::Submit>(message);
            received += submit.items.size();
            self.answer_submit(header, submit);
        },
        {.welcome = {.epoch = 1, .limits = {.payload_octets_max = 100}}});
    Client client(options_for(broker));
    std::vector<NewTask> tasks(8, echo("1"));
    tasks[1].kind = "no spaces";
    tasks[2].options.queue = "no/slash";
    tasks[3].options.priority = 10;
    tasks[4].payload.octets = std::string(101, 'x');
    tasks[5].payload.octets = "\xFF";
    tasks[6].options.delay = -1ms;

    const auto answers = client.submit(std::move(tasks));

    std::vector<std::string> names;
    for (const auto& answer : answers) {
        names.push_back(answer ? "ok" : answer.error().name);
    }
    EXPECT_THAT(names, ElementsAre("ok", "bad_name", "bad_name", "bad_value", "too_large",
                                   "bad_value", "bad_value", "ok"));
    EXPECT_EQ(received, 2U);
}

TEST(Client, SubmitsAgainWithTheSameIdsWhenNoAnswerComes) {
    std::vector<std::vector<TaskId>> asked;
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        const auto& submit = std::get<protocol::Submit>(message);
        asked.push_back(ids_of(submit));
        if (asked.size() == 3) {
            self.answer(header,
                        protocol::SubmitAnswer{
                            .items = {{.status = protocol::SubmitStatus::exists, .number = 5}}});
        }
    });
    Client client({.broker = broker.endpoint(), .answer_timeout = 20ms});

    const auto submitted = client.submit(echo("1"));
    broker.stop();

    ASSERT_TRUE(submitted) << submitted.error().detail;
    EXPECT_EQ(submitted->number, 5U);
    EXPECT_TRUE(submitted->existed);
    EXPECT_THAT(asked, ElementsAre(ElementsAre(submitted->id), ElementsAre(submitted->id),
                                   ElementsAre(submitted->id)));
}

TEST(Client, SubmitsAgainWhatABusyBrokerRefused) {
    std::atomic<int> asked = 0;
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        const auto& submit = std::get<protocol::Submit>(message);
        if (++asked == 1) {
            self.answer(
                header,
                protocol::SubmitAnswer{
                    .items = {{.number = 1},
                              {.status = protocol::SubmitStatus::refused, .problem = {.code = 17}},
                              {.status = protocol::SubmitStatus::refused,
                               .problem = {.code = 16, .text = "ten at most"}}}});
            return;
        }
        EXPECT_EQ(submit.items.size(), 1U);
        self.answer(header, protocol::SubmitAnswer{.items = {{.number = 2}}});
    });
    Client client(options_for(broker));

    const auto answers = client.submit(std::vector<NewTask>(3, echo("1")));

    ASSERT_TRUE(answers[0]);
    ASSERT_TRUE(answers[1]) << answers[1].error().detail;
    EXPECT_EQ(answers[1]->number, 2U);
    ASSERT_FALSE(answers[2]);
    EXPECT_EQ(answers[2].error(), (Error{ErrorCode::unavailable, "ten at most", "queue_full"}));
    EXPECT_EQ(asked, 2);
}

TEST(Client, AsksForOutcomesAgainInANewSessionAndReportsEachOnce) {
    std::atomic<bool> has_forgotten = false;
    std::vector<TaskId> submitted;
    std::vector<protocol::TaskRef> waited;
    FakeBroker broker(
        [&](FakeBroker& self, const Header& header, const Message& message) {
            if (const auto* submit = std::get_if<protocol::Submit>(&message)) {
                submitted = ids_of(*submit);
                self.answer_submit(header, *submit);
                self.notify(succeeded(submitted[0], "0"));
                self.notify(succeeded(submitted[0], "0"));
            } else if (std::holds_alternative<protocol::Ping>(message)) {
                if (header.correlation > 1 && !has_forgotten.exchange(true)) {
                    self.refuse(header, Refusal::not_registered);
                } else {
                    self.answer(header, protocol::Pong{});
                }
            } else {
                waited = std::get<protocol::Wait>(message).tasks;
                protocol::WaitAnswer answer;
                for (const auto& task : waited) {
                    const bool is_known = std::get<TaskId>(task) != submitted[2];
                    answer.items.push_back(
                        {.problem = {.code = static_cast<std::uint16_t>(is_known ? 0 : 5)},
                         .id = std::get<TaskId>(task)});
                }
                self.answer(header, answer);
                self.notify(succeeded(submitted[0], "0"));
                self.notify(succeeded(submitted[1], "1"));
            }
        },
        {.welcome = {.epoch = 1, .heartbeat_ms = 20, .liveness_ms = 5'000},
         .answers_pings = false});
    Client client(options_for(broker));
    std::vector<std::string> told;
    std::promise<void> all;

    client.submit_batch(
        std::vector<NewTask>(3, echo("1")),
        {.on_submitted =
             [&](std::size_t index, const Result<Submitted>& result) {
                 told.push_back("submitted " + std::to_string(index) + (result ? "" : " not"));
             },
         .on_outcome =
             [&](std::size_t index, const Result<Outcome>& result) {
                 told.push_back("outcome " + std::to_string(index) + " " +
                                (result ? result->result.octets : result.error().name));
                 if (told.size() == 6) {
                     all.set_value();
                 }
             }});

    ASSERT_EQ(all.get_future().wait_for(10s), std::future_status::ready);
    broker.stop();
    std::sort(told.begin(), told.end());
    EXPECT_THAT(told, ElementsAre("outcome 0 0", "outcome 1 1", "outcome 2 unknown_task",
                                  "submitted 0", "submitted 1", "submitted 2"));
    EXPECT_EQ(waited.size(), 2U);  // the first is known already
}

TEST(Client, OutlivesARestartOfTheBroker) {
    std::string endpoint;
    TaskId id;
    Client* client = nullptr;
    std::optional<Client> kept;
    std::future<Result<Outcome>> outcome;
    {
        FakeBroker first([&](FakeBroker& self, const Header& header, const Message& message) {
            id = std::get<protocol::Submit>(message).items[0].id;
            self.answer_submit(header, std::get<protocol::Submit>(message));
        });
        endpoint = first.endpoint();
        kept.emplace(ClientOptions{.broker = endpoint, .answer_timeout = 200ms});
        client = &*kept;
        outcome = std::async(std::launch::async, [&] { return client->run(echo("1"), 20s); });
        ASSERT_TRUE(first.saw(protocol::Submit::type));
    }

    FakeBroker second(
        [&](FakeBroker& self, const Header& header, const Message& message) {
            if (header.session < 200) {
                self.refuse(header, Refusal::not_registered);
                return;
            }
            const auto& wait = std::get<protocol::Wait>(message);
            EXPECT_THAT(wait.tasks, ElementsAre(protocol::TaskRef(id)));
            self.answer(header, protocol::WaitAnswer{.items = {{.number = 1, .id = id}}});
            self.notify(succeeded(id, "\"done\""));
        },
        {.endpoint = endpoint, .answers_pings = false, .session_first = 200});

    const auto result = outcome.get();
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->result.octets, "\"done\"");
}

TEST(Client, WaitsByNumberAndStopsInTime) {
    const TaskId id = new_task_id();
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        const auto number = std::get<std::uint64_t>(std::get<protocol::Wait>(message).tasks[0]);
        self.answer(
            header,
            protocol::WaitAnswer{
                .items = {{.problem = {.code = static_cast<std::uint16_t>(number == 3 ? 5 : 0)},
                           .number = number,
                           .id = id}}});
        if (number == 1) {
            self.notify(
                protocol::Outcomes{.items = {{.id = id,
                                              .number = 1,
                                              .state = TaskState::dead,
                                              .error = protocol::Failure{"exit", "status 1"}}}});
        }
    });
    Client client(options_for(broker));

    const auto ended = client.wait(std::uint64_t{1});
    const auto endless = client.wait(std::uint64_t{2}, 30ms);
    const auto unknown = client.wait(std::uint64_t{3});

    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, TaskState::dead);
    EXPECT_EQ(ended->error, (TaskError{"exit", "status 1"}));
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().name, "unknown_task");
}

TEST(Client, SaysInTimeThatThereIsNoBroker) {
    std::string endpoint;
    {
        const FakeBroker gone([](FakeBroker&, const Header&, const Message&) {});
        endpoint = gone.endpoint();
    }
    Client client({.broker = endpoint, .timeout = 50ms});

    const auto submitted = client.submit(std::vector<NewTask>(2, echo("1")));
    const auto outcome = client.run(echo("1"), 20ms);
    const auto info = client.query(std::uint64_t{1});
    const auto waited = client.wait(std::uint64_t{1});

    ASSERT_EQ(submitted.size(), 2U);
    for (const auto& answer : submitted) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::timed_out);
        EXPECT_EQ(answer.error().detail,
                  "no answer from the broker in time; the task was not submitted");
        EXPECT_TRUE(answer.error().is_unsent);
    }
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ErrorCode::timed_out);
}

// A broker that answers, but never says that this was all.
TEST(Client, EndsEveryCallWhenItsLifetimeIsOver) {
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        if (std::holds_alternative<protocol::List>(message)) {
            self.answer(header, protocol::ListAnswer{.cursor = 1});
        } else if (std::holds_alternative<protocol::Cancel>(message)) {
            self.answer(header, protocol::CancelAnswer{.cursor = 1});
        }
    });
    constexpr auto lifetime = 150ms;
    Client client({.broker = broker.endpoint(), .lifetime = lifetime});

    const auto counted = client.count({});
    Client other({.broker = broker.endpoint(), .lifetime = lifetime});
    const auto cancelled = other.cancel_all({});
    const auto submitted = other.submit(echo("1"));
    const auto ran = other.run(echo("1"));
    const auto waited = other.wait(std::uint64_t{1});
    broker.stop();

    ASSERT_FALSE(counted);
    EXPECT_EQ(counted.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(submitted);
    EXPECT_EQ(submitted.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, ErrorCode::timed_out);
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, ErrorCode::timed_out);
}

TEST(Client, WaitsForNoTaskBeyondItsLifetime) {
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        if (std::holds_alternative<protocol::Submit>(message)) {
            self.answer(header, protocol::SubmitAnswer{.items = {{.number = 1}}});
        }
    });
    Client client({.broker = broker.endpoint(), .lifetime = 300ms});

    const auto ran = client.run(echo("1"));
    broker.stop();

    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, ErrorCode::timed_out);
    EXPECT_EQ(ran.error().detail, "the task has not ended in time");
}

TEST(Client, GoesAtOnceWhenThereIsNobodyToSayGoodbyeTo) {
    auto client =
        std::make_unique<Client>(ClientOptions{.broker = "tcp://127.0.0.1:1", .timeout = 20ms});
    ASSERT_FALSE(client->query(std::uint64_t{1}));

    const auto before = std::chrono::steady_clock::now();
    client.reset();

    EXPECT_LT(std::chrono::steady_clock::now() - before, 900ms);  // it was over a second
}

TEST(Client, FetchesAListByPages) {
    std::vector<protocol::List> asked;
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        const auto& list = std::get<protocol::List>(message);
        EXPECT_EQ(list.filter.queue, "nightly");
        EXPECT_EQ(list.filter.states, 1U << 5);
        asked.push_back(list);
        if (list.count_only) {
            self.answer(header,
                        protocol::ListAnswer{.cursor = list.cursor == 0 ? 40U : 0, .matched = 21});
            return;
        }
        protocol::ListAnswer answer{.cursor = 50 - asked.size()};
        for (std::uint32_t i = 0; i < std::min(list.limit, 700U); ++i) {
            answer.items.push_back({.number = i, .kind = "echo"});
        }
        self.answer(header, answer);
    });
    Client client(options_for(broker));
    const TaskFilter filter{.states = {TaskState::dead}, .queue = "nightly"};

    const auto page = client.list(filter, 1'500);
    const auto count = client.count(filter);
    broker.stop();

    ASSERT_TRUE(page);
    EXPECT_EQ(page->tasks.size(), 1'500U);
    EXPECT_EQ(page->tasks[0].kind, "echo");
    EXPECT_EQ(page->cursor, 47U);
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 42U);
    ASSERT_EQ(asked.size(), 5U);
    EXPECT_EQ(asked[0].limit, 1'000U);
    EXPECT_EQ(asked[1].limit, 800U);
    EXPECT_EQ(asked[1].cursor, 49U);
    EXPECT_EQ(asked[2].limit, 100U);
}

TEST(Client, QueriesCancelsAndRetries) {
    const std::string large(5'000, 'x');
    const auto has_more = [](std::uint64_t cursor) -> std::uint64_t { return cursor == 0 ? 9 : 0; };
    FakeBroker broker([&](FakeBroker& self, const Header& header, const Message& message) {
        if (const auto* query = std::get_if<protocol::Query>(&message)) {
            protocol::QueryItem item{.task =
                                         protocol::TaskView{.number = 4,
                                                            .kind = "echo",
                                                            .state = TaskState::dead,
                                                            .error = protocol::Failure{"a", "b"},
                                                            .accepted_at = 1'000}};
            if (query->with_result) {
                item.payload = Octets(std::string_view("[1]"));
                item.payload_type = ContentType::json;
                item.result = Octets(std::string_view(large));
            }
            const auto number = std::get<std::uint64_t>(query->tasks[0]);
            if (number == 9) {
                item = {.problem = {.code = 5, .text = "no task 9"}};
            } else if (number == 8) {
                item.problem = {.code = 21, .text = "its result is damaged in the journal"};
                item.result = {};
            }
            self.answer(header, protocol::QueryAnswer{.items = {item}});
        } else if (const auto* cancel = std::get_if<protocol::Cancel>(&message)) {
            self.answer(header, cancel->bulk
                                    ? protocol::CancelAnswer{.matched = 7,
                                                             .changed = 6,
                                                             .cursor = has_more(cancel->cursor)}
                                    : protocol::CancelAnswer{.items = {{.code = 14}}});
        } else {
            const auto& retry = std::get<protocol::Retry>(message);
            self.answer(header, retry.bulk ? protocol::RetryAnswer{.matched = 3, .changed = 3}
                                           : protocol::RetryAnswer{.items = {{}}});
        }
    });
    Client client(options_for(broker));

    const auto info = client.query(std::uint64_t{4});
    const auto missing = client.query(std::uint64_t{9});
    const auto details = client.details(std::uint64_t{4});
    const auto damaged = client.details(std::uint64_t{8});
    const auto cancelled = client.cancel(std::uint64_t{4});
    const auto retried = client.retry(std::uint64_t{4});
    const auto all_cancelled = client.cancel_all({});
    const auto all_retried = client.retry_all({});

    ASSERT_TRUE(info);
    EXPECT_EQ(info->number, 4U);
    EXPECT_EQ(info->error, (TaskError{"a", "b"}));
    EXPECT_EQ(info->accepted_at, WallTime{1s});
    EXPECT_EQ(info->deadline, std::nullopt);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), (Error{ErrorCode::refused, "no task 9", "unknown_task"}));
    ASSERT_TRUE(details);
    EXPECT_EQ(details->payload, (Payload{"[1]", ContentType::json}));
    EXPECT_EQ(details->result, (Payload{large, ContentType::octets}));
    ASSERT_FALSE(damaged);  // I24
    EXPECT_EQ(damaged.error().detail, "its result is damaged in the journal");
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().name, "already_final");
    EXPECT_TRUE(retried);
    ASSERT_TRUE(all_cancelled);
    EXPECT_EQ(all_cancelled->matched, 14U);
    EXPECT_EQ(all_cancelled->changed, 12U);
    ASSERT_TRUE(all_retried);
    EXPECT_EQ(all_retried->matched, 3U);
}

}  // namespace
}  // namespace xebec::client

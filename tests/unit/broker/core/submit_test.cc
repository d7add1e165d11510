#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

Refusal code_of(const SubmitStatusItem& status) {
    return status.status == SubmitStatus::refused ? static_cast<Refusal>(status.problem.code)
                                                  : Refusal::none;
}

TEST(Submit, CreatesATaskThatIsExactlyWhatWasSent) {  // I2
    Fixture broker;
    broker.connect("c");
    const SubmitItem sent{.id = Fixture::id(1),
                          .kind = "thumb",
                          .payload = std::string_view("sixteen octets.."),
                          .queue = "nightly",
                          .priority = 5,
                          .attempts_max = 3};

    const auto answer = broker.ask<SubmitAnswer>("c", Submit{.items = {sent}});

    EXPECT_EQ(answer.items, (std::vector<SubmitStatusItem>{{.number = 1}}));
    EXPECT_TRUE(broker.is_quiet());
    const auto item =
        broker.ask<QueryAnswer>("c", Query{.tasks = {sent.id}, .with_payload = true}).items.at(0);
    EXPECT_EQ(item.payload.view, "sixteen octets..");
    EXPECT_EQ(item.task, (TaskView{.number = 1,
                                   .id = sent.id,
                                   .kind = "thumb",
                                   .queue = "nightly",
                                   .state = TaskState::ready,
                                   .priority = 5,
                                   .attempts_max = 3,
                                   .accepted_at = static_cast<std::uint64_t>(
                                       Fixture::start_wall.time_since_epoch().count()),
                                   .version = 1}));
}

TEST(Submit, PutsATaskWithoutAQueueIntoTheDefaultOne) {
    Fixture broker;

    broker.submit(1);

    EXPECT_EQ(broker.view(Fixture::id(1)).queue, "default");
}

TEST(Submit, AnswersARepeatWithExistsAndChangesNothing) {  // I3
    Fixture broker;
    const std::uint64_t number = broker.submit(1);
    const std::size_t records = broker.records();

    const SubmitStatusItem again = broker.try_submit(Fixture::item(1));

    EXPECT_EQ(again, (SubmitStatusItem{.status = SubmitStatus::exists, .number = number}));
    EXPECT_EQ(broker.records(), records);
}

TEST(Submit, AnswersTheSameIdWithOtherContentWithConflict) {  // I3
    Fixture broker;
    broker.submit(1);
    const std::size_t records = broker.records();
    std::vector<SubmitItem> others(10, Fixture::item(1));
    others[0].kind = "subtract";
    others[1].queue = "other";
    others[2].payload = std::string_view("[2,4]");
    others[3].content_type = ContentType::octets;
    others[4].priority = 1;
    others[5].delay_ms = 1;
    others[6].deadline = 253'000'000'000'000;
    others[7].attempts_max = 2;
    others[8].run_max_ms = 5;
    others[9].deadline_in_ms = 1;

    for (const SubmitItem& other : others) {
        EXPECT_EQ(code_of(broker.try_submit(other)), Refusal::conflict);
    }

    EXPECT_EQ(broker.records(), records);
    EXPECT_EQ(broker.view(Fixture::id(1)).kind, "add");
}

TEST(Submit, RefusesAnIdFromTooFarInTheFuture) {
    Fixture broker;
    SubmitItem item = Fixture::item(1);
    item.id = Fixture::id(1, Fixture::start_wall + 24h + 1ms);
    SubmitItem near = Fixture::item(2);
    near.id = Fixture::id(2, Fixture::start_wall + 24h);

    EXPECT_EQ(code_of(broker.try_submit(item)), Refusal::too_new);
    EXPECT_EQ(code_of(broker.try_submit(near)), Refusal::none);
    EXPECT_EQ(broker.records(), 1U);
}

TEST(Submit, RefusesEachBadItemAloneAndAcceptsTheRest) {  // I5
    Fixture broker;
    broker.connect("c");
    const std::string large((16 << 20) + 1, 'x');
    Submit message{.items = std::vector<SubmitItem>(13, Fixture::item(0))};
    for (std::uint32_t n = 0; n < 13; ++n) {
        message.items[n].id = Fixture::id(n);
    }
    message.items[1].kind = "no spaces";
    message.items[2].queue = "dots.are.for.kinds";
    message.items[3].payload = std::string_view(large);
    message.items[4].priority = 10;
    message.items[5].attempts_max = 10'001;
    message.items[6].delay_ms = 10ULL * 365 * 86'400 * 1000 + 1;
    message.items[7].run_max_ms = UINT64_MAX;
    message.items[8].not_before = UINT64_MAX;
    message.items[9].deadline = 253'402'300'800'000;
    message.items[10].kind = "";
    message.items[11].deadline_in_ms = UINT64_MAX;

    const auto answer = broker.ask<SubmitAnswer>("c", message);

    std::vector<Refusal> codes;
    for (const SubmitStatusItem& status : answer.items) {
        codes.push_back(code_of(status));
    }
    EXPECT_EQ(codes, (std::vector<Refusal>{
                         Refusal::none, Refusal::bad_name, Refusal::bad_name, Refusal::too_large,
                         Refusal::bad_value, Refusal::bad_value, Refusal::bad_value,
                         Refusal::bad_value, Refusal::bad_value, Refusal::bad_value,
                         Refusal::bad_name, Refusal::bad_value, Refusal::none}));
    EXPECT_EQ(answer.items[0].number, 1U);
    EXPECT_EQ(answer.items[12].number, 2U);
    EXPECT_EQ(broker.records(), 2U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Submit, IsRefusedAsAWholeWithMoreItemsThanABatchMayHave) {  // I18
    Fixture broker;
    broker.connect("c");
    Submit message{.items = std::vector<SubmitItem>(4097, Fixture::item(0))};

    EXPECT_EQ(broker.refusal("c", message), Refusal::too_large);

    EXPECT_EQ(broker.records(), 0U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Submit, RefusesWhatIsBeyondTheQueuesLimitUntilThereIsRoom) {  // I11, L4
    Fixture broker;
    broker.connect("c");
    broker.ask<QueueSetAnswer>("c", QueueSet{.name = "default", .settings = {.tasks_max = 2}});
    broker.submit(1);
    broker.submit(2);

    EXPECT_EQ(code_of(broker.try_submit(Fixture::item(3))), Refusal::queue_full);
    EXPECT_EQ(code_of(broker.try_submit(Fixture::item(2))), Refusal::none) << "it exists";

    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(1)}});
    EXPECT_EQ(code_of(broker.try_submit(Fixture::item(3))), Refusal::none);
}

TEST(Submit, RefusesNewTasksWhileTheMemoryForThemIsFull) {  // F21, I18, L4
    CoreOptions options = patient();
    options.memory_max = 10'000;
    options.final_octets_max = 0;
    options.final_count_min = 0;
    Fixture broker(options);
    broker.connect("c");
    const std::string payload(4'000, 'x');
    SubmitItem large = Fixture::item(0);
    large.payload = std::string_view(payload);
    broker.submit_many(1, 2, large);

    large.id = Fixture::id(3);
    const SubmitStatusItem refused = broker.try_submit(large);

    EXPECT_EQ(code_of(refused), Refusal::retry_later);
    EXPECT_EQ(broker.core.state().tasks().size(), 2U);
    broker.ask<CancelAnswer>("c", Cancel{.tasks = {Fixture::id(1)}});
    EXPECT_EQ(code_of(broker.try_submit(large)), Refusal::none);
}

TEST(Submit, RefusesNewNamesBeyondTheirLimitButKnowsTheOldOnes) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    for (std::uint32_t first = 0; first < 10'000; first += 4'000) {
        std::vector<std::string> kinds;
        for (std::uint32_t n = first; n < std::min(10'000U, first + 4'000); ++n) {
            kinds.push_back("kind" + std::to_string(n));
        }
        Submit message;
        for (std::uint32_t i = 0; i < kinds.size(); ++i) {
            message.items.push_back(Fixture::item(first + i, kinds[i]));
        }
        broker.ask<SubmitAnswer>("c", message);
    }

    EXPECT_EQ(code_of(broker.try_submit(Fixture::item(20'000, "one-more"))),
              Refusal::too_many_names);
    EXPECT_EQ(code_of(broker.try_submit(Fixture::item(20'001, "kind7"))), Refusal::none);
}

TEST(Submit, GivesGrowingNumbersInTheOrderOfTheBatch) {
    Fixture broker;
    broker.connect("c");

    const auto answer = broker.ask<SubmitAnswer>(
        "c", Submit{.items = {Fixture::item(3), Fixture::item(1), Fixture::item(2)}});

    EXPECT_EQ(answer.items,
              (std::vector<SubmitStatusItem>{{.number = 1}, {.number = 2}, {.number = 3}}));
}

TEST(Submit, TakesTheSameIdTwiceInOneBatchAsARepeat) {  // I3
    Fixture broker;
    broker.connect("c");

    const auto answer =
        broker.ask<SubmitAnswer>("c", Submit{.items = {Fixture::item(1), Fixture::item(1)}});

    EXPECT_EQ(answer.items, (std::vector<SubmitStatusItem>{
                                {.number = 1}, {.status = SubmitStatus::exists, .number = 1}}));
}

}  // namespace
}  // namespace xebec::broker

#include "tests/unit/broker/core/fixture.h"

namespace xebec::broker {
namespace {

constexpr std::uint32_t bit(TaskState state) {
    return 1U << static_cast<unsigned>(state);
}

TEST(List, ShowsTheNewestFirstInPages) {
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 120);

    std::vector<std::uint64_t> listed;
    std::vector<std::size_t> pages;
    List request;
    do {
        const auto answer = broker.ask<ListAnswer>("c", request);
        for (const TaskView& view : answer.items) {
            listed.push_back(view.number);
        }
        pages.push_back(answer.items.size());
        EXPECT_EQ(answer.matched, answer.items.size());
        request.cursor = answer.cursor;
    } while (request.cursor != 0);

    EXPECT_EQ(pages, (std::vector<std::size_t>{50, 50, 20}));
    ASSERT_EQ(listed.size(), 120U);
    EXPECT_TRUE(std::is_sorted(listed.rbegin(), listed.rend()));
}

TEST(List, FiltersByStateQueueKindAndWorker) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    broker.done("w", broker.assigned_one("w"));
    SubmitItem other = Fixture::item(2, "echo");
    other.queue = "other";
    broker.submit(other);
    broker.submit(3);
    const auto numbers = [&](const TaskFilter& filter) {
        std::vector<std::uint64_t> found;
        for (const TaskView& view : broker.ask<ListAnswer>("c", List{.filter = filter}).items) {
            found.push_back(view.number);
        }
        return found;
    };
    using Found = std::vector<std::uint64_t>;

    EXPECT_EQ(numbers({.states = bit(TaskState::succeeded)}), Found{1});
    EXPECT_EQ(numbers({.states = bit(TaskState::succeeded) | bit(TaskState::leased)}),
              (Found{3, 1}));
    EXPECT_EQ(numbers({.queue = "other"}), Found{2});
    EXPECT_EQ(numbers({.kind = "echo"}), Found{2});
    EXPECT_EQ(numbers({.worker = "w"}), (Found{3, 1}));
    EXPECT_EQ(numbers({.queue = "nowhere"}), Found{});
}

// The numbers of what a filter matches.
std::vector<std::uint64_t> listed(Fixture& broker, const TaskFilter& filter) {
    std::vector<std::uint64_t> found;
    for (const TaskView& view : broker.ask<ListAnswer>("c", List{.filter = filter}).items) {
        found.push_back(view.number);
    }
    return found;
}

using Found = std::vector<std::uint64_t>;

void fail_with(Fixture& broker, std::string_view error_class, std::string_view text) {
    const AssignItem task = broker.assigned_one("w");
    broker.ask<FailAnswer>("w", Fail{.items = {{.id = task.id,
                                                .fence = task.fence,
                                                .error = {error_class, text},
                                                .useless = true}}});
}

TEST(List, FiltersByAPartOfTheErrorsClassOrText) {
    Fixture broker;
    broker.connect("c");
    broker.work("w");
    broker.submit(1);
    fail_with(broker, "exit_1", "no such file");
    broker.submit(2);
    fail_with(broker, "timed_out", "");
    broker.submit(3);
    broker.done("w", broker.assigned_one("w"));

    EXPECT_EQ(listed(broker, {.error = "such"}), Found{1});
    EXPECT_EQ(listed(broker, {.error = "i"}), (Found{2, 1}));
    EXPECT_EQ(listed(broker, {.error = "Such"}), Found{});
    EXPECT_EQ(listed(broker, {.error = "1no"}), Found{}) << "a class and a text are two";
    EXPECT_EQ(listed(broker, {.worker = "w", .error = "timed_out"}), Found{2});
    EXPECT_EQ(listed(broker, {.worker = "other", .error = "timed_out"}), Found{});
}

TEST(List, FiltersByHowTheIdBegins) {
    Fixture broker;
    broker.connect("c");
    SubmitItem item = Fixture::item(1);
    item.id = parse_task_id("019b7e94-3200-7001-8000-00000000000a").value();
    broker.submit(item);
    item.id = parse_task_id("019b7e95-3200-7001-8000-00000000000b").value();
    broker.submit(item);

    EXPECT_EQ(listed(broker, {.id_prefix = "019b7e9"}), (Found{2, 1}));
    EXPECT_EQ(listed(broker, {.id_prefix = "019B7E94"}), Found{1});
    EXPECT_EQ(listed(broker, {.id_prefix = "019b7e95-3"}), Found{2});
    EXPECT_EQ(listed(broker, {.id_prefix = "019b7e9432007001800000000000000a"}), Found{1});
    EXPECT_EQ(listed(broker, {.id_prefix = "019b7e94-3200-7001-8000-00000000000b"}), Found{});
    EXPECT_EQ(listed(broker, {.id_prefix = "1"}), Found{});
    EXPECT_EQ(listed(broker, {.id_prefix = "-"}), (Found{2, 1}));
}

TEST(List, FiltersByWhenTasksWereAccepted) {
    Fixture broker;
    broker.connect("c");
    const auto noon = static_cast<std::uint64_t>(broker.now.wall.time_since_epoch().count());
    broker.submit(1);
    broker.pass(1s);
    broker.submit(2);
    broker.pass(1s);
    broker.submit(3);

    EXPECT_EQ(listed(broker, {.accepted_from = noon + 1'000}), (Found{3, 2}));
    EXPECT_EQ(listed(broker, {.accepted_to = noon + 1'000}), Found{1});
    EXPECT_EQ(listed(broker, {.accepted_from = noon + 1, .accepted_to = noon + 2'000}), Found{2});
    EXPECT_EQ(listed(broker, {.accepted_from = noon + 2'001}), Found{});
}

TEST(List, FindsWhatWasAcceptedBeforeTheClockWasSetBack) {
    Fixture broker;
    broker.connect("c");
    const auto noon = static_cast<std::uint64_t>(broker.now.wall.time_since_epoch().count());
    broker.submit(1);
    broker.jump_wall(-milliseconds{60'000});
    broker.submit(2);

    EXPECT_EQ(listed(broker, {.accepted_from = noon}), Found{1});

    Fixture again(broker, patient());
    again.connect("c");
    EXPECT_EQ(listed(again, {.accepted_from = noon}), Found{1});
}

TEST(List, DoesNotVisitWhatWasAcceptedTooEarly) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 9'000);
    broker.pass(1s);
    const auto now = static_cast<std::uint64_t>(broker.now.wall.time_since_epoch().count());
    broker.submit(9'001);

    broker.receive("c", List{.filter = {.accepted_from = now}, .count_only = true});
    broker.tick();

    EXPECT_EQ(broker.take_one<ListAnswer>("c").matched, 1U) << "in one step";
}

TEST(List, RefusesAFilterThatIsNone) {
    Fixture broker;
    broker.connect("c");
    const std::string long_text(257, 'e');

    for (const TaskFilter& filter :
         {TaskFilter{.error = long_text}, TaskFilter{.id_prefix = "019g"},
          TaskFilter{.id_prefix = "019b7e9432007001800000000000000ab"}}) {
        EXPECT_EQ(broker.refusal("c", List{.filter = filter}), Refusal::bad_value);
        EXPECT_EQ(broker.refusal("c", Cancel{.filter = filter, .bulk = true}), Refusal::bad_value);
    }
}

TEST(List, GivesAPageThatFitsIntoAMessageHoweverLongTheErrors) {  // I18
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 1'000);
    broker.work("w", {.slots = 1'000, .credit = 1'000});
    const std::string text(4'096, 'e');
    for (const AssignItem& task : broker.assigned("w")) {
        broker.receive("w", Fail{.items = {{.id = task.id,
                                            .fence = task.fence,
                                            .error = {"failed", text},
                                            .useless = true}}});
    }
    broker.settle();
    broker.forget();

    std::size_t count = 0;
    List request{.limit = 1'000};
    do {
        const auto answer = broker.ask<ListAnswer>("c", request);
        count += answer.items.size();
        request.cursor = answer.cursor;
    } while (request.cursor != 0);

    EXPECT_EQ(count, 1'000U) << "and the fixture checks the size of every body";
}

TEST(Count, IsMadeInBoundedStepsWhileOthersAreServed) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 9'000);

    const std::uint64_t correlation = broker.receive("c", List{.count_only = true});
    broker.tick();
    const std::uint64_t other = broker.receive("submitter", List{.limit = 1});
    broker.tick();
    broker.tick();
    EXPECT_EQ(broker.answer_to<ListAnswer>("submitter", other).items.size(), 1U)
        << "the long one has not ended yet";
    broker.settle();

    const auto answer = broker.answer_to<ListAnswer>("c", correlation);
    EXPECT_EQ(answer.matched, 9'000U);
    EXPECT_EQ(answer.cursor, 0U);
    EXPECT_TRUE(answer.items.empty());
}

TEST(Count, VisitsAtMostTwoThousandTasksInAStep) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 9'000);

    broker.receive("c", List{.count_only = true});
    for (int step = 0; step < 4; ++step) {
        broker.tick();
        EXPECT_TRUE(broker.is_quiet());
        ASSERT_TRUE(broker.core.next_deadline());
        EXPECT_LE(*broker.core.next_deadline(), broker.now.steady) << "and goes on at once";
    }
    broker.tick();

    EXPECT_EQ(broker.take<ListAnswer>("c").size(), 1U);
}

TEST(Count, OfMoreTasksThanOneRequestVisitsGoesOnWithACursor) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 201'000);

    const auto first = broker.ask<ListAnswer>("c", List{.count_only = true});
    const auto second =
        broker.ask<ListAnswer>("c", List{.cursor = first.cursor, .count_only = true});

    EXPECT_EQ(first.matched, 200'000U);
    EXPECT_EQ(first.cursor, 1'001U);
    EXPECT_EQ(second.matched, 1'000U);
    EXPECT_EQ(second.cursor, 0U);
}

TEST(BulkCancel, EndsWhatMatchesInBoundedSteps) {
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 5'000);
    broker.submit_many(10'000, 10, Fixture::item(0, "echo"));
    broker.work("w", {.kinds = {"echo"}, .slots = 10, .credit = 10});
    broker.assigned("w");
    const std::size_t before = broker.records();

    broker.receive("c", Cancel{.filter = {.kind = "add"}, .bulk = true});
    broker.tick();
    EXPECT_LE(broker.records() - before, 2'000U);
    broker.settle();

    const auto answer = broker.take_one<CancelAnswer>("c");
    EXPECT_EQ(answer.matched, 5'000U);
    EXPECT_EQ(answer.changed, 5'000U);
    EXPECT_EQ(answer.cursor, 0U);
    EXPECT_EQ(broker.core.state().totals().cancelled, 5'000U);
    EXPECT_TRUE(broker.is_quiet()) << "the other kind still runs";
}

TEST(BulkRetry, GivesEveryDeadTaskThatMatchesAnotherSeries) {
    Fixture broker;
    broker.connect("c");
    broker.submit_many(1, 20);
    broker.work("w", {.slots = 20, .credit = 20});
    const auto tasks = broker.assigned("w");
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        i % 2 == 0 ? broker.fail("w", tasks[i], true) : broker.done("w", tasks[i]);
    }
    broker.forget();

    const auto answer = broker.ask<RetryAnswer>(
        "c", Retry{.filter = {.states = bit(TaskState::dead)}, .bulk = true});

    EXPECT_EQ(answer.matched, 10U);
    EXPECT_EQ(answer.changed, 10U);
    EXPECT_EQ(broker.assigned("w").size(), 10U);
    EXPECT_EQ(broker.view(Fixture::id(1)).series, 1U);
    EXPECT_TRUE(broker.is_quiet());
}

TEST(Scan, OfASessionThatEndsIsDropped) {  // I16
    Fixture broker;
    broker.checks_every_step = false;
    broker.connect("c");
    broker.submit_many(1, 5'000);
    broker.receive("c", Cancel{.bulk = true});
    broker.tick();

    broker.receive("c", Bye{});
    broker.settle();

    EXPECT_TRUE(broker.is_quiet());
    EXPECT_EQ(broker.core.state().totals().cancelled, 2'000U);
}

TEST(Scan, IsRefusedWhenThereAreTooManyUnderWay) {  // I18
    Fixture broker;
    broker.connect("c");
    broker.submit(1);
    for (int i = 0; i < 1'000; ++i) {
        broker.receive("c", List{});
    }

    const std::uint64_t correlation = broker.receive("c", List{});

    EXPECT_EQ(broker.answer_to<ErrorAnswer>("c", correlation).code,
              static_cast<int>(Refusal::retry_later));
    broker.settle();
    EXPECT_EQ(broker.take<ListAnswer>("c").size(), 1'000U);
}

}  // namespace
}  // namespace xebec::broker

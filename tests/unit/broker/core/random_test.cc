// Thousands of random events from fixed seeds. The fixture checks the invariants after every one,
// and at the end that the records alone give the same state.

#include "tests/unit/broker/core/fixture.h"

#include <random>
#include <set>

namespace xebec::broker {
namespace {

class Storm {
public:
    enum class Plain : std::uint8_t { absent, present };

    explicit Storm(std::uint64_t seed, Plain plain = Plain::absent)
        : broker(options(), seed), has_plain_(plain == Plain::present), dice_(seed) {
        broker.connect("c");
        broker.watch(true, true);
    }

    static CoreOptions options() {
        CoreOptions options;
        options.client_liveness = std::chrono::hours{10'000};  // "c" and "submitter" only listen
        options.final_count_min = 20;
        options.final_octets_max = 8'000;
        options.tombstones_max = 40;
        return options;
    }

    void step() {
        switch (pick(has_plain_ ? 22 : 16)) {
            case 0:
            case 1:
            case 2:
            case 3:
                submit();
                break;
            case 4:
            case 5:
                come();
                break;
            case 6:
            case 7:
            case 8:
                report();
                break;
            case 9:
                broker.say(any_worker(), Credit{.credit = pick(20)});
                break;
            case 10:
                broker.say("c", Cancel{.tasks = {any_task()}});
                break;
            case 11:
                broker.say("c", Retry{.filter = {.states = 1U << 5U}, .bulk = true});
                break;
            case 12:
                lose();
                break;
            case 13:
                operate();
                break;
            case 14:
            case 15:
                let_time_pass();
                break;
            default:
                do_something_plain();
                break;
        }
        collect();
    }

    // Every task that was accepted has one end at most, and is somewhere (I8, I10, I11).
    void check_conservation() const {
        const State& state = broker.core.state();
        const Totals& totals = state.totals();
        EXPECT_EQ(totals.submitted, accepted_.size() + plain_accepted_);
        EXPECT_EQ(totals.submitted - totals.removed, state.tasks().size());
        EXPECT_EQ(totals.succeeded, succeeded_.size() + plain_succeeded_);
        EXPECT_EQ(totals.succeeded + totals.dead + totals.cancelled + totals.expired,
                  state.final_count() + totals.removed + totals.retried);
    }

    // A storm in which something never happens shows nothing about it.
    void check_everything_happened() {
        const Totals totals = broker.ask<StatsAnswer>("c", Stats{}).figures.totals;
        for (const std::uint64_t count :
             {totals.succeeded, totals.failed, totals.dead, totals.cancelled, totals.expired,
              totals.retried, totals.removed, totals.returned, totals.stale, totals.workers_lost,
              totals.refused}) {
            EXPECT_GT(count, 10U);
        }
        if (has_plain_) {
            EXPECT_GT(plain_succeeded_, 10U);
            EXPECT_GT(plain_answers_, 10U);
        }
    }

    // Faults end; a worker that takes everything comes, and everything finishes (L1).
    void drain() {
        broker.say("c", Resume{.queues = {"default", "other"}});
        for (int i = 0; i < workers; ++i) {
            broker.lose(worker_name(i));
        }
        held_.clear();
        for (int i = 0; has_plain_ && i < plain_peers; ++i) {
            broker.lose(plain_worker(i));
        }
        broker.work("last", {.kinds = {"add", "echo", "plain"}, .slots = 64, .credit = 64});
        for (int round = 0; round < 3'000 && unfinished() > 0; ++round) {
            broker.pass_with_pings(1s, {"last"});
            for (auto tasks = broker.assigned("last"); !tasks.empty();
                 tasks = broker.assigned("last")) {
                for (const AssignItem& task : tasks) {
                    EXPECT_EQ(broker.done("last", task), FinishStatus::accepted);
                    EXPECT_TRUE(succeeded_.insert(task.id).second);
                }
            }
            broker.forget();
        }
        EXPECT_EQ(unfinished(), 0U);
    }

    Fixture broker;

private:
    static constexpr int workers = 6;
    static constexpr int plain_peers = 3;  // of each role
    struct Held {
        std::string worker;
        AssignItem task;       // its texts are not used
        std::string question;  // of a plain client
    };
    struct PlainWork {
        std::string worker;
        std::string token;
        std::string body;
    };

    std::uint32_t pick(std::uint32_t count) { return static_cast<std::uint32_t>(dice_() % count); }
    static std::string worker_name(int i) { return "w" + std::to_string(i); }
    std::string any_worker() { return worker_name(static_cast<int>(pick(workers))); }
    TaskId any_task() { return Fixture::id(1 + pick(std::max(1U, task_last_))); }
    std::uint64_t unfinished() const {
        const State& state = broker.core.state();
        return state.tasks().size() - state.final_count();
    }

    void submit() {
        Submit message{.wait = pick(2) == 0};
        for (std::uint32_t i = pick(6); i > 0; --i) {
            const bool is_repeat = task_last_ > 0 && pick(5) == 0;
            const std::uint32_t n = is_repeat ? 1 + pick(task_last_) : ++task_last_;
            SubmitItem item = Fixture::item(n, n % 3 == 0 ? "echo" : "add");
            item.queue = n % 5 == 0 ? "other" : "default";
            if (has_plain_ && n % 24 == 1) {
                item.kind = plain_kind;
                item.queue = plain_queue;
            }
            item.priority = static_cast<std::uint8_t>(n % 4);
            item.attempts_max = 1 + n % 4;
            item.delay_ms = n % 7 == 0 ? 3'000 : 0;
            item.run_max_ms = n % 11 == 0 ? 5'000 : 0;
            if (n % 13 == 0) {
                item.deadline = static_cast<std::uint64_t>(
                    (Fixture::start_wall + milliseconds{n * 100}).time_since_epoch().count());
            }
            message.items.push_back(item);
        }
        const auto answer = broker.ask<SubmitAnswer>("c", message);
        for (std::size_t i = 0; i < answer.items.size(); ++i) {
            if (answer.items[i].status == SubmitStatus::created) {
                EXPECT_TRUE(accepted_.insert(message.items[i].id).second) << "I3";
            }
        }
    }

    void come() {
        const int i = static_cast<int>(pick(workers));
        const std::string peer = worker_name(i);
        WorkerSpec spec{.slots = 1 + pick(3)};
        spec.credit = spec.slots + pick(6);
        if (pick(2) == 0) {
            spec.kinds = {"add", "echo"};
        }
        if (pick(4) == 0) {
            spec.queues = {"other"};
        }
        if (has_plain_ && pick(3) == 0) {
            spec.kinds = {"plain"};
            spec.queues = {};
        }
        spec.previous = known_sessions_[peer];
        for (const Held& held : held_) {
            if (held.worker == peer && pick(4) != 0) {
                spec.held.push_back(Fixture::lease(held.task));
            }
        }
        known_sessions_[peer] = broker.work(peer, spec);
    }

    // Of what some worker was ever given: a report by it or by another, with the right fence or
    // with a wrong one.
    void report() {
        if (held_.empty()) {
            return;
        }
        const Held held = held_[pick(static_cast<std::uint32_t>(held_.size()))];
        const std::string peer = pick(10) == 0 ? any_worker() : held.worker;
        AssignItem task = held.task;
        task.fence += pick(10) == 0 ? 1 : 0;
        switch (pick(5)) {
            case 0:
                broker.say(peer, Fail{.items = {{.id = task.id,
                                                 .fence = task.fence,
                                                 .error = {"exit_1", "no"},
                                                 .useless = pick(4) == 0}}});
                break;
            case 1:
                broker.say(peer,
                           Release{.leases = {Fixture::lease(task)}, .started = pick(2) == 0});
                break;
            case 2:
                broker.say(peer, Extend{.leases = {Fixture::lease(task)}});
                break;
            default:
                finish(peer, task, held.question);
                break;
        }
    }

    void finish(const std::string& peer, const AssignItem& task, const std::string& question) {
        const std::string result = question.empty() ? "5" : answer_to(question);
        const std::uint64_t correlation = broker.receive(
            peer,
            Done{.items = {
                     {.id = task.id, .fence = task.fence, .result = std::string_view(result)}}});
        broker.settle();
        for (const Sent& sent : broker.take_all()) {
            keep(sent);
            const auto* answer = std::get_if<DoneAnswer>(&sent.message);
            if (answer == nullptr || sent.header().correlation != correlation) {
                continue;
            }
            if (answer->statuses.at(0) == FinishStatus::accepted) {
                EXPECT_TRUE(succeeded_.insert(task.id).second) << "one accepted result (I8)";
            }
        }
    }

    void lose() {
        const std::string peer = any_worker();
        if (pick(2) == 0) {
            broker.lose(peer, pick(2) == 0);
        } else {
            broker.say(peer, Bye{});
        }
    }

    void operate() {
        switch (pick(5)) {
            case 0:
                broker.say("c", Pause{.queues = {"other"}});
                break;
            case 1:
                broker.say("c", Resume{.queues = {"other"}});
                break;
            case 2:
                broker.say("c", QueueSet{.name = "other",
                                         .settings = {.lease_ms = 1'000 + pick(5'000),
                                                      .attempts_max = 1 + pick(5),
                                                      .retention_ms = pick(60'000)}});
                break;
            case 3:
                broker.say("c", List{.limit = 10});
                broker.say("c", Snapshot{});
                break;
            default:
                broker.say(any_worker(), Drain{});
                break;
        }
    }

    void let_time_pass() {
        switch (pick(8)) {
            case 0:
                broker.jump_wall(milliseconds{static_cast<int>(pick(20'000)) - 10'000});
                break;
            case 1:
                broker.stall(milliseconds{pick(40'000)});
                broker.settle();
                break;
            default:
                broker.pass(milliseconds{pick(1'500)});
                break;
        }
    }

    // ---- plain peers (I25) ----

    static std::string plain_worker(int i) { return "p" + std::to_string(i); }
    std::string any_plain_worker() { return plain_worker(static_cast<int>(pick(plain_peers))); }
    static std::string answer_to(const std::string& question) { return "answer to " + question; }

    void do_something_plain() {
        const std::string worker = any_plain_worker();
        switch (pick(8)) {
            case 0:
            case 1:
                ask();
                break;
            case 2:
                broker.signal(worker, pick(3) == 0, PlainDialect::text);
                break;
            case 3:
            case 4:
                broker.signal(worker, false);
                break;
            case 5:
                pick(4) == 0 ? broker.lose(worker) : lie(worker);
                break;
            default:
                reply();
                collect();
                reply();
                break;
        }
    }

    void ask() {
        const std::string client = "q" + std::to_string(pick(plain_peers));
        const std::string question = "question " + std::to_string(asked_.size());
        const std::uint64_t before = broker.core.state().totals().submitted;
        asked_[question] = client;
        broker.ask_plainly(client, question);
        plain_accepted_ += broker.core.state().totals().submitted - before;
    }

    void reply() {
        if (plain_work_.empty()) {
            return;
        }
        // Most often what came last; it stays there, so that it may be said again.
        const auto last = static_cast<std::uint32_t>(plain_work_.size()) - 1;
        const std::uint32_t reach = pick(3) == 0 ? last + 1 : std::min(last + 1, 3U);
        const PlainWork work = plain_work_[last - pick(reach)];
        const std::uint64_t before = broker.core.state().totals().succeeded;
        const std::string answer = answer_to(work.body);
        broker.reply_plainly(
            work.worker, work.token,
            pick(10) == 0 ? std::nullopt : std::optional(std::string_view(answer)));
        const std::uint64_t gained = broker.core.state().totals().succeeded - before;
        EXPECT_LE(gained, answered_tokens_.insert(work.token).second ? 1U : 0U) << "I8";
        plain_succeeded_ += gained;
    }

    // A token of somebody else's, or one that nobody ever got, changes nothing.
    void lie(const std::string& worker) {
        std::string token = "x00000000000000000000000000";
        if (!plain_work_.empty()) {
            const PlainWork& work =
                plain_work_[pick(static_cast<std::uint32_t>(plain_work_.size()))];
            token = work.token;
            if (work.worker == worker) {
                token[14 + pick(9)] = '~';
            }
        }
        const State& state = broker.core.state();
        const auto counts = state.counts();
        const std::size_t records = broker.records();
        const std::uint64_t succeeded = state.totals().succeeded;
        const Peer peer{.port = Port::workers, .address = {worker}};
        broker.apply(PlainReplied{peer, token, Blob::copy_of("a lie")});
        EXPECT_EQ(counts, state.counts());
        EXPECT_EQ(records, broker.records());
        EXPECT_EQ(succeeded, state.totals().succeeded);
        broker.settle();
    }

    void collect_plain() {
        for (int i = 0; i < plain_peers; ++i) {
            for (const auto& frames : broker.take_plain(plain_worker(i))) {
                if (frames.size() == 3) {
                    plain_work_.push_back({plain_worker(i), frames[0], frames[2]});
                }
            }
            const std::string client = "q" + std::to_string(i);
            for (const auto& frames : broker.take_plain(client)) {
                ASSERT_EQ(frames.size(), 2U);
                const std::string question = frames[1].substr(answer_to("").size());
                EXPECT_EQ(frames[1], answer_to(question));
                EXPECT_EQ(asked_[question], client) << "I16";
                EXPECT_TRUE(answered_.insert(question).second) << "answered once";
                ++plain_answers_;
            }
        }
        if (plain_work_.size() > 30) {
            plain_work_.erase(plain_work_.begin(), plain_work_.begin() + 15);
        }
    }

    void keep(const Sent& sent) {
        if (const auto* assign = std::get_if<Assign>(&sent.message)) {
            for (const AssignItem& task : assign->items) {
                EXPECT_TRUE(fences_[task.id] < task.fence) << "I6";
                fences_[task.id] = task.fence;
                const bool is_plain = task.number == 0;
                EXPECT_TRUE(is_plain || accepted_.contains(task.id)) << "I2";
                EXPECT_FALSE(succeeded_.contains(task.id)) << "I8";
                held_.push_back({sent.peer.address.front(),
                                 {.id = task.id, .fence = task.fence},
                                 is_plain ? std::string(task.payload.view) : std::string{}});
            }
        }
    }

    void collect() {
        for (const Sent& sent : broker.take_all()) {
            keep(sent);
        }
        for (const Published& published : broker.take_published()) {
            if (published.topic == stat_topic) {
                continue;
            }
            std::uint64_t& last = sequences_[published.topic];
            EXPECT_EQ(published.header.sequence_first, last + 1) << "I19";
            last += published.header.count;
        }
        if (has_plain_) {
            collect_plain();
        }
        broker.forget();
        if (held_.size() > 100) {
            held_.erase(held_.begin(), held_.begin() + 50);
        }
    }

    bool has_plain_;
    std::mt19937_64 dice_;
    std::uint32_t task_last_ = 0;
    std::set<TaskId> accepted_;
    std::set<TaskId> succeeded_;
    std::map<TaskId, std::uint64_t> fences_;
    std::vector<Held> held_;
    std::map<std::string, std::uint64_t> known_sessions_;
    std::map<std::string, std::uint64_t> sequences_;

    std::map<std::string, std::string> asked_;  // questions of plain clients: by whom
    std::set<std::string> answered_;
    std::vector<PlainWork> plain_work_;
    std::set<std::string> answered_tokens_;
    std::uint64_t plain_accepted_ = 0;
    std::uint64_t plain_succeeded_ = 0;  // replies of plain workers that counted
    std::uint64_t plain_answers_ = 0;
};

class RandomEvents : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomEvents, BreakNoInvariantAndEverythingFinishesInTheEnd) {  // I2 to I20, L1
    Storm storm(GetParam());

    for (int i = 0; i < 3'000 && !testing::Test::HasFailure(); ++i) {
        storm.step();
    }
    storm.check_conservation();
    storm.check_everything_happened();
    storm.drain();

    storm.check_conservation();
}

TEST_P(RandomEvents, WithPlainPeersDoNotEither) {  // I25
    Storm storm(GetParam(), Storm::Plain::present);

    for (int i = 0; i < 3'000 && !testing::Test::HasFailure(); ++i) {
        storm.step();
    }
    storm.check_conservation();
    storm.check_everything_happened();
    storm.drain();

    storm.check_conservation();
}

// A sanitizer makes one take ten seconds.
#if defined(__SANITIZE_ADDRESS__)
INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, testing::Values(1));
#else
INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, testing::Values(1, 2, 3, 4));
#endif

}  // namespace
}  // namespace xebec::broker

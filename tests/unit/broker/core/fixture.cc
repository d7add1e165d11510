#include "tests/unit/broker/core/fixture.h"

#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

namespace {

constexpr int steps_at_once_max = 200'000;  // more would be a core that runs in circles
constexpr const char* submitter = "submitter";

}  // namespace

Fixture::Fixture(const Fixture& before, const CoreOptions& options, std::size_t records_lost)
    : is_replayable(false),
      now(before.now),
      core(options, before.core.epoch() + 1, 2, now),
      history_(before.history_),
      segment_(before.segment_ + 1),
      has_journal_(true) {
    history_.resize(history_.size() - records_lost);
    for (auto& [record, at, segment] : history_) {
        const Places places = write(record, segment);
        if (auto* accepted = std::get_if<TaskAccepted>(&record)) {
            accepted->payload = {};
        } else if (auto* carried = std::get_if<TaskCarried>(&record)) {
            carried->payload = {};
        } else if (auto* succeeded = std::get_if<TaskSucceeded>(&record)) {
            succeeded->result = {};
        }
        core.replay(record, places);
    }
    core.resume(now);
    core.check_invariants();
}

Fixture::~Fixture() {
    // Durable state changes only by applying records: those alone lead to the same.
    core.check_invariants();
    if (is_replayable) {
        EXPECT_EQ(dump(*replay()), dump(core.state()));
    }
}

std::unique_ptr<State> Fixture::replay() const {
    auto replayed = std::make_unique<State>();
    for (const auto& [record, at, segment] : history_) {
        replayed->apply(record, at);
        replayed->forget_touched_lanes();
    }
    replayed->check_invariants();
    return replayed;
}

// ---- the journal ----

Places Fixture::write(const Record& record, std::uint32_t segment) {
    const auto put = [this, segment](const Octets& octets, Locator& at, std::uint32_t& size) {
        if (!octets.view.empty()) {
            at = {segment, ++place_last_};
            size = static_cast<std::uint32_t>(octets.view.size());
            written_[at] = Blob::copy_of(octets.view);
        }
    };
    Places places{.segment = segment};
    if (const auto* accepted = std::get_if<TaskAccepted>(&record)) {
        put(accepted->payload, places.payload, places.payload_octets);
    } else if (const auto* succeeded = std::get_if<TaskSucceeded>(&record)) {
        put(succeeded->result, places.result, places.result_octets);
    } else if (const auto* carried = std::get_if<TaskCarried>(&record)) {
        put(carried->payload, places.payload, places.payload_octets);
        put(carried->result, places.result, places.result_octets);
    }
    return places;
}

std::size_t Fixture::answer_reads(std::string_view fault) {
    const std::vector<ReadOctets> reads = std::exchange(reads_, {});
    for (const ReadOctets& read : reads) {
        apply(OctetsRead{read.token, fault.empty() ? written_.at(read.at) : Blob{}, fault});
    }
    settle();
    return reads.size();
}

void Fixture::begin_carrying(std::uint32_t segment, Carry carry) {
    carrying_since_ = history_.size();
    segment_ = std::max(segment_, segment + 1);
    apply(SegmentChosen{segment, carry});
    settle();
}

std::vector<Record> Fixture::carry_until(std::uint32_t segment) {
    std::vector<Record> told;
    for (std::uint32_t next = history_.front().segment; next <= segment; ++next) {
        begin_carrying(next);
        const std::vector<Record> again = finish_carrying();
        told.insert(told.end(), again.begin(), again.end());
    }
    return told;
}

void Fixture::trim(std::uint32_t segment) {
    std::erase_if(history_, [segment](const Written& one) { return one.segment <= segment; });
}

void Fixture::make_removals_old() {
    for (auto& [record, at, segment] : history_) {
        if (auto* removed = std::get_if<TaskRemoved>(&record)) {
            *removed = {.number = removed->number, .at = removed->at, .is_whole = false};
        }
    }
}

std::vector<Record> Fixture::finish_carrying() {
    while (reads_waiting() > 0) {
        answer_reads();
    }
    std::vector<Record> told;
    for (std::size_t i = carrying_since_; i < history_.size(); ++i) {
        told.push_back(history_[i].record);
    }
    return told;
}

// ---- the clocks ----

void Fixture::move_clocks(Duration duration) {
    const auto before = std::chrono::floor<milliseconds>(now.steady);
    now.steady += duration;
    now.wall += std::chrono::floor<milliseconds>(now.steady) - before;
}

void Fixture::pass(Duration duration) {
    const Instant end = now.steady + duration;
    settle();
    while (now.steady < end) {
        const Instant next = std::min(end, core.next_deadline().value_or(end));
        ASSERT_GT(next, now.steady);
        // Wall clock timers are at whole milliseconds of their own.
        move_clocks(std::min(end, std::max(next, now.steady + 1ms)) - now.steady);
        tick();
        settle();
    }
}

void Fixture::pass_with_pings(Duration duration, const std::vector<std::string>& peers) {
    const Instant end = now.steady + duration;
    while (now.steady < end) {
        for (const std::string& peer : peers) {
            ask<Pong>(peer, Ping{});
        }
        pass(std::min<Duration>(1s, end - now.steady));
    }
}

void Fixture::tick() {
    apply(TimePassed{});
    records_of_largest_step_ = std::max(records_of_largest_step_, records_of_step_);
    records_of_step_ = 0;
}

void Fixture::settle() {
    int steps = 0;
    do {
        tick();
        ASSERT_LT(++steps, steps_at_once_max) << "the core never comes to rest";
    } while (core.next_deadline() && *core.next_deadline() <= now.steady);
}

// ---- events ----

std::uint64_t Fixture::receive(const std::string& peer, const Message& message) {
    return receive(peer, message, peers_[peer].session);
}

std::uint64_t Fixture::receive(const std::string& peer, const Message& message,
                               std::uint64_t session) {
    // Through the codec, so that the core cannot keep what it only borrowed.
    const Header header{.correlation = ++correlation_last_, .session = session};
    const Packet packet = encode(header, message);
    const auto decoded = decode(packet.header, packet.body, packet.payloads);
    EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().detail);
    if (decoded) {
        const Peer from = address(peer);
        apply(Received{from, packet.header, *decoded});
    }
    return correlation_last_;
}

void Fixture::apply(const Event& event) {
    core.apply(event, now, effects_);
    if (checks_every_step) {
        core.check_invariants();
    }
    take_effects();
}

void Fixture::take_effects() {
    std::vector<Places> places;
    for (const Record& record : effects_.records) {
        history_.push_back({record, now, segment_});
        places.push_back(has_journal_ ? write(record, segment_) : Places{.segment = segment_});
    }
    core.locate(effects_.records, places);
    reads_.insert(reads_.end(), effects_.reads.begin(), effects_.reads.end());
    shelves_done_.insert(shelves_done_.end(), effects_.shelves_done.begin(),
                         effects_.shelves_done.end());
    if (effects_.segment_kept) {
        segments_kept_.push_back(*effects_.segment_kept);
    }
    if (effects_.segment_done) {
        segments_done_.push_back(*effects_.segment_done);
    }
    backups_begun_.insert(backups_begun_.end(), effects_.backups_begun.begin(),
                          effects_.backups_begun.end());
    backups_ended_.insert(backups_ended_.end(), effects_.backups_ended.begin(),
                          effects_.backups_ended.end());
    pieces_.insert(pieces_.end(), effects_.pieces.begin(), effects_.pieces.end());
    records_of_step_ += effects_.records.size();
    for (Send& send : effects_.sends) {
        EXPECT_LE(send.records_before, effects_.records.size());
        auto packet = std::make_shared<const Packet>(std::move(send.packet));
        EXPECT_LE(packet->body.size(), Limits{}.body_octets_max);
        auto message = decode(packet->header, packet->body, packet->payloads);
        ASSERT_TRUE(message) << message.error().detail;
        sent_.push_back({send.peer, std::move(packet), *message, send.leaves == Leaves::at_once});
    }
    std::move(effects_.plain_sends.begin(), effects_.plain_sends.end(), std::back_inserter(plain_));
    for (Publish& publish : effects_.publications) {
        Published published{.topic = publish.frames.at(0)};
        published.body = std::make_shared<const std::string>(std::move(publish.frames.back()));
        EXPECT_LE(published.body->size(), Limits{}.body_octets_max);
        if (published.topic == stat_topic) {
            published.figures = decode_figures(*published.body).value();
        } else {
            published.header = decode_updates_header(publish.frames.at(1)).value();
            published.updates = decode_updates(*published.body).value();
            EXPECT_EQ(published.updates.size(), published.header.count);
        }
        published_.push_back(std::move(published));
    }
    std::move(effects_.notices.begin(), effects_.notices.end(), std::back_inserter(notices_));
    if (effects_.epoch_raised) {
        epoch_raised_ = effects_.epoch_raised;
    }
    effects_.clear();
}

void Fixture::lose(const std::string& peer, bool is_stalled) {
    const Peer from = address(peer);
    apply(PeerLost{from, is_stalled});
    settle();
}

// ---- plain peers ----

void Fixture::ask_plainly(const std::string& peer, std::string_view body) {
    is_replayable = false;
    const Peer from = address(peer);
    apply(PlainRequested{from, Blob::copy_of(body)});
    settle();
}

void Fixture::signal(const std::string& peer, bool is_ready, PlainDialect dialect) {
    set_port(peer, Port::workers);
    const Peer from = address(peer);
    apply(PlainSignalled{from, {.dialect = dialect, .is_ready = is_ready}});
    settle();
}

void Fixture::reply_plainly(const std::string& peer, std::string_view token,
                            std::optional<std::string_view> body) {
    const Peer from = address(peer);
    apply(PlainReplied{from, token, body ? std::optional(Blob::copy_of(*body)) : std::nullopt});
    settle();
}

std::vector<std::vector<std::string>> Fixture::take_plain(const std::string& peer) {
    std::vector<std::vector<std::string>> taken;
    std::erase_if(plain_, [&](const SendPlain& message) {
        if (message.peer != address(peer)) {
            return false;
        }
        std::vector<std::string>& frames = taken.emplace_back();
        for (const Blob& frame : message.frames) {
            frames.emplace_back(frame.view());
        }
        return true;
    });
    return taken;
}

std::vector<std::string> Fixture::request_to(const std::string& peer) {
    auto taken = take_plain(peer);
    std::erase_if(taken, [](const auto& frames) { return frames.size() == 1; });
    EXPECT_EQ(taken.size(), 1U);
    return taken.size() == 1 ? taken.front() : std::vector<std::string>(3);
}

// ---- peers ----

Peer Fixture::address(const std::string& peer) const {
    const auto known = peers_.find(peer);
    return {.port = known == peers_.end() ? Port::clients : known->second.port, .address = {peer}};
}

Welcome Fixture::hello(const std::string& peer, Hello hello) {
    peers_[peer].port = hello.role == Role::worker ? Port::workers : Port::clients;
    const std::uint64_t correlation = receive(peer, hello);
    Welcome welcome = answer_to<Welcome>(peer, correlation);
    peers_[peer].session = kept_.back().header().session;
    settle();
    return welcome;
}

std::uint64_t Fixture::connect(const std::string& peer, Role role) {
    hello(peer, {.role = role});
    return session(peer);
}

Hello Fixture::hello_of(const std::string& peer, const WorkerSpec& given) {
    const WorkerSpec& spec = specs_.emplace_back(given);
    if (spec.name.empty()) {
        specs_.back().name = peer;
    }
    return {.role = Role::worker,
            .name = spec.name,
            .session_previous = spec.previous,
            .kinds = {spec.kinds.begin(), spec.kinds.end()},
            .queues = {spec.queues.begin(), spec.queues.end()},
            .slots = spec.slots,
            .credit = spec.credit,
            .held = spec.held,
            .host = "host",
            .process = 4711};
}

std::uint64_t Fixture::work(const std::string& peer, const WorkerSpec& spec) {
    hello(peer, hello_of(peer, spec));
    take_notices<WorkerCame>();
    return session(peer);
}

// ---- tasks ----

TaskId Fixture::id(std::uint32_t n, WallTime made) {
    std::array<std::uint8_t, 10> random{};
    for (std::size_t i = 0; i < 4; ++i) {
        random[9 - i] = static_cast<std::uint8_t>(n >> (8 * i));
    }
    return make_task_id(made, random);
}

SubmitItem Fixture::item(std::uint32_t n, std::string_view kind) {
    return {.id = id(n),
            .kind = kind,
            .payload = std::string_view("[2,3]"),
            .content_type = ContentType::json};
}

SubmitStatusItem Fixture::try_submit(const SubmitItem& item) {
    if (!peers_.contains(submitter)) {
        connect(submitter);
    }
    const auto answer = ask<SubmitAnswer>(submitter, Submit{.items = {item}});
    EXPECT_EQ(answer.items.size(), 1U);
    return answer.items.empty() ? SubmitStatusItem{} : answer.items.front();
}

std::uint64_t Fixture::submit(const SubmitItem& item) {
    const SubmitStatusItem status = try_submit(item);
    EXPECT_EQ(status.status, SubmitStatus::created) << status.problem.text;
    return status.number;
}

void Fixture::submit_many(std::uint32_t first, std::uint32_t count, const SubmitItem& like) {
    if (!peers_.contains(submitter)) {
        connect(submitter);
    }
    constexpr std::uint32_t batch = 4'000;
    for (std::uint32_t done = 0; done < count; done += batch) {
        Submit message;
        for (std::uint32_t i = done; i < std::min(count, done + batch); ++i) {
            message.items.push_back(like);
            message.items.back().id = id(first + i);
        }
        const auto answer = ask<SubmitAnswer>(submitter, message);
        for (const SubmitStatusItem& status : answer.items) {
            EXPECT_EQ(status.status, SubmitStatus::created) << status.problem.text;
        }
    }
}

TaskView Fixture::view(const TaskRef& task) {
    if (!peers_.contains(submitter)) {
        connect(submitter);
    }
    const auto answer = ask<QueryAnswer>(submitter, Query{.tasks = {task}});
    EXPECT_TRUE(answer.items.size() == 1 && answer.items.front().task) << "no such task";
    return answer.items.empty() ? TaskView{} : answer.items.front().task.value_or(TaskView{});
}

bool Fixture::is_known(const TaskRef& task) {
    const auto answer = ask<QueryAnswer>(submitter, Query{.tasks = {task}});
    return answer.items.at(0).task.has_value();
}

std::vector<AssignItem> Fixture::assigned(const std::string& peer) {
    std::vector<AssignItem> items;
    for (Assign& message : take<Assign>(peer)) {
        std::move(message.items.begin(), message.items.end(), std::back_inserter(items));
    }
    return items;
}

AssignItem Fixture::assigned_one(const std::string& peer) {
    std::vector<AssignItem> items = assigned(peer);
    EXPECT_EQ(items.size(), 1U) << "assigned to " << peer;
    return items.empty() ? AssignItem{} : items.front();
}

std::vector<std::uint32_t> Fixture::assigned_numbers(const std::string& peer) {
    std::vector<std::uint32_t> numbers;
    for (const AssignItem& item : assigned(peer)) {
        std::uint32_t n = 0;
        for (std::size_t i = 12; i < 16; ++i) {
            n = n << 8 | item.id.octets[i];
        }
        numbers.push_back(n);
    }
    return numbers;
}

FinishStatus Fixture::done(const std::string& peer, const AssignItem& task,
                           std::string_view result) {
    const auto answer = ask<DoneAnswer>(peer, Done{.items = {{.id = task.id,
                                                              .fence = task.fence,
                                                              .result = result,
                                                              .content_type = ContentType::json,
                                                              .run_us = 1'250}}});
    return answer.statuses.at(0);
}

FinishStatus Fixture::fail(const std::string& peer, const AssignItem& task, bool useless) {
    const auto answer = ask<FailAnswer>(peer, Fail{.items = {{.id = task.id,
                                                              .fence = task.fence,
                                                              .error = {"exit_1", "no such file"},
                                                              .useless = useless,
                                                              .run_us = 2'500}}});
    return answer.statuses.at(0);
}

FinishStatus Fixture::release(const std::string& peer, const LeaseRef& lease, bool started) {
    const auto answer = ask<ReleaseAnswer>(peer, Release{.leases = {lease}, .started = started});
    return answer.statuses.at(0);
}

// ---- what the core sent ----

std::vector<OutcomeItem> Fixture::outcomes(const std::string& peer) {
    std::vector<OutcomeItem> items;
    for (Outcomes& message : take<Outcomes>(peer)) {
        std::move(message.items.begin(), message.items.end(), std::back_inserter(items));
    }
    return items;
}

testing::AssertionResult Fixture::is_quiet() const {
    auto failure = testing::AssertionFailure();
    for (const Sent& sent : sent_) {
        failure << "sent to " << sent.peer.address.front() << ": type "
                << static_cast<int>(sent.header().type) << "; ";
    }
    for (const SendPlain& message : plain_) {
        failure << "sent plainly to " << message.peer.address.front() << "; ";
    }
    for (const Published& published : published_) {
        failure << "published on " << published.topic << "; ";
    }
    for (const Notice& notice : notices_) {
        failure << "noticed (alternative " << notice.index() << "); ";
    }
    const bool quiet = sent_.empty() && plain_.empty() && published_.empty() && notices_.empty();
    return quiet ? testing::AssertionSuccess() : failure;
}

void Fixture::forget() {
    sent_.clear();
    plain_.clear();
    published_.clear();
    notices_.clear();
}

}  // namespace xebec::broker

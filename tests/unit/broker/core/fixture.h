#pragma once
// A broker's core under test: the test is the clock and all its peers. After every event the
// invariants are checked, and at the end that the records alone give the same durable state.

#include "broker/core/core.h"
#include "protocol/codec.h"
#include "tests/unit/broker/core/dump.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::broker {

using namespace std::chrono_literals;
using namespace protocol;

// A message that the core sent, with the frames it borrows from.
struct Sent {
    Peer peer;
    std::shared_ptr<const Packet> packet;
    Message message;
    bool at_once = false;

    const Header& header() const { return packet->header; }
};

// A message of the PUB socket, read again.
struct Published {
    std::string topic;
    UpdatesHeader header;
    std::shared_ptr<const std::string> body;
    std::vector<Update> updates;     // of a `task.` topic
    std::optional<Figures> figures;  // of `stat.`
};

struct WorkerSpec {
    std::vector<std::string> kinds{"add"};
    std::vector<std::string> queues;
    std::uint32_t slots = 1;
    std::uint32_t credit = 1;
    std::vector<LeaseRef> held;
    std::uint64_t previous = 0;
    std::string name;  // empty: as the peer
};

// Peers may be silent for years without being lost.
inline CoreOptions patient() {
    return {.heartbeat = std::chrono::hours{50'000},
            .worker_liveness = std::chrono::hours{100'000},
            .client_liveness = std::chrono::hours{100'000}};
}

class Fixture {
public:
    static constexpr std::uint32_t epoch = 7;
    static constexpr WallTime start_wall{std::chrono::sys_days{std::chrono::January / 2 / 2026}};

    explicit Fixture(const CoreOptions& options = patient(), std::uint64_t seed = 1)
        : core(options, epoch, seed, now), has_journal_(options.octets_in_memory_max) {}
    // The broker starts again with what the one before has written. What it writes is in a segment
    // of their own, and nothing that stands in the journal is in memory. The last so many records
    // were not on the disk.
    Fixture(const Fixture& before, const CoreOptions& options, std::size_t records_lost = 0);
    ~Fixture();
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    // ---- the clocks ----

    // Lets time pass as a loop does: a step whenever the core wants one.
    void pass(Duration duration);
    // The same, while the peers given send a ping every second.
    void pass_with_pings(Duration duration, const std::vector<std::string>& peers);
    // Time goes on without a step, as when the process is stopped.
    void stall(Duration duration) { move_clocks(duration); }
    void jump_wall(milliseconds by) { now.wall += by; }
    void tick();    // the end of one step
    void settle();  // steps until the core has nothing more to do now

    // ---- events ----

    // From a peer's current session; no step ends. Gives the correlation id.
    std::uint64_t receive(const std::string& peer, const Message& message);
    std::uint64_t receive(const std::string& peer, const Message& message, std::uint64_t session);
    void say(const std::string& peer, const Message& message) {
        receive(peer, message);
        settle();
    }
    void apply(const Event& event);

    // ---- plain peers ----
    void ask_plainly(const std::string& peer, std::string_view body);
    void signal(const std::string& peer, bool is_ready, PlainDialect dialect = PlainDialect::octet);
    void reply_plainly(const std::string& peer, std::string_view token,
                       std::optional<std::string_view> body);
    // The frames that each message to a plain peer had behind its address; taking removes them.
    std::vector<std::vector<std::string>> take_plain(const std::string& peer);
    // The only message to a worker but heartbeats: a token, an empty frame, a body.
    std::vector<std::string> request_to(const std::string& peer);
    void lose(const std::string& peer, bool is_stalled = false);
    void watch(bool tasks, bool figures = false) { apply(WatchersChanged{tasks, figures}); }

    // Says it and gives the answer, which must come at once.
    template <class Answer>
    Answer ask(const std::string& peer, const Message& message) {
        const std::uint64_t correlation = receive(peer, message);
        settle();
        return answer_to<Answer>(peer, correlation);
    }
    // The refusal of a whole message.
    Refusal refusal(const std::string& peer, const Message& message) {
        return static_cast<Refusal>(ask<ErrorAnswer>(peer, message).code);
    }

    // ---- peers; each has an address of its own, on the port of its role ----

    // Introduces the peer, and gives the number of its session.
    std::uint64_t connect(const std::string& peer, Role role = Role::client);
    std::uint64_t work(const std::string& peer, const WorkerSpec& spec = {});
    Welcome hello(const std::string& peer, Hello hello);
    Peer address(const std::string& peer) const;
    std::uint64_t session(const std::string& peer) const { return peers_.at(peer).session; }
    // A worker's hello; its texts are kept for as long as the fixture lives.
    Hello hello_of(const std::string& peer, const WorkerSpec& spec);
    void set_port(const std::string& peer, Port port) { peers_[peer].port = port; }

    // ---- tasks ----

    static TaskId id(std::uint32_t n, WallTime made = start_wall);
    static SubmitItem item(std::uint32_t n, std::string_view kind = "add");

    // Each from a client of its own kind, "submitter"; it must be accepted. Gives the number.
    std::uint64_t submit(const SubmitItem& item);
    std::uint64_t submit(std::uint32_t n) { return submit(item(n)); }
    SubmitStatusItem try_submit(const SubmitItem& item);
    void submit_many(std::uint32_t first, std::uint32_t count, const SubmitItem& like = item(0));

    TaskView view(const TaskRef& task);
    TaskState state(std::uint32_t n) { return view(id(n)).state; }
    bool is_known(const TaskRef& task);

    // What a worker was given and has not been taken out yet, in order.
    std::vector<AssignItem> assigned(const std::string& peer);
    // The only one.
    AssignItem assigned_one(const std::string& peer);
    // The ids of those, as the numbers they were made from.
    std::vector<std::uint32_t> assigned_numbers(const std::string& peer);

    FinishStatus done(const std::string& peer, const AssignItem& task,
                      std::string_view result = "5");
    FinishStatus fail(const std::string& peer, const AssignItem& task, bool useless = false);
    FinishStatus release(const std::string& peer, const LeaseRef& lease, bool started = false);
    static LeaseRef lease(const AssignItem& task) { return {task.id, task.fence}; }

    // ---- what the core sent; taking removes it ----

    template <class M>
    std::vector<M> take(const std::string& peer) {
        std::vector<M> taken;
        std::deque<Sent> rest;
        for (Sent& sent : sent_) {
            if (sent.peer == address(peer) && std::holds_alternative<M>(sent.message)) {
                taken.push_back(std::get<M>(sent.message));
                kept_.push_back(std::move(sent));
            } else {
                rest.push_back(std::move(sent));
            }
        }
        sent_ = std::move(rest);
        return taken;
    }
    template <class M>
    M take_one(const std::string& peer) {
        std::vector<M> taken = take<M>(peer);
        EXPECT_EQ(taken.size(), 1U);
        return taken.empty() ? M{} : std::move(taken.front());
    }
    template <class M>
    M answer_to(const std::string& peer, std::uint64_t correlation) {
        for (auto sent = sent_.begin(); sent != sent_.end(); ++sent) {
            if (sent->peer == address(peer) && sent->header().correlation == correlation) {
                const auto* answer = std::get_if<M>(&sent->message);
                EXPECT_NE(answer, nullptr) << "another answer than expected";
                kept_.push_back(std::move(*sent));
                sent_.erase(sent);
                answer = std::get_if<M>(&kept_.back().message);
                return answer == nullptr ? M{} : *answer;
            }
        }
        ADD_FAILURE() << "no answer";
        return M{};
    }
    std::vector<OutcomeItem> outcomes(const std::string& peer);
    // ---- the journal ----

    // Reads what was asked for, or finds it damaged. Gives how much that was.
    std::size_t answer_reads(std::string_view fault = {});
    std::size_t reads_waiting() const { return reads_.size(); }
    void begin_segment() { ++segment_; }  // for what is written from now on
    // That segment is to go: up to what has to be read for that, and further.
    void begin_carrying(std::uint32_t segment = 1, Carry carry = Carry::everything);
    std::vector<Record> finish_carrying();  // the records with which it is told again
    // The same of all segments up to this one, in turn; without one, of everything so far.
    std::vector<Record> carry_until(std::uint32_t segment);
    std::vector<Record> carry_everything() { return carry_until(history_.back().segment); }
    void trim(std::uint32_t segment);  // it and those before are gone, as the next start finds it
    void make_removals_old();          // as version 2 of the journal's format had them
    std::vector<std::uint32_t> take_segments_done() { return std::exchange(segments_done_, {}); }
    std::vector<std::uint32_t> take_shelves_done() { return std::exchange(shelves_done_, {}); }
    std::vector<std::uint32_t> take_segments_kept() { return std::exchange(segments_kept_, {}); }

    // Backups whose segments are to be held; to be released; and pieces to be read.
    std::vector<std::uint64_t> take_backups_begun() { return std::exchange(backups_begun_, {}); }
    std::vector<std::uint64_t> take_backups_ended() { return std::exchange(backups_ended_, {}); }
    std::vector<ReadPiece> take_pieces() { return std::exchange(pieces_, {}); }

    template <class N>
    std::vector<N> take_notices() {
        std::vector<N> taken;
        std::erase_if(notices_, [&](const Notice& notice) {
            const auto* one = std::get_if<N>(&notice);
            if (one != nullptr) {
                taken.push_back(*one);
            }
            return one != nullptr;
        });
        return taken;
    }
    std::vector<Published> take_published() { return std::exchange(published_, {}); }
    std::deque<Sent> take_all() { return std::exchange(sent_, {}); }
    std::optional<std::uint32_t> take_raised_epoch() { return std::exchange(epoch_raised_, {}); }

    // Whether everything sent, published and noticed has been taken.
    testing::AssertionResult is_quiet() const;
    void forget();  // all of it

    // How many records the steps so far have committed, and the largest step of them.
    std::size_t records() const { return history_.size(); }
    std::size_t records_of_largest_step() const { return records_of_largest_step_; }
    // A state made from the records alone.
    std::unique_ptr<State> replay() const;

    bool is_replayable = true;      // off with plain requests, of which no record is kept
    bool checks_every_step = true;  // off where there are so many tasks that it takes too long

    Now now{.steady = Instant{std::chrono::hours{1}}, .wall = start_wall};
    Core core;

private:
    struct Known {
        Port port = Port::clients;
        std::uint64_t session = 0;
    };

    void move_clocks(Duration duration);
    void take_effects();

    std::map<std::string, Known> peers_;
    std::uint64_t correlation_last_ = 0;
    std::deque<Sent> sent_;
    std::deque<Sent> kept_;         // what tests still look at
    std::deque<WorkerSpec> specs_;  // what hellos borrow from
    std::vector<SendPlain> plain_;
    std::vector<Published> published_;
    std::vector<Notice> notices_;
    std::optional<std::uint32_t> epoch_raised_;
    Effects effects_;
    struct Written {  // a record
        Record record;
        Now at;
        std::uint32_t segment = 0;
    };
    std::vector<Written> history_;
    std::uint32_t segment_ = 1;  // that is written to
    Places write(const Record& record, std::uint32_t segment);
    std::vector<std::uint32_t> shelves_done_;
    std::size_t carrying_since_ = 0;
    bool has_journal_ = false;
    std::uint32_t place_last_ = 0;
    std::map<Locator, Blob> written_;
    std::vector<ReadOctets> reads_;
    std::vector<std::uint32_t> segments_done_;
    std::vector<std::uint32_t> segments_kept_;
    std::vector<std::uint64_t> backups_begun_;
    std::vector<std::uint64_t> backups_ended_;
    std::vector<ReadPiece> pieces_;
    std::size_t records_of_step_ = 0;
    std::size_t records_of_largest_step_ = 0;
};

}  // namespace xebec::broker

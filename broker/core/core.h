#pragma once
// The broker's decisions: events in, effects out. A pure value; any one thread at a time.
//
// The functions stand in files by subject: core.cc (the step), core_sessions.cc, core_submit.cc,
// core_workers.cc, core_dispatch.cc, core_plain.cc, core_tasks.cc, core_scans.cc,
// core_operators.cc, core_payloads.cc, core_carrying.cc, core_backups.cc.

#include "broker/core/effects.h"
#include "broker/core/events.h"
#include "broker/core/filter.h"
#include "broker/core/id_hash.h"
#include "broker/core/offers.h"
#include "broker/core/sessions.h"
#include "broker/core/state.h"
#include "protocol/limits.h"
#include "protocol/time.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::broker {

struct CoreOptions {
    Limits limits;
    milliseconds heartbeat{1'000};
    milliseconds worker_liveness{5'000};   // a worker silent this long is lost
    milliseconds client_liveness{30'000};  // a client silent this long is forgotten
    milliseconds backup_liveness{30'000};  // a backup of which nothing is asked this long ends
    milliseconds plain_patience{8'000};    // how long a plain client can still be waiting
    milliseconds plain_lease{300'000};     // at least: a plain worker cannot extend it
    milliseconds return_grace{10'000};     // for workers to come back to a broker that starts
    std::uint32_t credit_max = 8'192;
    std::uint64_t final_octets_max = 256 << 20;  // retention: final tasks, tombstones of others,
    std::uint64_t final_count_min = 100'000;     // of which at least these newest stay
    // Of removed tasks so many are remembered, the newest; three quarters while a segment goes.
    std::size_t tombstones_max = 1'000'000;
    std::uint64_t memory_max = std::uint64_t{2} << 30;  // beyond it new tasks are refused
    std::uint64_t tasks_max = 20'000'000;               // and beyond so many
    // With a journal: payloads, results and what else has ended tasks take, in memory; payloads and
    // results beyond that are put away and read back.
    std::optional<std::uint64_t> octets_in_memory_max;
};

class Core {
public:
    // `epoch` is higher than that of any earlier run; `seed` makes session numbers and jitter.
    Core(const CoreOptions& options, std::uint32_t epoch, std::uint64_t seed, Now now);

    // A start: every record that the journal has, in order, then `resume`, before any event.
    void replay(const Record& record, const Places& places);
    void resume(Now now);
    // Asks the processor for what replaying a record will need: by the task's id if the record has
    // it, else by its number. A task that is not there does no harm.
    void prefetch(std::uint64_t number, const std::optional<TaskId>& id) const;

    // Where the records of the last effects lie now, one place for each.
    void locate(std::span<const Record> records, std::span<const Places> places);

    // Applies one event and appends what has to follow from it, in order. A step is any number of
    // events and then TimePassed.
    void apply(const Event& event, Now now, Effects& effects);

    // The next instant at which TimePassed has something to do.
    std::optional<Instant> next_deadline() const { return planned_; }

    // What holds after every step. The first walks the whole state.
    void check_invariants() const;
    void check_sessions() const;

    const State& state() const { return state_; }
    const Sessions& sessions() const { return sessions_; }
    std::uint32_t epoch() const { return epoch_; }

private:
    // The event being applied: the reading of the clocks and where its effects go.
    struct Step {
        Now now;
        Effects* effects = nullptr;
    };
    // Who asked, and how to answer.
    struct Request {
        const Peer& peer;
        const Header& header;
        SessionIndex session = no_session;
    };
    struct Waiter {
        SessionIndex session = no_session;
        std::uint64_t id = 0;
    };
    enum class ScanAction : std::uint8_t { list, count, cancel, retry };
    struct Scan {
        Waiter asker;
        std::uint64_t correlation = 0;
        ScanAction action = ScanAction::list;
        Filter filter;
        std::uint64_t below = 0;
        std::uint64_t visited = 0;
        std::uint64_t matched = 0;
        std::uint64_t changed = 0;
        std::size_t limit = 0;
        std::vector<std::uint64_t> found;
    };

    // ---- events (core.cc) ----
    void on(const Received& event);
    void on(const ReceivedMalformed& event);
    void on(const ReceivedForeign& event);
    void on(const PlainRequested& event);
    void on(const PlainSignalled& event);
    void on(const PlainReplied& event);
    void on(const PeerLost& event);
    void on(const WatchersChanged& event);
    void on(const StopRequested& event);
    void on(const StepMeasured& event);
    void on(const ResourcesMeasured& event);
    void on(const JournalChanged& event);
    void on(const OctetsRead& event);
    void on(const SegmentChosen& event);
    void on(const BackupHeld& event);
    void on(const PieceRead& event);
    void on(const TimePassed& event);

    // ---- messages; the names of the files say where ----
    void on(const Request& request, const protocol::Hello& message);
    void on(const Request& request, const protocol::Ping& message);
    void on(const Request& request, const protocol::Pong& message);
    void on(const Request& request, const protocol::Bye& message);
    void on(const Request& request, const protocol::Submit& message);
    void on(const Request& request, const protocol::Query& message);
    void on(const Request& request, const protocol::Wait& message);
    void on(const Request& request, const protocol::Cancel& message);
    void on(const Request& request, const protocol::Retry& message);
    void on(const Request& request, const protocol::List& message);
    void on(const Request& request, const protocol::Credit& message);
    void on(const Request& request, const protocol::Extend& message);
    void on(const Request& request, const protocol::Done& message);
    void on(const Request& request, const protocol::Fail& message);
    void on(const Request& request, const protocol::Release& message);
    void on(const Request& request, const protocol::Queues& message);
    void on(const Request& request, const protocol::QueueSet& message);
    void on(const Request& request, const protocol::Pause& message);
    void on(const Request& request, const protocol::Resume& message);
    void on(const Request& request, const protocol::Workers& message);
    void on(const Request& request, const protocol::Drain& message);
    void on(const Request& request, const protocol::Stats& message);
    void on(const Request& request, const protocol::Snapshot& message);
    void on(const Request& request, const protocol::Backup& message);
    void on(const Request& request, const protocol::BackupRead& message);
    void on(const Request& request, const protocol::BackupEnd& message);
    template <class Other>
    void on(const Request& request, const Other& message);  // what only a broker says

    // ---- the step ----
    // Applies a fact, and keeps it for the journal if it has to be written.
    template <class Fact>
    void commit(Fact&& given);
    // Keeps one that changes nothing.
    template <class Fact>
    void keep(Fact&& given);
    template <class Fact>
    void own(Fact&) {}
    void own(TaskAccepted& fact);  // the sender's octets go with its message
    void own(QueueChanged& fact);
    void update_touched_lanes();
    void send(const Peer& peer, std::uint64_t correlation, std::uint64_t session,
              const protocol::Message& message, Leaves leaves = Leaves::in_turn);
    void send(SessionIndex session, const protocol::Message& message,
              Leaves leaves = Leaves::in_turn);
    void answer(const Request& request, const protocol::Message& message,
                Leaves leaves = Leaves::in_turn);
    void refuse(const Request& request, Refusal refusal, std::string_view text = {});
    void note_sent(SessionIndex session, const protocol::Packet& packet);
    void note_sent(SessionIndex session, std::size_t octets);
    bool reads_too_little(SessionIndex session) const;
    bool is_too_many(const Request& request, std::size_t items);
    void note_stall();
    void run_timers();
    void publish();
    void plan();

    // ---- sessions ----
    std::string_view hello_problem(const Request& request, const protocol::Hello& hello) const;
    SessionIndex previous_of(const Request& request, const protocol::Hello& hello) const;
    void start_worker(SessionIndex session, SessionIndex previous, const protocol::Hello& hello,
                      protocol::Welcome& welcome);
    void learn_epoch(std::uint64_t seen);
    enum class Ending : std::uint8_t {
        lost,      // silent or gone: what it was running may be what killed it
        left,      // it said so
        replaced,  // the same peer began a new session
    };
    void close(SessionIndex session, std::string_view reason, Ending ending);
    void check_liveness(SessionIndex session);
    void arm(SessionIndex session, SessionTimer timer, Instant at);  // instead of before

    // ---- submit ----
    protocol::SubmitStatusItem submit(const protocol::SubmitItem& item, TaskIndex& task);
    protocol::SubmitStatusItem accept(const protocol::SubmitItem& item, std::string_view queue,
                                      std::uint64_t hash, TaskIndex& task);
    std::optional<protocol::SubmitStatusItem> find_known(const protocol::SubmitItem& item,
                                                         std::uint64_t hash, TaskIndex index) const;

    const Settings& settings_of(std::string_view queue) const;  // the defaults if there is none
    bool is_full(std::string_view queue) const;
    bool has_room_for(std::uint64_t payload_octets) const;  // and a task around them
    void offer_new_lanes(std::size_t first);

    // ---- plain peers ----
    // Keeps what it takes to answer, for as long as a plain request is under way.
    struct PlainAsker {
        Peer peer;
        Instant expires{};
    };
    struct PlainExpiry {
        Instant at{};
        std::uint64_t number = 0;
    };
    void open_plain(const Peer& peer, protocol::PlainDialect dialect);
    void send_plain(const Peer& peer, std::vector<Blob> frames);
    void assign_plain(SessionIndex session, const protocol::AssignItem& item);
    void check_plain_liveness(SessionIndex session);
    void expire_plain_requests();
    bool expire_if_late(TaskIndex task);  // true: nobody waits for this plain request any more
    void conclude_plain(TaskIndex task);  // its final state is known

    // ---- workers ----
    TaskIndex find_held(SessionIndex session, const TaskId& id) const;
    bool holds(SessionIndex session, TaskIndex task, std::uint64_t fence) const;
    void end_lease(TaskIndex task);
    bool is_unclaimed(TaskIndex task, std::uint64_t fence) const;
    void end_unclaimed();
    bool give_back_revoked(SessionIndex session, const TaskId& id, std::uint64_t fence);
    protocol::FinishStatus finish(SessionIndex session, const protocol::DoneItem& item);
    protocol::FinishStatus finish(SessionIndex session, const protocol::FailItem& item);
    protocol::FinishStatus release(SessionIndex session, const protocol::LeaseRef& lease,
                                   bool started);
    protocol::FinishStatus status_without_lease(const TaskId& id, std::uint64_t fence);
    void fail_attempt(TaskIndex task, std::string_view error_class, std::string_view error_text,
                      bool useless, std::uint64_t run_us);
    bool return_attempt(TaskIndex task, bool charged, std::string_view error_class,
                        std::string_view error_text);  // false: the task died of it
    void die(TaskIndex task, std::string_view error_class, std::string_view error_text,
             std::uint64_t run_us);
    void revoke(TaskIndex task);
    void check_leases(SessionIndex session);

    // ---- dispatch ----
    void dispatch();
    void assign(SessionIndex session, TaskIndex task);
    void watch_waiting(SessionIndex session);
    void check_recall(SessionIndex session);
    void flush();
    void flush_assignments(SessionIndex session);
    void flush_outcomes(SessionIndex session);
    void tell_owed(SessionIndex session);  // some of the outcomes that were held back
    void touch(SessionIndex session);      // it has something to be sent at the end of the step

    // ---- payloads and results that are only in the journal ----
    // What a client asked to see, while some of it is being read.
    struct Shown {
        bool payload = false;
        bool result = false;
    };
    struct Fetched {
        Blob octets;
        bool is_damaged = false;
    };
    using FetchedByToken = absl::flat_hash_map<std::uint64_t, Fetched>;
    // Who is told later.
    struct Asker {
        Peer peer;
        Header header;
    };
    std::optional<Request> request_of(const Asker& asker) const;  // nothing: its session is over
    struct Parked {
        Asker asker;
        std::vector<protocol::TaskRef> tasks;
        Shown shown;
        FetchedByToken fetched;
        std::size_t missing = 0;
    };
    struct CarriedRead {
        std::uint64_t number = 0;  // of the task
        std::uint64_t octets = 0;
    };
    // Who needs what is being read.
    struct Readers {
        absl::InlinedVector<std::uint64_t, 1> parked;
        absl::InlinedVector<Waiter, 1> waiters;
        TaskId waited_for;  // by them
        std::optional<LaneIndex> lane;
        std::optional<CarriedRead> carried;  // it has to be told again
    };
    static std::uint64_t token_of(const Task& task, bool is_result) {
        return 2 * task.number + (is_result ? 1 : 0);
    }
    Readers& read(std::uint64_t token, Locator at);
    void fetch(LaneIndex lane);
    void look_ahead(const Task& assigned);
    void read_ahead(LaneIndex lane);
    void put_away();
    std::uint64_t octets_in_memory_max() const;
    bool is_over_memory() const;
    bool may_put_away(TaskIndex task) const;
    void park(const Request& request, const std::vector<protocol::TaskRef>& tasks, Shown shown,
              const FetchedByToken& fetched, const std::vector<std::uint64_t>& missing);
    void resume_parked(std::uint64_t id, const OctetsRead& event);
    void tell_waiters(const Readers& readers, TaskIndex task, const OctetsRead& event);
    void bring_back(LaneIndex lane, TaskIndex task, const OctetsRead& event);

    // ---- telling again what stands in the journal's oldest segment ----
    // The way through the tasks that a segment tells of.
    struct Pass {
        Pass(std::uint32_t segment, const ToldTasks& told, bool shelves, const Shelf* shelf);

        std::uint32_t segment = 0;
        ToldTasksReader tasks;
        ToldTasksReader ahead;  // of these, to what is asked for before its turn
        std::size_t count = 0;  // to look at
        std::size_t next = 0;
        bool is_shelving = false;            // what is as it stands there is told by its order
        std::optional<TaskRunsReader> held;  // of a shelf: which of its tasks were told of last
        TaskRuns part;                       // told by their order, and not recorded yet
        std::uint32_t part_first = 0;
        bool is_any = false;  // told by its order
        bool is_finished = false;
    };
    struct Carrying {
        Pass segment;
        bool is_shelf = false;       // the segment, which goes
        std::uint32_t behind = 0;    // what stands whole behind this segment need not be told again
        std::size_t tombstones = 0;  // that stood in the segment when this began
        Tombstones::Walk tombstones_walk;
        std::vector<TaskId> tombstones_next;  // to look at
        std::optional<Pass> shelf;            // that was told of in the segment
        std::size_t reads = 0;                // under way
        std::uint64_t read_octets = 0;
        bool is_damaged = false;   // something could not be read: it is not told again elsewhere
        std::uint64_t octets = 0;  // told again in a full journal
    };
    // What may be told again in this step still.
    struct CarryBudget {
        std::int64_t mentions = 0;
        std::int64_t octets = 0;
    };
    void carry();
    bool carry_tombstones(CarryBudget& budget);
    bool carry_shelves(CarryBudget& budget);
    bool carry_on(Pass& pass, std::size_t due, CarryBudget& budget);
    bool must_rest_carrying() const;
    bool finish_pass(Pass& pass);
    void finish_carrying();
    void let_shelf_go(std::uint32_t segment);
    void tell_part(Pass& pass);
    void prefetch_mention(Pass& pass) const;
    std::size_t carry_mention(Pass& pass);
    std::size_t carry(std::uint64_t number);
    std::size_t carry_tombstone(const TaskId& id, std::uint32_t segment);
    void carry_read(const CarriedRead& read, const OctetsRead& event);
    void carry_task(const Task& task, const Blob* octets_read);

    // ---- backups ----
    struct OpenBackup {
        Asker asker;                       // of the latest request
        std::vector<SegmentUse> segments;  // none: not held yet
        Instant ends_at{};                 // unless something is asked of it
        std::size_t pieces = 0;            // being read
    };
    struct Piece {
        Asker asker;
        std::uint64_t backup = 0;
    };
    using Backups = std::map<std::uint64_t, OpenBackup>;
    void end_backup(Backups::iterator backup, std::string_view reason);
    template <class Predicate>
    void end_backups(std::string_view reason, Predicate is_over);
    void end_backups_of(std::uint64_t session);
    void end_all_backups(std::string_view reason);
    void end_silent_backups();

    // ---- tasks ----
    TaskIndex find(const protocol::TaskRef& ref) const;
    protocol::TaskView view_of(const Task& task) const;
    static std::size_t task_view_octets(const protocol::TaskView& view);  // in a body, at most
    Refusal cancel(TaskIndex task);
    Refusal retry(TaskIndex task);
    void expire(TaskIndex task);
    Refusal wait_for(SessionIndex session, TaskIndex task);
    PendingOutcome outcome_of(const Task& task) const;
    void answer_query(const Request& request, const std::vector<protocol::TaskRef>& tasks,
                      Shown shown, const FetchedByToken& fetched);
    void tell_removed(SessionIndex session, const TaskId& id, const Tombstone& otherwise = {});
    void conclude(TaskIndex task);  // its final state is known: says so to all who wait
    void remove_final_tasks();
    void drop_tombstones();

    // ---- scans ----
    void start_scan(const Request& request, ScanAction action, const protocol::TaskFilter& filter,
                    std::uint64_t cursor, std::size_t limit);
    void run_scans();
    bool visit(Scan& scan, std::size_t& budget);  // true: finished
    bool is_before(const Scan& scan, const Task& task) const;
    bool matches(const Filter& filter, const Task& task) const;
    void finish(const Scan& scan);

    // ---- operators ----
    protocol::QueueView view_of(const Queue& queue) const;
    // An attempt whose lease has just been ended; the record that says how follows.
    struct EndedAttempt {
        SessionIndex session = no_session;
        TaskIndex task = no_task;
    };
    protocol::WorkerView view_of(const Session& session, bool with_recent) const;
    void watch_attempts();
    void forget_attempts();
    void note_attempt(const EndedAttempt& ended, const Record& record);
    std::vector<protocol::Problem> pause_each(const std::vector<std::string_view>& names,
                                              bool paused);
    void drain(SessionIndex session);
    protocol::Figures figures(bool only_changed) const;  // but for the lanes
    std::size_t add_lanes(protocol::Figures& figures, std::size_t first, bool only_changed) const;
    protocol::LaneView view_of(const Lane& lane) const;
    void publish_updates();
    void publish_figures();

    CoreOptions options_;
    std::uint32_t epoch_;
    std::uint32_t epoch_at_start_;
    std::mt19937_64 random_;
    Now started_;

    State state_;
    Sessions sessions_;
    Offers offers_;

    Step step_;
    Timers<Instant, std::pair<SessionIndex, SessionTimer>> timers_;
    std::optional<Instant> planned_;  // when the next TimePassed should come
    Duration step_max_{};
    Instant grace_until_{};  // after a stall of our own, silence counts from here
    std::vector<SessionIndex> touched_;
    absl::flat_hash_map<std::uint64_t, Readers> reading_;  // by token
    absl::flat_hash_map<std::uint64_t, Parked> parked_;
    std::uint64_t parked_last_ = 0;
    std::uint32_t hand_ = 0;  // where it looks next for what can be put away
    std::uint64_t put_away_in_round_ = 0;
    bool spares_soon_ = true;  // what will be assigned soon is left in this round
    Instant put_away_rests_until_{};
    // Leases of an earlier run, until their workers come back and name them.
    TaskLine unclaimed_;
    std::uint64_t unclaimed_count_ = 0;
    std::uint64_t unclaimed_ended_ = 0;
    Instant unclaimed_until_{};
    absl::flat_hash_map<TaskIndex, absl::InlinedVector<Waiter, 1>, PlaceHash> waiters_;
    std::deque<Scan> scans_;
    absl::flat_hash_map<TaskIndex, PlainAsker> plain_askers_;
    std::deque<PlainExpiry> plain_expiries_;  // soonest first
    bool has_more_work_ = false;              // a bounded part of a step stopped early
    bool is_stopping_ = false;
    bool is_disk_full_ = false;
    bool is_disk_behind_ = false;
    std::size_t carry_due_ = std::numeric_limits<std::size_t>::max();
    std::optional<Carrying> carrying_;
    Backups backups_;
    absl::flat_hash_map<std::uint64_t, Piece> pieces_;  // by token
    std::uint64_t piece_last_ = 0;
    std::uint64_t ended_before_ = 0;  // the last step

    bool watched_tasks_ = false;
    bool watched_figures_ = false;
    Instant figures_due_{};
    std::size_t figures_lane_ = 0;         // where the next `stat.` message begins
    std::optional<Instant> recent_until_;  // attempts that end are noted so long
    std::optional<EndedAttempt> ended_;    // while they are
    std::optional<protocol::BrokerResources> resources_;
    std::uint64_t stale_ = 0;
    std::uint64_t workers_lost_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t malformed_ = 0;
};

// Facts are made where they are kept: a record is large, and every task has four.
template <class Fact>
void Core::commit(Fact&& given) {
    using Plain = std::remove_cvref_t<Fact>;
    std::vector<Record>& records = step_.effects->records;
    auto& fact =
        std::get<Plain>(records.emplace_back(std::in_place_type<Plain>, std::forward<Fact>(given)));
    const bool is_kept = state_.apply(fact, step_.now);
    if (ended_) {
        note_attempt(*std::exchange(ended_, {}), records.back());
    }
    if (is_kept) {
        own(fact);
    } else {
        records.pop_back();
    }
    update_touched_lanes();
}

template <class Fact>
void Core::keep(Fact&& given) {
    using Plain = std::remove_cvref_t<Fact>;
    own(std::get<Plain>(
        step_.effects->records.emplace_back(std::in_place_type<Plain>, std::forward<Fact>(given))));
}

}  // namespace xebec::broker

#pragma once
// Every message of the protocol and the keys of its body. docs/protocol.md is normative and says
// what each means; a request has an even type, and its answer the odd type after it.
//
// Texts and octets are borrowed: a decoded message is valid as long as the frames it came from, a
// message to be encoded as long as what it points at. Durations are milliseconds and instants
// milliseconds since 1970 UTC unless the name says otherwise.

#include "protocol/blob.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/limits.h"

#include <xebec/task.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace xebec::protocol {

enum class Role : std::uint8_t { client = 0, worker = 1, monitor = 2 };

// ---- parts of messages ----

// A task by its id or by its number; number 0 is the newest task of the broker.
using TaskRef = std::variant<std::uint64_t, TaskId>;

// One attempt's lease: the task and the fence.
struct LeaseRef {
    TaskId id;
    std::uint64_t fence = 0;

    using Fields = FieldList<Field<0, &LeaseRef::id, Presence::required>,
                             Field<1, &LeaseRef::fence, Presence::required>>;
    friend bool operator==(const LeaseRef&, const LeaseRef&) = default;
};

struct Failure {
    std::string_view error_class;
    std::string_view text;

    using Fields = FieldList<Field<0, &Failure::error_class>, Field<1, &Failure::text>>;
    friend bool operator==(const Failure&, const Failure&) = default;
};

// A refusal inside an answer, or of a whole message.
struct Problem {
    std::uint16_t code = 0;  // a Refusal; 0: none
    std::string_view text;

    using Fields = FieldList<Field<0, &Problem::code>, Field<1, &Problem::text>>;
    friend bool operator==(const Problem&, const Problem&) = default;
};

// An attempt that has ended without success.
struct AttemptView {
    std::uint32_t attempt = 0;  // how many had been started, with this one
    std::uint64_t fence = 0;
    std::string_view worker;
    std::uint64_t started_at = 0;
    std::uint64_t ended_at = 0;
    TaskState state = TaskState::scheduled;  // after it
    std::string_view error_class;
    std::string_view error_text;  // at most history_text_octets_max

    using Fields =
        FieldList<Field<0, &AttemptView::attempt>, Field<1, &AttemptView::fence>,
                  Field<2, &AttemptView::worker>, Field<3, &AttemptView::started_at>,
                  Field<4, &AttemptView::ended_at>, Field<5, &AttemptView::state>,
                  Field<6, &AttemptView::error_class>, Field<7, &AttemptView::error_text>>;
    friend bool operator==(const AttemptView&, const AttemptView&) = default;
};

struct TaskView {
    std::uint64_t number = 0;
    TaskId id;
    std::string_view kind;
    std::string_view queue;
    TaskState state = TaskState::scheduled;
    std::uint8_t priority = 0;
    std::uint32_t attempts = 0;
    std::uint32_t attempts_max = 0;
    std::string_view worker;
    std::optional<Failure> error;
    std::uint64_t accepted_at = 0;
    std::uint64_t due_at = 0;
    std::uint64_t deadline = 0;
    std::uint64_t started_at = 0;
    std::uint64_t finished_at = 0;
    std::uint64_t fence = 0;
    std::uint32_t series = 0;
    std::uint32_t version = 0;
    std::vector<AttemptView> history;  // in answers to a query: the latest, oldest first

    using Fields = FieldList<Field<0, &TaskView::number, Presence::required>,
                             Field<1, &TaskView::id, Presence::required>, Field<2, &TaskView::kind>,
                             Field<3, &TaskView::queue>, Field<4, &TaskView::state>,
                             Field<5, &TaskView::priority>, Field<6, &TaskView::attempts>,
                             Field<7, &TaskView::attempts_max>, Field<8, &TaskView::worker>,
                             Field<9, &TaskView::error>, Field<10, &TaskView::accepted_at>,
                             Field<11, &TaskView::due_at>, Field<12, &TaskView::deadline>,
                             Field<13, &TaskView::started_at>, Field<14, &TaskView::finished_at>,
                             Field<15, &TaskView::fence>, Field<16, &TaskView::series>,
                             Field<17, &TaskView::version>, Field<18, &TaskView::history>>;
    friend bool operator==(const TaskView&, const TaskView&) = default;
};

// Which tasks a list or a bulk action means. Empty parts match everything.
struct TaskFilter {
    std::uint32_t states = 0;  // bit n: TaskState n; 0: all
    std::string_view queue;
    std::string_view kind;
    std::string_view worker;
    std::string_view error;           // is in the class or the text of the error
    std::string_view id_prefix;       // the first hexadecimal digits of the id
    std::uint64_t accepted_from = 0;  // 0: open, as is the next
    std::uint64_t accepted_to = 0;    // before this

    using Fields =
        FieldList<Field<0, &TaskFilter::states>, Field<1, &TaskFilter::queue>,
                  Field<2, &TaskFilter::kind>, Field<3, &TaskFilter::worker>,
                  Field<4, &TaskFilter::error>, Field<5, &TaskFilter::id_prefix>,
                  Field<6, &TaskFilter::accepted_from>, Field<7, &TaskFilter::accepted_to>>;
    friend bool operator==(const TaskFilter&, const TaskFilter&) = default;
};

struct GpuView {
    std::string_view name;
    std::uint32_t busy_permille = 0;
    std::uint64_t memory_used = 0;
    std::uint64_t memory_total = 0;

    using Fields = FieldList<Field<0, &GpuView::name>, Field<1, &GpuView::busy_permille>,
                             Field<2, &GpuView::memory_used>, Field<3, &GpuView::memory_total>>;
    friend bool operator==(const GpuView&, const GpuView&) = default;
};

// What the machine of a worker has, and how much of it is in use; memory and disk in octets. A
// total of 0: not known.
struct Resources {
    std::uint32_t cpu_permille = 0;  // of all its cores together, lately
    std::uint64_t memory_used = 0;
    std::uint64_t memory_total = 0;
    std::uint64_t disk_used = 0;  // of the file system that the worker's working folder is on
    std::uint64_t disk_total = 0;
    std::uint64_t process_resident = 0;  // octets of the worker's own process
    std::vector<GpuView> gpus;

    using Fields = FieldList<Field<0, &Resources::cpu_permille>, Field<1, &Resources::memory_used>,
                             Field<2, &Resources::memory_total>, Field<3, &Resources::disk_used>,
                             Field<4, &Resources::disk_total>,
                             Field<5, &Resources::process_resident>, Field<6, &Resources::gpus>>;
    friend bool operator==(const Resources&, const Resources&) = default;
};

// ---- the conversation itself ----

struct Hello {
    static constexpr std::uint8_t type = 2;

    Role role = Role::client;
    std::string_view name;  // of a worker: how people see it
    std::uint8_t major_min = 1;
    std::uint8_t major_max = 1;
    std::uint64_t epoch_seen = 0;          // the highest boot epoch this peer has met
    std::uint64_t session_previous = 0;    // which this hello replaces
    std::vector<std::string_view> kinds;   // of a worker: what it can run
    std::vector<std::string_view> queues;  // of a worker: from which queues; empty: all
    std::uint32_t slots = 0;               // of a worker
    std::uint32_t credit = 0;              // of a worker
    std::vector<LeaseRef> held;            // of a worker: the leases it still holds, oldest first
    std::string_view host;
    std::uint32_t process = 0;
    // Random, made once by each run of a peer: a later hello of the same run replaces all before.
    std::uint64_t instance = 0;

    using Fields =
        FieldList<Field<0, &Hello::role>, Field<1, &Hello::name>,
                  Field<2, &Hello::major_min, Presence::required>,
                  Field<3, &Hello::major_max, Presence::required>, Field<4, &Hello::epoch_seen>,
                  Field<5, &Hello::session_previous>, Field<6, &Hello::kinds>,
                  Field<7, &Hello::queues>, Field<8, &Hello::slots>, Field<9, &Hello::credit>,
                  Field<10, &Hello::held>, Field<11, &Hello::host>, Field<12, &Hello::process>,
                  Field<13, &Hello::instance>>;
    friend bool operator==(const Hello&, const Hello&) = default;
};

struct LimitsView {
    std::uint64_t payload_octets_max = 0;
    std::uint64_t result_octets_max = 0;
    std::uint64_t body_octets_max = 0;
    std::uint64_t batch_items_max = 0;
    std::uint64_t inline_octets_max = 0;
    std::uint64_t payload_frames_max = 0;
    std::uint64_t message_octets_max = 0;

    using Fields =
        FieldList<Field<0, &LimitsView::payload_octets_max>,
                  Field<1, &LimitsView::result_octets_max>, Field<2, &LimitsView::body_octets_max>,
                  Field<3, &LimitsView::batch_items_max>, Field<4, &LimitsView::inline_octets_max>,
                  Field<5, &LimitsView::payload_frames_max>,
                  Field<6, &LimitsView::message_octets_max>>;
    friend bool operator==(const LimitsView&, const LimitsView&) = default;
};

// The new session's number is in the header.
struct Welcome {
    static constexpr std::uint8_t type = 3;

    std::uint64_t epoch = 0;         // the broker's boot epoch
    std::uint64_t time = 0;          // the broker's wall clock
    std::uint64_t heartbeat_ms = 0;  // send a ping when this long silent
    std::uint64_t liveness_ms = 0;   // a peer silent this long is lost
    LimitsView limits;
    std::vector<std::uint64_t> held_ms;  // per held lease of the hello: time left, 0: over
    std::uint32_t credit_max = 0;        // of a worker: more is not given

    using Fields = FieldList<Field<0, &Welcome::epoch, Presence::required>,
                             Field<1, &Welcome::time>, Field<2, &Welcome::heartbeat_ms>,
                             Field<3, &Welcome::liveness_ms>, Field<4, &Welcome::limits>,
                             Field<5, &Welcome::held_ms>, Field<6, &Welcome::credit_max>>;
    friend bool operator==(const Welcome&, const Welcome&) = default;
};

struct Ping {
    static constexpr std::uint8_t type = 4;

    std::optional<Resources> resources;  // of a worker: its machine's

    using Fields = FieldList<Field<0, &Ping::resources>>;
    friend bool operator==(const Ping&, const Ping&) = default;
};

struct Pong {
    static constexpr std::uint8_t type = 5;

    std::uint64_t outcomes = 0;  // the sequence of the latest `outcomes` of this session

    using Fields = FieldList<Field<0, &Pong::outcomes>>;
    friend bool operator==(const Pong&, const Pong&) = default;
};

// The sender leaves. From a worker: what it still holds goes back, unfinished.
struct Bye {
    static constexpr std::uint8_t type = 6;

    std::string_view reason;

    using Fields = FieldList<Field<0, &Bye::reason>>;
    friend bool operator==(const Bye&, const Bye&) = default;
};

// Answers any message that could not be dealt with as a whole; it had no effect.
struct ErrorAnswer {
    static constexpr std::uint8_t type = 1;

    std::uint16_t code = 0;  // a Refusal
    std::string_view name;   // the same as text
    std::string_view text;   // for people
    bool retryable = false;
    std::uint64_t retry_after_ms = 0;
    std::uint64_t epoch = 0;  // the broker's

    using Fields =
        FieldList<Field<0, &ErrorAnswer::code, Presence::required>, Field<1, &ErrorAnswer::name>,
                  Field<2, &ErrorAnswer::text>, Field<3, &ErrorAnswer::retryable>,
                  Field<4, &ErrorAnswer::retry_after_ms>, Field<5, &ErrorAnswer::epoch>>;
    friend bool operator==(const ErrorAnswer&, const ErrorAnswer&) = default;
};

// ---- clients: tasks ----

struct SubmitItem {
    TaskId id;
    std::string_view kind;
    Octets payload;
    ContentType content_type = ContentType::octets;
    std::string_view queue;  // empty: "default"
    std::uint8_t priority = 0;
    std::uint64_t delay_ms = 0;
    std::uint64_t not_before = 0;
    std::uint64_t deadline = 0;
    std::uint32_t attempts_max = 0;  // 0: the queue's
    std::uint64_t run_max_ms = 0;    // 0: the queue's
    std::uint64_t deadline_in_ms = 0;

    using Fields =
        FieldList<Field<0, &SubmitItem::id, Presence::required>,
                  Field<1, &SubmitItem::kind, Presence::required>, Field<2, &SubmitItem::payload>,
                  Field<3, &SubmitItem::content_type>, Field<4, &SubmitItem::queue>,
                  Field<5, &SubmitItem::priority>, Field<6, &SubmitItem::delay_ms>,
                  Field<7, &SubmitItem::not_before>, Field<8, &SubmitItem::deadline>,
                  Field<9, &SubmitItem::attempts_max>, Field<10, &SubmitItem::run_max_ms>,
                  Field<11, &SubmitItem::deadline_in_ms>>;
    friend bool operator==(const SubmitItem&, const SubmitItem&) = default;
};

struct Submit {
    static constexpr std::uint8_t type = 16;

    std::vector<SubmitItem> items;
    bool wait = false;  // also tell this session the outcome of each accepted task

    using Fields = FieldList<Field<0, &Submit::items, Presence::required>, Field<1, &Submit::wait>>;
    friend bool operator==(const Submit&, const Submit&) = default;
};

enum class SubmitStatus : std::uint8_t { created = 0, exists = 1, refused = 2 };

struct SubmitStatusItem {
    SubmitStatus status = SubmitStatus::created;
    std::uint64_t number = 0;
    Problem problem;  // of a refused item

    using Fields =
        FieldList<Field<0, &SubmitStatusItem::status>, Field<1, &SubmitStatusItem::number>,
                  Field<2, &SubmitStatusItem::problem>>;
    friend bool operator==(const SubmitStatusItem&, const SubmitStatusItem&) = default;
};

struct SubmitAnswer {
    static constexpr std::uint8_t type = 17;

    std::vector<SubmitStatusItem> items;  // in the order of the request

    using Fields = FieldList<Field<0, &SubmitAnswer::items, Presence::required>>;
    friend bool operator==(const SubmitAnswer&, const SubmitAnswer&) = default;
};

struct Query {
    static constexpr std::uint8_t type = 18;

    std::vector<TaskRef> tasks;
    bool with_payload = false;
    bool with_result = false;

    using Fields = FieldList<Field<0, &Query::tasks, Presence::required>,
                             Field<1, &Query::with_payload>, Field<2, &Query::with_result>>;
    friend bool operator==(const Query&, const Query&) = default;
};

struct QueryItem {
    Problem problem;  // unknown_task: there is no `task`
    std::optional<TaskView> task;
    Octets payload;
    ContentType payload_type = ContentType::octets;
    Octets result;
    ContentType result_type = ContentType::octets;

    using Fields = FieldList<Field<0, &QueryItem::problem>, Field<1, &QueryItem::task>,
                             Field<2, &QueryItem::payload>, Field<3, &QueryItem::payload_type>,
                             Field<4, &QueryItem::result>, Field<5, &QueryItem::result_type>>;
    friend bool operator==(const QueryItem&, const QueryItem&) = default;
};

struct QueryAnswer {
    static constexpr std::uint8_t type = 19;

    std::vector<QueryItem> items;  // in the order of the request; may be fewer if over the limits

    using Fields = FieldList<Field<0, &QueryAnswer::items, Presence::required>>;
    friend bool operator==(const QueryAnswer&, const QueryAnswer&) = default;
};

struct Wait {
    static constexpr std::uint8_t type = 20;

    std::vector<TaskRef> tasks;

    using Fields = FieldList<Field<0, &Wait::tasks, Presence::required>>;
    friend bool operator==(const Wait&, const Wait&) = default;
};

// The task this item stands for, so that a waiter by number learns the id that the outcome names.
struct WaitItem {
    Problem problem;
    std::uint64_t number = 0;
    TaskId id;

    using Fields = FieldList<Field<0, &WaitItem::problem>, Field<1, &WaitItem::number>,
                             Field<2, &WaitItem::id>>;
    friend bool operator==(const WaitItem&, const WaitItem&) = default;
};

// Every item without a problem is followed by its outcome, at once if the task has ended.
struct WaitAnswer {
    static constexpr std::uint8_t type = 21;

    std::vector<WaitItem> items;  // in the order of the request

    using Fields = FieldList<Field<0, &WaitAnswer::items, Presence::required>>;
    friend bool operator==(const WaitAnswer&, const WaitAnswer&) = default;
};

struct OutcomeItem {
    TaskId id;
    std::uint64_t number = 0;
    TaskState state = TaskState::scheduled;
    Octets result;
    ContentType content_type = ContentType::octets;
    std::optional<Failure> error;
    std::uint64_t fence = 0;

    using Fields =
        FieldList<Field<0, &OutcomeItem::id, Presence::required>, Field<1, &OutcomeItem::number>,
                  Field<2, &OutcomeItem::state, Presence::required>, Field<3, &OutcomeItem::result>,
                  Field<4, &OutcomeItem::content_type>, Field<5, &OutcomeItem::error>,
                  Field<6, &OutcomeItem::fence>>;
    friend bool operator==(const OutcomeItem&, const OutcomeItem&) = default;
};

// Unsolicited, to a session that waits.
struct Outcomes {
    static constexpr std::uint8_t type = 22;

    std::vector<OutcomeItem> items;
    std::uint64_t sequence = 0;  // 1 for the first of its session, and so on without gaps

    using Fields =
        FieldList<Field<0, &Outcomes::items, Presence::required>, Field<1, &Outcomes::sequence>>;
    friend bool operator==(const Outcomes&, const Outcomes&) = default;
};

// Either `tasks`, or with `bulk` whatever the filter matches.
struct Cancel {
    static constexpr std::uint8_t type = 24;

    std::vector<TaskRef> tasks;
    TaskFilter filter;
    bool bulk = false;
    std::uint64_t cursor = 0;  // bulk: only numbers below; 0: from the newest

    using Fields = FieldList<Field<0, &Cancel::tasks>, Field<1, &Cancel::filter>,
                             Field<2, &Cancel::bulk>, Field<3, &Cancel::cursor>>;
    friend bool operator==(const Cancel&, const Cancel&) = default;
};

struct CancelAnswer {
    static constexpr std::uint8_t type = 25;

    std::vector<Problem> items;  // of `tasks`, in order; code 0: done
    std::uint64_t matched = 0;   // bulk
    std::uint64_t changed = 0;   // bulk
    std::uint64_t cursor = 0;    // bulk: go on from here; 0: all have been visited

    using Fields = FieldList<Field<0, &CancelAnswer::items>, Field<1, &CancelAnswer::matched>,
                             Field<2, &CancelAnswer::changed>, Field<3, &CancelAnswer::cursor>>;
    friend bool operator==(const CancelAnswer&, const CancelAnswer&) = default;
};

struct Retry {
    static constexpr std::uint8_t type = 26;

    std::vector<TaskRef> tasks;
    TaskFilter filter;
    bool bulk = false;
    std::uint64_t cursor = 0;  // bulk: only numbers below; 0: from the newest

    using Fields = FieldList<Field<0, &Retry::tasks>, Field<1, &Retry::filter>,
                             Field<2, &Retry::bulk>, Field<3, &Retry::cursor>>;
    friend bool operator==(const Retry&, const Retry&) = default;
};

struct RetryAnswer {
    static constexpr std::uint8_t type = 27;

    std::vector<Problem> items;
    std::uint64_t matched = 0;
    std::uint64_t changed = 0;
    std::uint64_t cursor = 0;

    using Fields = FieldList<Field<0, &RetryAnswer::items>, Field<1, &RetryAnswer::matched>,
                             Field<2, &RetryAnswer::changed>, Field<3, &RetryAnswer::cursor>>;
    friend bool operator==(const RetryAnswer&, const RetryAnswer&) = default;
};

// Newest first.
struct List {
    static constexpr std::uint8_t type = 28;

    TaskFilter filter;
    std::uint64_t cursor = 0;  // only numbers below; 0: from the newest
    std::uint32_t limit = 0;   // 0: the broker's
    bool count_only = false;

    using Fields = FieldList<Field<0, &List::filter>, Field<1, &List::cursor>,
                             Field<2, &List::limit>, Field<3, &List::count_only>>;
    friend bool operator==(const List&, const List&) = default;
};

struct ListAnswer {
    static constexpr std::uint8_t type = 29;

    std::vector<TaskView> items;
    std::uint64_t cursor = 0;   // for the next page; 0: this was the last
    std::uint64_t matched = 0;  // in this page

    using Fields = FieldList<Field<0, &ListAnswer::items>, Field<1, &ListAnswer::cursor>,
                             Field<2, &ListAnswer::matched>>;
    friend bool operator==(const ListAnswer&, const ListAnswer&) = default;
};

// ---- workers ----

struct Credit {
    static constexpr std::uint8_t type = 32;

    std::uint32_t credit = 0;  // absolute, never below the slots

    using Fields = FieldList<Field<0, &Credit::credit, Presence::required>>;
    friend bool operator==(const Credit&, const Credit&) = default;
};

struct AssignItem {
    TaskId id;
    std::uint64_t fence = 0;
    std::uint64_t number = 0;
    std::string_view kind;
    std::string_view queue;
    Octets payload;
    ContentType content_type = ContentType::octets;
    std::uint32_t attempt = 0;   // how many have been started, with this one
    std::uint64_t lease_ms = 0;  // from when this was sent
    std::uint64_t run_max_ms = 0;
    std::uint64_t deadline = 0;  // 0: none

    using Fields =
        FieldList<Field<0, &AssignItem::id, Presence::required>,
                  Field<1, &AssignItem::fence, Presence::required>, Field<2, &AssignItem::number>,
                  Field<3, &AssignItem::kind>, Field<4, &AssignItem::queue>,
                  Field<5, &AssignItem::payload>, Field<6, &AssignItem::content_type>,
                  Field<7, &AssignItem::attempt>, Field<8, &AssignItem::lease_ms>,
                  Field<9, &AssignItem::run_max_ms>, Field<10, &AssignItem::deadline>>;
    friend bool operator==(const AssignItem&, const AssignItem&) = default;
};

struct Assign {
    static constexpr std::uint8_t type = 34;

    std::vector<AssignItem> items;  // in the order in which to start them

    using Fields = FieldList<Field<0, &Assign::items, Presence::required>>;
    friend bool operator==(const Assign&, const Assign&) = default;
};

struct Extend {
    static constexpr std::uint8_t type = 36;

    std::vector<LeaseRef> leases;

    using Fields = FieldList<Field<0, &Extend::leases, Presence::required>>;
    friend bool operator==(const Extend&, const Extend&) = default;
};

struct ExtendAnswer {
    static constexpr std::uint8_t type = 37;

    std::vector<std::uint64_t> lease_ms;  // in order, counted from the request; 0: over, stop it

    using Fields = FieldList<Field<0, &ExtendAnswer::lease_ms, Presence::required>>;
    friend bool operator==(const ExtendAnswer&, const ExtendAnswer&) = default;
};

struct DoneItem {
    TaskId id;
    std::uint64_t fence = 0;
    Octets result;
    ContentType content_type = ContentType::octets;
    std::uint64_t run_us = 0;  // how long the handler ran, microseconds

    using Fields =
        FieldList<Field<0, &DoneItem::id, Presence::required>,
                  Field<1, &DoneItem::fence, Presence::required>, Field<2, &DoneItem::result>,
                  Field<3, &DoneItem::content_type>, Field<4, &DoneItem::run_us>>;
    friend bool operator==(const DoneItem&, const DoneItem&) = default;
};

struct Done {
    static constexpr std::uint8_t type = 38;

    std::vector<DoneItem> items;

    using Fields = FieldList<Field<0, &Done::items, Presence::required>>;
    friend bool operator==(const Done&, const Done&) = default;
};

enum class FinishStatus : std::uint8_t {
    accepted = 0,
    repeat = 1,   // the same had been accepted before
    stale = 2,    // the lease is over: no effect
    unknown = 3,  // the broker does not know this task: no effect
};

struct DoneAnswer {
    static constexpr std::uint8_t type = 39;

    std::vector<FinishStatus> statuses;  // in order

    using Fields = FieldList<Field<0, &DoneAnswer::statuses, Presence::required>>;
    friend bool operator==(const DoneAnswer&, const DoneAnswer&) = default;
};

struct FailItem {
    TaskId id;
    std::uint64_t fence = 0;
    Failure error;
    bool useless = false;  // a retry cannot help
    std::uint64_t run_us = 0;

    using Fields =
        FieldList<Field<0, &FailItem::id, Presence::required>,
                  Field<1, &FailItem::fence, Presence::required>, Field<2, &FailItem::error>,
                  Field<3, &FailItem::useless>, Field<4, &FailItem::run_us>>;
    friend bool operator==(const FailItem&, const FailItem&) = default;
};

struct Fail {
    static constexpr std::uint8_t type = 40;

    std::vector<FailItem> items;

    using Fields = FieldList<Field<0, &Fail::items, Presence::required>>;
    friend bool operator==(const Fail&, const Fail&) = default;
};

struct FailAnswer {
    static constexpr std::uint8_t type = 41;

    std::vector<FinishStatus> statuses;

    using Fields = FieldList<Field<0, &FailAnswer::statuses, Presence::required>>;
    friend bool operator==(const FailAnswer&, const FailAnswer&) = default;
};

// Gives leases back unfinished: never started, or stopped after a revoke.
struct Release {
    static constexpr std::uint8_t type = 42;

    std::vector<LeaseRef> leases;
    bool started = false;  // they had been started: each costs an attempt

    using Fields =
        FieldList<Field<0, &Release::leases, Presence::required>, Field<1, &Release::started>>;
    friend bool operator==(const Release&, const Release&) = default;
};

struct ReleaseAnswer {
    static constexpr std::uint8_t type = 43;

    std::vector<FinishStatus> statuses;

    using Fields = FieldList<Field<0, &ReleaseAnswer::statuses, Presence::required>>;
    friend bool operator==(const ReleaseAnswer&, const ReleaseAnswer&) = default;
};

// Asks for leases back if not started; the worker releases those, and only those.
struct Recall {
    static constexpr std::uint8_t type = 44;

    std::vector<LeaseRef> leases;

    using Fields = FieldList<Field<0, &Recall::leases, Presence::required>>;
    friend bool operator==(const Recall&, const Recall&) = default;
};

// These leases are over: stop the handlers. Room comes back when the worker answers each with a
// release (or a late done or fail, which is stale).
struct Revoke {
    static constexpr std::uint8_t type = 46;

    std::vector<LeaseRef> leases;

    using Fields = FieldList<Field<0, &Revoke::leases, Presence::required>>;
    friend bool operator==(const Revoke&, const Revoke&) = default;
};

// ---- operators and watchers ----

struct QueueSettings {
    std::optional<std::uint64_t> lease_ms;
    std::optional<std::uint64_t> run_max_ms;
    std::optional<std::uint32_t> attempts_max;
    std::optional<std::uint64_t> pause_first_ms;  // before the first retry, then doubling
    std::optional<std::uint64_t> pause_max_ms;
    std::optional<std::uint64_t> retention_ms;
    std::optional<std::uint64_t> tasks_max;  // unfinished ones; 0: no limit

    using Fields =
        FieldList<Field<0, &QueueSettings::lease_ms>, Field<1, &QueueSettings::run_max_ms>,
                  Field<2, &QueueSettings::attempts_max>, Field<3, &QueueSettings::pause_first_ms>,
                  Field<4, &QueueSettings::pause_max_ms>, Field<5, &QueueSettings::retention_ms>,
                  Field<6, &QueueSettings::tasks_max>>;
    friend bool operator==(const QueueSettings&, const QueueSettings&) = default;
};

struct QueueView {
    std::string_view name;
    bool paused = false;
    std::vector<std::uint64_t> tasks;  // now, by TaskState
    std::uint64_t oldest_wait_ms = 0;  // how long the head of the queue has been ready
    std::uint64_t created = 0;         // since the broker started, as are the next two
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;   // attempts
    std::uint64_t removed = 0;  // by retention
    QueueSettings settings;

    using Fields = FieldList<Field<0, &QueueView::name>, Field<1, &QueueView::paused>,
                             Field<2, &QueueView::tasks>, Field<3, &QueueView::oldest_wait_ms>,
                             Field<4, &QueueView::created>, Field<5, &QueueView::succeeded>,
                             Field<6, &QueueView::failed>, Field<7, &QueueView::removed>,
                             Field<8, &QueueView::settings>>;
    friend bool operator==(const QueueView&, const QueueView&) = default;
};

// In the order of their names.
struct Queues {
    static constexpr std::uint8_t type = 48;

    std::string_view after;  // only names behind this one; empty: from the first
    std::string_view only;   // just this queue; unknown_queue if there is none

    using Fields = FieldList<Field<0, &Queues::after>, Field<1, &Queues::only>>;
    friend bool operator==(const Queues&, const Queues&) = default;
};

struct QueuesAnswer {
    static constexpr std::uint8_t type = 49;

    std::vector<QueueView> items;
    bool more = false;

    using Fields = FieldList<Field<0, &QueuesAnswer::items>, Field<1, &QueuesAnswer::more>>;
    friend bool operator==(const QueuesAnswer&, const QueuesAnswer&) = default;
};

// Makes the queue if there is none. Settings that are absent stay as they are.
struct QueueSet {
    static constexpr std::uint8_t type = 50;

    std::string_view name;
    QueueSettings settings;

    using Fields =
        FieldList<Field<0, &QueueSet::name, Presence::required>, Field<1, &QueueSet::settings>>;
    friend bool operator==(const QueueSet&, const QueueSet&) = default;
};

struct QueueSetAnswer {
    static constexpr std::uint8_t type = 51;

    Problem problem;

    using Fields = FieldList<Field<0, &QueueSetAnswer::problem>>;
    friend bool operator==(const QueueSetAnswer&, const QueueSetAnswer&) = default;
};

struct Pause {
    static constexpr std::uint8_t type = 52;

    std::vector<std::string_view> queues;

    using Fields = FieldList<Field<0, &Pause::queues, Presence::required>>;
    friend bool operator==(const Pause&, const Pause&) = default;
};

struct PauseAnswer {
    static constexpr std::uint8_t type = 53;

    std::vector<Problem> items;

    using Fields = FieldList<Field<0, &PauseAnswer::items>>;
    friend bool operator==(const PauseAnswer&, const PauseAnswer&) = default;
};

struct Resume {
    static constexpr std::uint8_t type = 54;

    std::vector<std::string_view> queues;

    using Fields = FieldList<Field<0, &Resume::queues, Presence::required>>;
    friend bool operator==(const Resume&, const Resume&) = default;
};

struct ResumeAnswer {
    static constexpr std::uint8_t type = 55;

    std::vector<Problem> items;

    using Fields = FieldList<Field<0, &ResumeAnswer::items>>;
    friend bool operator==(const ResumeAnswer&, const ResumeAnswer&) = default;
};

// An attempt that has ended, as the session of its worker saw it.
struct RecentAttempt {
    std::uint64_t number = 0;
    std::string_view kind;
    std::uint64_t started_at = 0;
    std::uint64_t run_us = 0;                // of the handler, as the worker measured it
    TaskState state = TaskState::scheduled;  // of the task, after it

    using Fields = FieldList<Field<0, &RecentAttempt::number>, Field<1, &RecentAttempt::kind>,
                             Field<2, &RecentAttempt::started_at>, Field<3, &RecentAttempt::run_us>,
                             Field<4, &RecentAttempt::state>>;
    friend bool operator==(const RecentAttempt&, const RecentAttempt&) = default;
};

struct WorkerView {
    std::uint64_t session = 0;
    std::string_view name;
    std::string_view host;
    std::uint32_t process = 0;
    std::vector<std::string_view> kinds;
    std::vector<std::string_view> queues;
    std::uint32_t slots = 0;
    std::uint32_t credit = 0;
    std::uint32_t held = 0;  // tasks it has, running or waiting
    bool draining = false;
    std::uint64_t since = 0;
    std::uint64_t silent_ms = 0;  // since it was last heard
    std::uint64_t succeeded = 0;  // in this session
    std::uint64_t failed = 0;
    std::vector<std::uint64_t> tasks;    // numbers of the oldest it has, at most its slots
    std::optional<Resources> resources;  // of its latest ping that had them
    std::vector<RecentAttempt> recent;   // if asked for: newest first, at most recent_attempts_max

    using Fields = FieldList<
        Field<0, &WorkerView::session>, Field<1, &WorkerView::name>, Field<2, &WorkerView::host>,
        Field<3, &WorkerView::process>, Field<4, &WorkerView::kinds>, Field<5, &WorkerView::queues>,
        Field<6, &WorkerView::slots>, Field<7, &WorkerView::credit>, Field<8, &WorkerView::held>,
        Field<9, &WorkerView::draining>, Field<10, &WorkerView::since>,
        Field<11, &WorkerView::silent_ms>, Field<12, &WorkerView::succeeded>,
        Field<13, &WorkerView::failed>, Field<14, &WorkerView::tasks>,
        Field<15, &WorkerView::resources>, Field<16, &WorkerView::recent>>;
    friend bool operator==(const WorkerView&, const WorkerView&) = default;
};

// In the order of their sessions' arrival.
struct Workers {
    static constexpr std::uint8_t type = 56;

    std::uint64_t cursor = 0;
    bool with_recent = false;

    using Fields = FieldList<Field<0, &Workers::cursor>, Field<1, &Workers::with_recent>>;
    friend bool operator==(const Workers&, const Workers&) = default;
};

struct WorkersAnswer {
    static constexpr std::uint8_t type = 57;

    std::vector<WorkerView> items;
    std::uint64_t cursor = 0;  // for the next page; 0: this was the last

    using Fields = FieldList<Field<0, &WorkersAnswer::items>, Field<1, &WorkersAnswer::cursor>>;
    friend bool operator==(const WorkersAnswer&, const WorkersAnswer&) = default;
};

// From a client: these workers (names) finish what runs and leave. To a worker: do so.
struct Drain {
    static constexpr std::uint8_t type = 58;

    std::vector<std::string_view> workers;

    using Fields = FieldList<Field<0, &Drain::workers>>;
    friend bool operator==(const Drain&, const Drain&) = default;
};

struct DrainAnswer {
    static constexpr std::uint8_t type = 59;

    std::vector<Problem> items;

    using Fields = FieldList<Field<0, &DrainAnswer::items>>;
    friend bool operator==(const DrainAnswer&, const DrainAnswer&) = default;
};

// Totals since the broker started.
struct Totals {
    std::uint64_t submitted = 0;  // accepted tasks
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;  // attempts
    std::uint64_t dead = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t expired = 0;
    std::uint64_t retried = 0;   // dead tasks, by an operator
    std::uint64_t removed = 0;   // final tasks, by retention
    std::uint64_t assigned = 0;  // leases given
    std::uint64_t returned = 0;  // leases that ended without an outcome
    std::uint64_t stale = 0;     // outcomes refused because the lease was over
    std::uint64_t workers_lost = 0;
    std::uint64_t refused = 0;    // requests and items
    std::uint64_t malformed = 0;  // messages

    using Fields = FieldList<
        Field<0, &Totals::submitted>, Field<1, &Totals::succeeded>, Field<2, &Totals::failed>,
        Field<3, &Totals::dead>, Field<4, &Totals::cancelled>, Field<5, &Totals::expired>,
        Field<6, &Totals::retried>, Field<7, &Totals::removed>, Field<8, &Totals::assigned>,
        Field<9, &Totals::returned>, Field<10, &Totals::stale>, Field<11, &Totals::workers_lost>,
        Field<12, &Totals::refused>, Field<13, &Totals::malformed>>;
    friend bool operator==(const Totals&, const Totals&) = default;
};

// What is now.
struct Sizes {
    std::vector<std::uint64_t> tasks;  // by TaskState
    std::uint32_t workers = 0;
    std::uint32_t slots = 0;
    std::uint32_t slots_busy = 0;
    std::uint32_t sessions = 0;
    std::uint64_t task_octets = 0;  // payloads and results held

    using Fields = FieldList<Field<0, &Sizes::tasks>, Field<1, &Sizes::workers>,
                             Field<2, &Sizes::slots>, Field<3, &Sizes::slots_busy>,
                             Field<4, &Sizes::sessions>, Field<5, &Sizes::task_octets>>;
    friend bool operator==(const Sizes&, const Sizes&) = default;
};

// One queue and kind. Counts and histograms only grow while the broker runs, so that a reader gets
// any interval by subtraction. Histograms are sparse: bucket, count, bucket, count …
struct LaneView {
    std::string_view queue;
    std::string_view kind;
    std::uint64_t ready = 0;   // now
    std::uint64_t leased = 0;  // now
    std::uint64_t created = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::vector<std::uint64_t> wait_us;  // from ready to assigned
    std::vector<std::uint64_t> run_us;   // of the handler, as the worker measured it

    using Fields =
        FieldList<Field<0, &LaneView::queue>, Field<1, &LaneView::kind>, Field<2, &LaneView::ready>,
                  Field<3, &LaneView::leased>, Field<4, &LaneView::created>,
                  Field<5, &LaneView::succeeded>, Field<6, &LaneView::failed>,
                  Field<7, &LaneView::wait_us>, Field<8, &LaneView::run_us>>;
    friend bool operator==(const LaneView&, const LaneView&) = default;
};

// The number of the latest update of a queue.
struct QueueSequence {
    std::string_view queue;
    std::uint64_t sequence = 0;

    using Fields = FieldList<Field<0, &QueueSequence::queue>, Field<1, &QueueSequence::sequence>>;
    friend bool operator==(const QueueSequence&, const QueueSequence&) = default;
};

// What the broker itself uses, in octets. 0: not known.
struct BrokerResources {
    std::uint64_t resident_octets = 0;
    std::uint32_t cpu_permille = 0;    // of one core, lately
    std::uint64_t journal_octets = 0;  // the segments in its folder
    std::uint64_t disk_free = 0;       // of the file system of the data folder, as is the next
    std::uint64_t disk_total = 0;
    std::uint64_t memory_octets_max = 0;  // what its tasks may take
    bool is_read_only = false;            // it accepts no tasks now

    using Fields = FieldList<
        Field<0, &BrokerResources::resident_octets>, Field<1, &BrokerResources::cpu_permille>,
        Field<2, &BrokerResources::journal_octets>, Field<3, &BrokerResources::disk_free>,
        Field<4, &BrokerResources::disk_total>, Field<5, &BrokerResources::memory_octets_max>,
        Field<6, &BrokerResources::is_read_only>>;
    friend bool operator==(const BrokerResources&, const BrokerResources&) = default;
};

// The figures: the answer to `stats`, the body of the topic `stat.`, and a part of a snapshot.
// On `stat.`, lanes and sequences are those that changed since the one before.
struct Figures {
    std::uint64_t epoch = 0;
    std::uint64_t time = 0;
    std::uint64_t uptime_ms = 0;
    Totals totals;
    Sizes sizes;
    std::vector<LaneView> lanes;
    std::vector<QueueSequence> sequences;
    std::uint64_t step_max_us = 0;
    std::optional<BrokerResources> resources;

    using Fields = FieldList<Field<0, &Figures::epoch>, Field<1, &Figures::time>,
                             Field<2, &Figures::uptime_ms>, Field<3, &Figures::totals>,
                             Field<4, &Figures::sizes>, Field<5, &Figures::lanes>,
                             Field<6, &Figures::sequences>, Field<7, &Figures::step_max_us>,
                             Field<8, &Figures::resources>>;
    friend bool operator==(const Figures&, const Figures&) = default;
};

struct Stats {
    static constexpr std::uint8_t type = 60;
    using Fields = FieldList<>;
    friend bool operator==(const Stats&, const Stats&) = default;
};

struct StatsAnswer {
    static constexpr std::uint8_t type = 61;

    Figures figures;

    using Fields = FieldList<Field<0, &StatsAnswer::figures, Presence::required>>;
    friend bool operator==(const StatsAnswer&, const StatsAnswer&) = default;
};

// Where a watcher starts: all figures, and the leases there are.
struct Snapshot {
    static constexpr std::uint8_t type = 62;
    using Fields = FieldList<>;
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

struct SnapshotAnswer {
    static constexpr std::uint8_t type = 63;

    Figures figures;
    std::vector<TaskView> leased;  // at most list_items_max
    bool more = false;             // there are more leases than that

    using Fields = FieldList<Field<0, &SnapshotAnswer::figures, Presence::required>,
                             Field<1, &SnapshotAnswer::leased>, Field<2, &SnapshotAnswer::more>>;
    friend bool operator==(const SnapshotAnswer&, const SnapshotAnswer&) = default;
};

// ---- backups ----

// A segment of the broker's journal, and how much of it there is to be read.
struct SegmentView {
    std::uint32_t segment = 0;
    std::uint64_t octets = 0;

    using Fields = FieldList<Field<0, &SegmentView::segment, Presence::required>,
                             Field<1, &SegmentView::octets, Presence::required>>;
    friend bool operator==(const SegmentView&, const SegmentView&) = default;
};

// Begins one: what is durable now stays readable until it ends.
struct Backup {
    static constexpr std::uint8_t type = 64;
    using Fields = FieldList<>;
    friend bool operator==(const Backup&, const Backup&) = default;
};

struct BackupAnswer {
    static constexpr std::uint8_t type = 65;

    std::uint64_t backup = 0;  // its number, random
    std::uint64_t epoch = 0;   // the broker's boot epoch
    std::vector<SegmentView> segments;

    using Fields = FieldList<Field<0, &BackupAnswer::backup, Presence::required>,
                             Field<1, &BackupAnswer::epoch, Presence::required>,
                             Field<2, &BackupAnswer::segments, Presence::required>>;
    friend bool operator==(const BackupAnswer&, const BackupAnswer&) = default;
};

struct BackupRead {
    static constexpr std::uint8_t type = 66;

    std::uint64_t backup = 0;
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;  // 1 to backup_piece_octets_max

    using Fields =
        FieldList<Field<0, &BackupRead::backup, Presence::required>,
                  Field<1, &BackupRead::segment, Presence::required>, Field<2, &BackupRead::offset>,
                  Field<3, &BackupRead::octets, Presence::required>>;
    friend bool operator==(const BackupRead&, const BackupRead&) = default;
};

struct BackupReadAnswer {
    static constexpr std::uint8_t type = 67;

    Octets piece;  // as many octets as were asked for

    using Fields = FieldList<Field<0, &BackupReadAnswer::piece, Presence::required>>;
    friend bool operator==(const BackupReadAnswer&, const BackupReadAnswer&) = default;
};

struct BackupEnd {
    static constexpr std::uint8_t type = 68;

    std::uint64_t backup = 0;

    using Fields = FieldList<Field<0, &BackupEnd::backup, Presence::required>>;
    friend bool operator==(const BackupEnd&, const BackupEnd&) = default;
};

struct BackupEndAnswer {
    static constexpr std::uint8_t type = 69;
    using Fields = FieldList<>;
    friend bool operator==(const BackupEndAnswer&, const BackupEndAnswer&) = default;
};

// ---- updates, on the PUB socket ----

// One transition of one task. The sequence of the first in a message is in its second frame.
struct Update {
    std::uint64_t number = 0;
    TaskId id;
    std::string_view kind;
    TaskState state = TaskState::scheduled;  // after it
    std::uint32_t attempt = 0;
    std::string_view worker;
    std::string_view error_class;
    std::uint64_t duration_us = 0;  // waited when leased, ran when an attempt has ended
    std::uint32_t version = 0;
    bool removed = false;  // by retention

    using Fields =
        FieldList<Field<0, &Update::number, Presence::required>,
                  Field<1, &Update::id, Presence::required>, Field<2, &Update::kind>,
                  Field<3, &Update::state>, Field<4, &Update::attempt>, Field<5, &Update::worker>,
                  Field<6, &Update::error_class>, Field<7, &Update::duration_us>,
                  Field<8, &Update::version>, Field<9, &Update::removed>>;
    friend bool operator==(const Update&, const Update&) = default;
};

using Message =
    std::variant<ErrorAnswer, Hello, Welcome, Ping, Pong, Bye, Submit, SubmitAnswer, Query,
                 QueryAnswer, Wait, WaitAnswer, Outcomes, Cancel, CancelAnswer, Retry, RetryAnswer,
                 List, ListAnswer, Credit, Assign, Extend, ExtendAnswer, Done, DoneAnswer, Fail,
                 FailAnswer, Release, ReleaseAnswer, Recall, Revoke, Queues, QueuesAnswer, QueueSet,
                 QueueSetAnswer, Pause, PauseAnswer, Resume, ResumeAnswer, Workers, WorkersAnswer,
                 Drain, DrainAnswer, Stats, StatsAnswer, Snapshot, SnapshotAnswer, Backup,
                 BackupAnswer, BackupRead, BackupReadAnswer, BackupEnd, BackupEndAnswer>;

}  // namespace xebec::protocol

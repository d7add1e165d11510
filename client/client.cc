#include "client/connection.h"
#include "client/convert.h"
#include "client/submitter.h"
#include "client/waits.h"
#include "protocol/limits.h"
#include "runtime/clock.h"

#include <xebec/client.h>

#include <algorithm>
#include <future>
#include <utility>

namespace xebec {

using client::Connection;
using client::SubmitCall;
using client::Waits;
using std::chrono::milliseconds;

namespace {

// The answer to what was asked about one task.
template <class Answer, class Item = typename decltype(Answer::items)::value_type>
Result<Item> only_item(const Connection::Answer& packet) {
    const auto answer = client::answer_as<Answer>(packet);
    if (!answer) {
        return answer.error();
    }
    if (answer->items.size() != 1) {
        return Error{ErrorCode::corrupt, "the broker's answer is incomplete", ""};
    }
    return answer->items[0];
}

template <class Answer>
Result<void> done_or_problem(const Connection::Answer& packet) {
    const auto problem = only_item<Answer>(packet);
    if (!problem) {
        return problem.error();
    }
    return problem->code == 0 ? Result<void>() : client::error_of(*problem);
}

// A caller who waits for an outcome, or for the end of its patience. On the connection's thread.
struct OutcomeCall {
    std::promise<Result<Outcome>> promise;
    Connection::TimerId timer = 0;  // the end of patience
    bool is_done = false;
};

Error not_finished() {
    return {ErrorCode::timed_out, "the task has not ended in time", ""};
}

}  // namespace

struct Client::Impl {
    explicit Impl(ClientOptions given)
        : options(std::move(given)),
          ends_at(options.lifetime.count() > 0 ? runtime::now().steady + options.lifetime
                                               : Instant::max()),
          connection({.broker = options.broker,
                      .core = {.answer_timeout = options.answer_timeout,
                               .window = std::max<std::size_t>(options.window, 1)}},
                     {.on_notified =
                          [this](const protocol::Packet& packet) { waits->on_outcomes(packet); },
                      .on_session =
                          [this] {
                              waits->on_session();
                              submitter->on_session();
                          },
                      .on_missed = [this] { waits->on_session(); }}) {}

    // Asks with the usual patience and waits for the answer.
    Connection::Answer request(const protocol::Message& message) {
        const auto left = std::chrono::ceil<milliseconds>(ends_at - runtime::now().steady);
        return connection.request(message,
                                  std::min(std::max(left, milliseconds{1}), options.timeout));
    }

    // The broker visits a bounded number of tasks at a time: asks until all have been visited.
    template <class Request, class Answer>
    Result<BulkResult> request_bulk(const TaskFilter& filter);

    Result<Outcome> run(NewTask task, milliseconds timeout);
    Result<Outcome> wait(const TaskKey& task, milliseconds timeout);
    void finish(OutcomeCall& call, Result<Outcome> outcome);

    const ClientOptions options;
    const Instant ends_at;
    // Both are used on the connection's thread only, and nothing happens there before the first
    // call. They go after the thread has ended.
    std::unique_ptr<Waits> waits;
    std::unique_ptr<client::Submitter> submitter;
    Connection connection;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
    const ClientOptions& given = impl_->options;
    impl_->waits = std::make_unique<Waits>(impl_->connection);
    impl_->submitter = std::make_unique<client::Submitter>(
        impl_->connection, *impl_->waits,
        client::Submitter::Options{.timeout = given.timeout,
                                   .ends_at = impl_->ends_at,
                                   .window = std::max<std::size_t>(given.window, 1),
                                   .batch = std::max<std::size_t>(given.batch, 1)});
}

Client::~Client() = default;

// ---- submitting ----

Result<Submitted> Client::submit(NewTask task) {
    std::vector<NewTask> tasks;
    tasks.push_back(std::move(task));
    return std::move(submit(std::move(tasks))[0]);
}

std::vector<Result<Submitted>> Client::submit(std::vector<NewTask> tasks) {
    if (tasks.empty()) {
        return {};
    }
    struct All {
        std::vector<Result<Submitted>> answers;
        std::size_t left;
        std::promise<void> done;
    };
    const Error unanswered{ErrorCode::timed_out, "", ""};
    auto all = std::make_shared<All>(
        All{.answers = {tasks.size(), unanswered}, .left = tasks.size(), .done = {}});
    std::future<void> done = all->done.get_future();
    submit_batch(std::move(tasks),
                 {.on_submitted = [all](std::size_t index, Result<Submitted> submitted) {
                     all->answers[index] = std::move(submitted);
                     if (--all->left == 0) {
                         all->done.set_value();
                     }
                 }});
    done.get();
    return std::move(all->answers);
}

void Client::submit_batch(std::vector<NewTask> tasks, BatchEvents events) {
    auto call = std::make_shared<SubmitCall>(SubmitCall{.events = std::move(events)});
    auto kept = std::make_shared<std::vector<NewTask>>(std::move(tasks));
    impl_->connection.post(
        [impl = impl_.get(), call, kept] { impl->submitter->add(std::move(*kept), call); });
}

Result<Outcome> Client::run(NewTask task, milliseconds timeout) {
    return impl_->run(std::move(task), timeout);
}

Result<Outcome> Client::Impl::run(NewTask task, milliseconds timeout) {
    auto caller = std::make_shared<OutcomeCall>();
    std::future<Result<Outcome>> future = caller->promise.get_future();
    auto call = std::make_shared<SubmitCall>(
        SubmitCall{.events = {.on_outcome = [this, caller](std::size_t, Result<Outcome> outcome) {
                       finish(*caller, std::move(outcome));
                   }}});
    auto tasks = std::make_shared<std::vector<NewTask>>();
    tasks->push_back(std::move(task));
    connection.post([this, caller, call, tasks, timeout] {
        const Instant now = connection.now().steady;
        const Instant end = timeout.count() > 0 ? std::min(now + timeout, ends_at) : ends_at;
        if (end != Instant::max()) {
            call->deadline = std::min(now + options.timeout, end);
            caller->timer = connection.call_at(end, [this, caller, call] {
                call->is_abandoned = true;
                for (const Waits::WaitId wait : call->waits) {
                    waits->remove(wait);
                }
                finish(*caller, call->waits.empty() ? client::unanswered() : not_finished());
            });
        }
        submitter->add(std::move(*tasks), call);
    });
    return future.get();
}

void Client::Impl::finish(OutcomeCall& call, Result<Outcome> outcome) {
    if (!std::exchange(call.is_done, true)) {
        connection.cancel(call.timer);
        call.promise.set_value(std::move(outcome));
    }
}

// ---- one task ----

Result<Outcome> Client::wait(const TaskKey& task, milliseconds timeout) {
    return impl_->wait(task, timeout);
}

Result<Outcome> Client::Impl::wait(const TaskKey& task, milliseconds timeout) {
    auto caller = std::make_shared<OutcomeCall>();
    std::future<Result<Outcome>> future = caller->promise.get_future();
    connection.post([this, caller, task, timeout] {
        const Instant now = connection.now().steady;
        const Instant end = timeout.count() > 0 ? std::min(now + timeout, ends_at) : ends_at;
        const Waits::WaitId wait = waits->ask(
            task, std::min(now + options.timeout, end),
            [this, caller](Result<Outcome> outcome) { finish(*caller, std::move(outcome)); });
        if (end != Instant::max()) {
            caller->timer = connection.call_at(end, [this, caller, wait] {
                waits->remove(wait);
                finish(*caller, not_finished());
            });
        }
    });
    return future.get();
}

Result<TaskInfo> Client::query(const TaskKey& task) {
    const auto packet = impl_->request(protocol::Query{.tasks = {task}});
    const auto item = only_item<protocol::QueryAnswer>(packet);
    if (!item) {
        return item.error();
    }
    return item->task ? Result<TaskInfo>(client::info_of(*item->task))
                      : client::error_of(item->problem);
}

Result<TaskDetails> Client::details(const TaskKey& task) {
    const auto packet =
        impl_->request(protocol::Query{.tasks = {task}, .with_payload = true, .with_result = true});
    const auto item = only_item<protocol::QueryAnswer>(packet);
    if (!item) {
        return item.error();
    }
    if (!item->task || item->problem.code != 0) {  // a result that is damaged is not an empty one
        return client::error_of(item->problem);
    }
    return TaskDetails{.info = client::info_of(*item->task),
                       .payload = {std::string(item->payload.view), item->payload_type},
                       .result = {std::string(item->result.view), item->result_type}};
}

Result<void> Client::cancel(const TaskKey& task) {
    return done_or_problem<protocol::CancelAnswer>(
        impl_->request(protocol::Cancel{.tasks = {task}}));
}

Result<void> Client::retry(const TaskKey& task) {
    return done_or_problem<protocol::RetryAnswer>(impl_->request(protocol::Retry{.tasks = {task}}));
}

// ---- many tasks ----

Result<TaskPage> Client::list(const TaskFilter& filter, std::size_t limit, std::uint64_t cursor) {
    TaskPage page{.cursor = cursor};
    while (page.tasks.size() < limit) {
        const auto packet =
            impl_->request(protocol::List{.filter = client::filter_of(filter),
                                          .cursor = page.cursor,
                                          .limit = static_cast<std::uint32_t>(std::min(
                                              limit - page.tasks.size(), list_items_max))});
        const auto answer = client::answer_as<protocol::ListAnswer>(packet);
        if (!answer) {
            return answer.error();
        }
        for (const protocol::TaskView& view : answer->items) {
            page.tasks.push_back(client::info_of(view));
        }
        page.cursor = answer->cursor;
        if (page.cursor == 0) {
            break;
        }
    }
    return page;
}

Result<std::uint64_t> Client::count(const TaskFilter& filter) {
    std::uint64_t matched = 0;
    std::uint64_t cursor = 0;
    do {
        const auto packet = impl_->request(protocol::List{
            .filter = client::filter_of(filter), .cursor = cursor, .count_only = true});
        const auto answer = client::answer_as<protocol::ListAnswer>(packet);
        if (!answer) {
            return answer.error();
        }
        matched += answer->matched;
        cursor = answer->cursor;
    } while (cursor != 0);
    return matched;
}

template <class Request, class Answer>
Result<BulkResult> Client::Impl::request_bulk(const TaskFilter& filter) {
    BulkResult result;
    std::uint64_t cursor = 0;
    do {
        const auto packet =
            request(Request{.filter = client::filter_of(filter), .bulk = true, .cursor = cursor});
        const auto answer = client::answer_as<Answer>(packet);
        if (!answer) {
            return answer.error();
        }
        result.matched += answer->matched;
        result.changed += answer->changed;
        cursor = answer->cursor;
    } while (cursor != 0);
    return result;
}

Result<BulkResult> Client::cancel_all(const TaskFilter& filter) {
    return impl_->request_bulk<protocol::Cancel, protocol::CancelAnswer>(filter);
}

Result<BulkResult> Client::retry_all(const TaskFilter& filter) {
    return impl_->request_bulk<protocol::Retry, protocol::RetryAnswer>(filter);
}

}  // namespace xebec

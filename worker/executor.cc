#include "worker/executor.h"

#include "runtime/clock.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace xebec::worker {

namespace {

class Context : public TaskContext {
public:
    Context(const Assignment& assignment, std::stop_token stop)
        : assignment_(assignment), stop_(std::move(stop)) {}

    const TaskId& id() const override { return assignment_.lease.id; }
    std::uint64_t number() const override { return assignment_.number; }
    std::uint32_t attempt() const override { return assignment_.attempt; }
    std::uint64_t fence() const override { return assignment_.lease.fence; }
    std::string_view kind() const override { return assignment_.kind; }
    std::string_view queue() const override { return assignment_.queue; }
    std::string_view payload() const override { return assignment_.payload.view(); }
    ContentType content_type() const override { return assignment_.content_type; }
    std::optional<WallTime> deadline() const override { return assignment_.deadline; }
    std::stop_token stop_token() const override { return stop_; }

private:
    const Assignment& assignment_;
    std::stop_token stop_;
};

HandlerOutcome to_outcome(HandlerResult result) {
    if (auto* failure = std::get_if<Failure>(&result)) {
        return std::move(*failure);
    }
    const auto& payload = std::get<Payload>(result);
    return Success{Blob::copy_of(payload.octets), payload.type};
}

}  // namespace

Executor::Executor(std::uint32_t slots, const Handlers& handlers, runtime::Mailbox<Report>& reports)
    : handlers_(handlers), reports_(reports), slots_(slots) {
    threads_.reserve(slots);
    for (Slot& slot : slots_) {
        threads_.emplace_back([this, &slot] { work(slot); });
    }
}

Executor::~Executor() {
    std::vector<std::stop_source> running;
    {
        const std::lock_guard lock(mutex_);
        is_closing_ = true;
        line_.clear();
        for (const Slot& slot : slots_) {
            running.push_back(slot.stop);
        }
    }
    has_work_.notify_all();
    for (std::stop_source& stop : running) {
        stop.request_stop();
    }
    threads_.clear();
}

void Executor::start(AttemptKey key, Assignment assignment) {
    {
        const std::lock_guard lock(mutex_);
        line_.push_back({key, std::move(assignment)});
    }
    has_work_.notify_one();
}

bool Executor::take_back(AttemptKey key) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(line_, [key](const Waiting& one) { return one.key == key; }) > 0;
}

bool Executor::cancel(AttemptKey key) {
    if (take_back(key)) {
        return true;
    }
    std::optional<std::stop_source> stop;
    {
        const std::lock_guard lock(mutex_);
        const auto found = std::find_if(slots_.begin(), slots_.end(),
                                        [key](const Slot& slot) { return slot.key == key; });
        if (found != slots_.end()) {
            stop = found->stop;
        }
    }
    // Without the lock: this calls back into the handler's code.
    if (stop) {
        stop->request_stop();
    }
    return false;
}

void Executor::work(Slot& slot) {
    Report report;
    while (const auto attempt = next(slot, report)) {
        report.started = HandlerStarted{attempt->key, runtime::now().steady};
        reports_.put(std::exchange(report, {}));
        report.finished = run(*attempt, slot.stop);
    }
}

// Waits for an attempt; before it has to wait, it reports what was finished. Nothing: the end.
std::optional<Executor::Waiting> Executor::next(Slot& slot, Report& report) {
    std::unique_lock lock(mutex_);
    slot.key = 0;
    if (line_.empty() && report.finished) {
        lock.unlock();
        reports_.put(std::exchange(report, {}));
        lock.lock();
    }
    has_work_.wait(lock, [this] { return is_closing_ || !line_.empty(); });
    if (is_closing_) {
        return std::nullopt;
    }
    Waiting first = std::move(line_.front());
    line_.pop_front();
    slot.key = first.key;
    slot.stop = std::stop_source();
    return first;
}

HandlerFinished Executor::run(const Waiting& waiting, const std::stop_source& stop) const {
    HandlerFinished finished{.attempt = waiting.key, .outcome = Failure{}};
    const Instant begin = runtime::now().steady;
    const auto handler = handlers_.find(waiting.assignment.kind);
    if (handler == handlers_.end()) {
        finished.outcome = Failure{.error_class = "unknown_kind",
                                   .text = "this worker has no handler for the task's kind"};
        return finished;
    }
    Context context(waiting.assignment, stop.get_token());
    try {
        finished.outcome = to_outcome(handler->second(context));
    } catch (const std::exception& error) {
        finished.outcome = Failure{.error_class = "exception", .text = error.what()};
    } catch (...) {
        finished.outcome =
            Failure{.error_class = "exception", .text = "the handler threw what has no text"};
    }
    finished.was_stopped = stop.stop_requested();
    finished.run = runtime::now().steady - begin;
    return finished;
}

}  // namespace xebec::worker

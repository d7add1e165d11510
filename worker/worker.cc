#include "xebec/worker.h"

#include "protocol/envelope.h"
#include "protocol/names.h"
#include "runtime/clock.h"
#include "runtime/process.h"
#include "runtime/random.h"
#include "runtime/sockets.h"
#include "worker/core.h"
#include "worker/executor.h"
#include "worker/local_machine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

namespace xebec {

namespace worker {

namespace {

constexpr int messages_per_step = 64;
constexpr milliseconds farewell_linger{500};
constexpr Duration machine_interval = std::chrono::seconds{2};

enum class Request { drain, stop };

Error malformed(std::string text) {
    return {ErrorCode::malformed, std::move(text), ""};
}

std::optional<Error> problem_with(const WorkerOptions& options, const Handlers& handlers) {
    if (!is_worker_name(options.name)) {
        return malformed("a worker's name is 1 to 128 visible ASCII characters without spaces");
    }
    if (handlers.empty() || handlers.size() > worker_kinds_max) {
        return malformed("a worker has handlers for 1 to 256 kinds");
    }
    for (const auto& [kind, handler] : handlers) {
        if (!is_kind(kind) || !handler) {
            return malformed("\"" + escape_controls(kind) +
                             "\" is not a kind with a handler: 1 to 48 of A-Z a-z 0-9 _ . : -");
        }
    }
    if (options.queues.size() > worker_queues_max ||
        !std::all_of(options.queues.begin(), options.queues.end(), is_queue_name)) {
        return malformed("a worker names at most 256 queues, each 1 to 48 of A-Z a-z 0-9 _ -");
    }
    if (options.slots == 0 || options.slots > worker_slots_max) {
        return malformed("a worker has 1 to 4096 slots");
    }
    if (options.heartbeat <= milliseconds(0)) {
        return malformed("a heartbeat takes some time");
    }
    return std::nullopt;
}

CoreOptions to_core_options(const WorkerOptions& options, const Handlers& handlers) {
    CoreOptions core{.name = options.name,
                     .host = to_utf8(runtime::host_name(), 255),
                     .process = static_cast<std::uint32_t>(runtime::own_id()),
                     .queues = options.queues,
                     .slots = options.slots,
                     .grace = options.grace,
                     .link = {.heartbeat = options.heartbeat}};
    for (const auto& [kind, handler] : handlers) {
        core.kinds.push_back(kind);
    }
    return core;
}

// The loop around the core: one thread, one connection.
class Loop {
public:
    Loop(const WorkerOptions& options, const Handlers& handlers,
         runtime::Mailbox<Request>& requests)
        : options_(options),
          requests_(requests),
          core_(to_core_options(options, handlers), runtime::random_seed()),
          machine_(local_machine(options.gpu_program)),
          executor_(options.slots, handlers, reports_) {
        connect();
        socket_index_ = poller_.add(*socket_);
        poller_.add(reports_.descriptor());
        poller_.add(requests_.descriptor());
    }

    Result<void> run() {
        const Now now = runtime::now();
        core_.apply(WorkerStarted{}, now, effects_);
        machine_due_ = now.steady;
        perform();
        while (!core_.is_finished()) {
            poller_.wait_until(
                std::min(core_.next_deadline().value_or(machine_due_), machine_due_));
            step();
        }
        socket_->set_linger(farewell_linger);
        if (error_) {
            return *error_;
        }
        return {};
    }

private:
    void step() {
        receive();
        const Now now = runtime::now();
        for (Report& report : reports_.take()) {
            if (report.finished) {
                core_.apply(std::move(*report.finished), now, effects_);
            }
            if (report.started) {
                core_.apply(*report.started, now, effects_);
            }
        }
        for (const Request request : requests_.take()) {
            if (request == Request::drain) {
                core_.apply(DrainRequested{"asked to drain"}, now, effects_);
            } else {
                core_.apply(StopRequested{"asked to stop"}, now, effects_);
            }
        }
        look_at_machine(now);
        core_.apply(TimePassed{}, now, effects_);
        perform();
    }

    void look_at_machine(Now now) {
        if (machine_due_ <= now.steady) {
            machine_due_ = now.steady + machine_interval;
            core_.apply(MachineSeen{machine_->look(now)}, now, effects_);
        }
    }

    void receive() {
        const Now now = runtime::now();
        for (int i = 0; i < messages_per_step && socket_->receive(message_); ++i) {
            const auto envelope = protocol::parse_envelope(message_.frames());
            if (message_.is_cut() || !envelope || envelope->address_count > 0) {
                spdlog::debug("ignored what is not a message of the protocol");
                continue;
            }
            payloads_.clear();
            for (std::size_t n = 0; n < envelope->payload_count; ++n) {
                payloads_.push_back(message_.take(envelope->payload_first + n));
            }
            const auto decoded = protocol::decode(
                envelope->header, message_.frames()[envelope->body], payloads_, core_.limits());
            if (!decoded) {
                spdlog::debug("ignored a message: {}", escape_controls(decoded.error().detail));
                continue;
            }
            core_.apply(MessageReceived{envelope->header, *decoded}, now, effects_);
        }
    }

    // An attempt taken back is an event that has effects of its own.
    void perform() {
        while (!effects_.empty()) {
            Effects now_due = std::exchange(effects_, {});
            for (Effect& effect : now_due) {
                std::visit([this](auto& one) { perform(one); }, effect);
            }
        }
    }

    void perform(const Send& send) { socket_->send({}, send.packet); }
    void perform(const Reconnect&) {
        connect();
        poller_.replace(socket_index_, *socket_);
    }
    void perform(Start& start) { executor_.start(start.attempt, std::move(start.assignment)); }
    void perform(const TakeBack& take_back) {
        if (executor_.take_back(take_back.attempt)) {
            settle_taken_back(take_back.attempt);
        }
    }
    void perform(const Cancel& cancel) {
        const bool is_surprise =
            cancel.reason == StopReason::lease_ended || cancel.reason == StopReason::lease_lost;
        spdlog::log(is_surprise ? spdlog::level::warn : spdlog::level::debug,
                    "task {} is stopped: {}", cancel.number, to_string(cancel.reason));
        if (executor_.cancel(cancel.attempt)) {
            settle_taken_back(cancel.attempt);
        }
    }
    void perform(const Connected& connected) {
        spdlog::info("connected to the broker at {}, epoch {}", escape_controls(options_.broker),
                     connected.epoch);
    }
    void perform(const Disconnected& disconnected) {
        spdlog::warn("no connection to the broker at {}: {}; trying again",
                     escape_controls(options_.broker), escape_controls(disconnected.reason));
    }
    void perform(const Leaving& leaving) {
        spdlog::info("leaving with {} tasks unfinished: {}", leaving.unfinished, leaving.reason);
    }
    void perform(Finished& finished) { error_ = std::move(finished.error); }

    void settle_taken_back(AttemptKey attempt) {
        const Now now = runtime::now();
        core_.apply(HandlerTakenBack{attempt}, now, effects_);
        core_.apply(TimePassed{}, now, effects_);
    }

    void connect() {
        auto socket = std::make_unique<runtime::Socket>(context_, runtime::SocketType::dealer);
        socket->connect(options_.broker);
        socket_ = std::move(socket);
    }

    const WorkerOptions& options_;
    runtime::Mailbox<Request>& requests_;
    runtime::Context context_;
    std::unique_ptr<runtime::Socket> socket_;
    runtime::Poller poller_;
    std::size_t socket_index_ = 0;
    runtime::Multipart message_;
    std::vector<Blob> payloads_;
    Core core_;
    Effects effects_;
    std::optional<Error> error_;
    std::unique_ptr<Machine> machine_;
    Instant machine_due_{};
    runtime::Mailbox<Report> reports_;
    Executor executor_;  // last: its threads end before anything else goes
};

}  // namespace

}  // namespace worker

struct Worker::Impl {
    WorkerOptions options;
    worker::Handlers handlers;
    runtime::Mailbox<worker::Request> requests;
};

Worker::Worker(WorkerOptions options) : impl_(std::make_unique<Impl>()) {
    if (options.name.empty()) {
        options.name = runtime::host_name() + "-" + std::to_string(runtime::own_id());
    }
    impl_->options = std::move(options);
}

Worker::~Worker() = default;

void Worker::handle(std::string kind, Handler handler) {
    impl_->handlers.insert_or_assign(std::move(kind), std::move(handler));
}

Result<void> Worker::run() {
    if (auto problem = worker::problem_with(impl_->options, impl_->handlers)) {
        return *problem;
    }
    try {
        return worker::Loop(impl_->options, impl_->handlers, impl_->requests).run();
    } catch (const std::exception& error) {
        return Error{ErrorCode::unavailable, error.what(), ""};
    }
}

void Worker::drain() {
    impl_->requests.put(worker::Request::drain);
}

void Worker::stop() {
    impl_->requests.put(worker::Request::stop);
}

}  // namespace xebec

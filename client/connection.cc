#include "client/connection.h"

#include "protocol/envelope.h"
#include "runtime/clock.h"
#include "runtime/random.h"

#include <exception>
#include <future>
#include <memory>
#include <utility>

namespace xebec::client {

namespace {

constexpr int messages_per_turn = 256;
// Long enough for a goodbye to leave, short enough for a person whose broker is not there.
constexpr milliseconds linger{100};

}  // namespace

Connection::Connection(ConnectionOptions options, Events events)
    : broker_(std::move(options.broker)),
      events_(std::move(events)),
      core_(std::move(options.core), runtime::random_seed()),
      now_(runtime::now()) {
    // The socket belongs to the thread, but a wrong endpoint is the caller's to know.
    auto opened = std::make_shared<std::promise<void>>();
    std::future<void> is_open = opened->get_future();
    thread_ = std::jthread([this, opened](const std::stop_token& stop) {
        try {
            open_socket();
        } catch (...) {
            socket_.reset();
            opened->set_exception(std::current_exception());
            return;
        }
        opened->set_value();
        run(stop);
    });
    is_open.get();
}

Connection::~Connection() {
    thread_.request_stop();
    mailbox_.put([] {});
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Connection::post(Action action) {
    mailbox_.put(std::move(action));
}

Connection::Answer Connection::request(const protocol::Message& message,
                                       std::optional<milliseconds> timeout) {
    auto promise = std::make_shared<std::promise<Answer>>();
    std::future<Answer> future = promise->get_future();
    // The message borrows from the caller, who waits here until the answer is there.
    post([this, promise, &message, timeout] {
        const auto deadline = timeout ? std::optional(now().steady + *timeout) : std::nullopt;
        ask(message, deadline, [promise](Answer answer) { promise->set_value(std::move(answer)); });
    });
    return future.get();
}

RequestId Connection::ask(const protocol::Message& message, std::optional<Instant> deadline,
                          std::function<void(Answer)> then) {
    const RequestId request = core_.request(message, deadline, now_, effects_);
    asked_.emplace(request, std::move(then));
    return request;
}

void Connection::abandon(RequestId request) {
    core_.abandon(request);
    asked_.erase(request);
}

Connection::TimerId Connection::call_at(Instant at, Action action) {
    const TimerId timer = ++timer_last_;
    timers_.emplace(std::pair(at, timer), std::move(action));
    timer_instants_.emplace(timer, at);
    return timer;
}

void Connection::cancel(TimerId timer) {
    const auto found = timer_instants_.find(timer);
    if (found != timer_instants_.end()) {
        timers_.erase({found->second, timer});
        timer_instants_.erase(found);
    }
}

void Connection::run(const std::stop_token& stop) {
    runtime::Poller poller;
    poller.add(*socket_);
    poller.add(mailbox_.descriptor());
    while (!stop.stop_requested()) {
        step(poller);
    }
    effects_.clear();
    if (!core_.has_session()) {
        socket_->set_linger(milliseconds{0});  // there is nobody to say goodbye to
    }
    core_.leave(effects_);
    perform_effects();
    socket_.reset();
}

void Connection::step(runtime::Poller& poller) {
    std::optional<Instant> deadline = core_.next_deadline();
    if (!timers_.empty() && (!deadline || timers_.begin()->first.first < *deadline)) {
        deadline = timers_.begin()->first.first;
    }
    poller.wait_until(deadline);
    now_ = runtime::now();
    for (const Action& action : mailbox_.take()) {
        action();
    }
    receive();
    call_due();
    core_.pass(now_, effects_);
    perform_effects();
    if (std::exchange(is_socket_new_, false)) {
        poller.replace(0, *socket_);
    }
}

void Connection::receive() {
    for (int i = 0; i < messages_per_turn && socket_->receive(message_); ++i) {
        const Result<protocol::Envelope> envelope = protocol::parse_envelope(message_.frames());
        if (!envelope || envelope->address_count != 0 || message_.is_cut()) {
            continue;  // not from a broker of ours; what was asked is asked again
        }
        std::vector<Blob> payloads;
        payloads.reserve(envelope->payload_count);
        for (std::size_t p = 0; p < envelope->payload_count; ++p) {
            payloads.push_back(message_.take(envelope->payload_first + p));
        }
        core_.receive(envelope->header, message_.frames()[envelope->body], payloads, now_,
                      effects_);
        perform_effects();
    }
}

void Connection::call_due() {
    while (!timers_.empty() && timers_.begin()->first.first <= now_.steady) {
        const auto first = timers_.begin();
        const Action action = std::move(first->second);
        timer_instants_.erase(first->first.second);
        timers_.erase(first);
        action();
    }
}

// What an effect calls may ask for more: those effects wait for their turn in the next round.
void Connection::perform_effects() {
    while (!effects_.empty()) {
        Effects effects = std::exchange(effects_, {});
        for (Effect& effect : effects) {
            std::visit([this](auto& e) { perform(e); }, effect);
        }
    }
}

// A send that does not go is an answer that does not come, which the core deals with.
void Connection::perform(Send& effect) {
    socket_->send({}, effect.packet);
}

void Connection::perform(Reconnect&) {
    socket_->set_linger(milliseconds{0});  // what was asked is asked again
    socket_.reset();
    open_socket();
    is_socket_new_ = true;
}

void Connection::perform(Answered& effect) {
    finish(effect.request, std::move(effect.packet));
}

void Connection::perform(Failed& effect) {
    finish(effect.request, std::move(effect.error));
}

void Connection::perform(Notified& effect) {
    if (events_.on_notified) {
        events_.on_notified(effect.packet);
    }
}

void Connection::perform(SessionStarted&) {
    if (events_.on_session) {
        events_.on_session();
    }
}

void Connection::perform(NotificationsMissed&) {
    if (events_.on_missed) {
        events_.on_missed();
    }
}

void Connection::finish(RequestId request, Answer answer) {
    const auto found = asked_.find(request);
    if (found == asked_.end()) {
        return;
    }
    const auto then = std::move(found->second);
    asked_.erase(found);
    then(std::move(answer));
}

void Connection::open_socket() {
    socket_.emplace(context_, runtime::SocketType::dealer,
                    runtime::SocketOptions{.linger = linger});
    socket_->connect(broker_);
}

}  // namespace xebec::client

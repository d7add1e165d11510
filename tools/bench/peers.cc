#include "tools/bench/peers.h"

#include "protocol/codec.h"
#include "protocol/envelope.h"
#include "runtime/clock.h"
#include "runtime/sockets.h"
#include "tools/bench/processes.h"
#include "tools/bench/samples.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace xebec::bench {

using namespace protocol;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds heartbeat{1'000};

// A session on a connection of its own.
class Peer {
public:
    Peer(const runtime::Context& context, const std::string& endpoint, const Hello& hello)
        : socket_(context, runtime::SocketType::dealer,
                  {.send_messages_max = 0, .receive_messages_max = 0}) {
        socket_.connect(endpoint);
        poller_.add(socket_);
        send(hello);
        // What comes right behind the welcome is not for here.
        while (session_ == 0) {
            if (!receive_one([](const Header&, const Message&) {})) {
                wait({});
            }
        }
    }

    void send(const Message& message, std::uint64_t correlation = 0) {
        const Header header{.correlation = correlation == 0 ? ++correlation_ : correlation,
                            .session = session_};
        socket_.send({}, encode(header, message));
        sent_at_ = runtime::now().steady;
    }

    void wait(std::optional<Instant> deadline) { poller_.wait_until(deadline); }

    // All that has come; the conversation itself is dealt with here.
    template <class Take>
    void receive(Take take) {
        while (receive_one(take)) {
        }
    }

    void keep_alive() {
        if (runtime::now().steady >= sent_at_ + heartbeat) {
            send(Ping{});
        }
    }
    Instant silent_until() const { return sent_at_ + heartbeat; }

private:
    template <class Take>
    bool receive_one(Take take) {
        if (!socket_.receive(incoming_)) {
            return false;
        }
        const auto envelope = parse_envelope(incoming_.frames());
        if (!envelope) {
            throw std::runtime_error("the broker sends what is no message");
        }
        std::vector<Blob> payloads;
        for (std::size_t i = 0; i < envelope->payload_count; ++i) {
            payloads.push_back(incoming_.take(envelope->payload_first + i));
        }
        const auto message = decode(envelope->header, incoming_.frames()[envelope->body], payloads);
        if (!message) {
            throw std::runtime_error(message.error().detail);
        }
        if (std::holds_alternative<Welcome>(*message)) {
            session_ = envelope->header.session;
        } else if (std::holds_alternative<Ping>(*message)) {
            send(Pong{}, envelope->header.correlation);
        } else if (const auto* error = std::get_if<ErrorAnswer>(&*message)) {
            throw std::runtime_error("the broker refuses: " + std::string(error->text));
        } else {
            take(envelope->header, *message);
        }
        return true;
    }

    runtime::Socket socket_;
    runtime::Poller poller_;
    runtime::Multipart incoming_;
    std::uint64_t session_ = 0;
    std::uint64_t correlation_ = 0;
    Instant sent_at_{};
};

Hello worker_hello(const std::string& name, const std::string& kind, std::uint32_t slots) {
    return {.role = Role::worker,
            .name = name,
            .kinds = {kind},
            .slots = slots,
            .credit = slots == 1 ? 1U : 8'192U};
}

// A UUIDv7 with the task's number in it: 56 bits of it at the end.
TaskId id_of(std::uint64_t number, std::uint64_t made_ms, std::uint8_t run) {
    TaskId id;
    for (std::size_t i = 0; i < 6; ++i) {
        id.octets[i] = static_cast<std::uint8_t>(made_ms >> (8 * (5 - i)));
    }
    id.octets[6] = 0x70;
    id.octets[7] = run;
    id.octets[8] = 0x80;
    for (std::size_t i = 0; i < 7; ++i) {
        id.octets[9 + i] = static_cast<std::uint8_t>(number >> (8 * (6 - i)));
    }
    return id;
}

std::uint64_t number_of(const TaskId& id) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        number = (number << 8) | id.octets[9 + i];
    }
    return number;
}

class Client {
public:
    Client(const std::string& endpoint, const Load& load)
        : load_(load),
          peer_(context_, endpoint, {}),
          samples_(load.payload, load.warm_up, load.warm_up + load.count),
          payloads_(load.batch * load.payload) {}

    Measured run() {
        while (!samples_.are_complete()) {
            while (sent_ < samples_.total() &&
                   sent_ - samples_.finished() + load_.batch <= load_.batch * load_.window) {
                submit();
            }
            peer_.wait(peer_.silent_until());
            peer_.keep_alive();  // one that is silent for long is forgotten
            peer_.receive([this](const Header& header, const Message& message) {
                if (const auto* outcomes = std::get_if<Outcomes>(&message)) {
                    take(*outcomes);
                } else if (const auto* answer = std::get_if<SubmitAnswer>(&message)) {
                    take(header, *answer);
                }
            });
        }
        return samples_.measured();
    }

private:
    void submit() {
        const std::uint64_t count = std::min(load_.batch, samples_.total() - sent_);
        Submit message{.wait = load_.waits};
        // A broker that has removed more than it remembers refuses ids of before.
        const auto made_ms = static_cast<std::uint64_t>(
            std::chrono::floor<milliseconds>(runtime::now().wall).time_since_epoch().count());
        message.items.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i, ++sent_) {
            char* payload = payloads_.data() + i * load_.payload;
            std::memcpy(payload, samples_.make(sent_).data(), load_.payload);
            message.items.push_back({.id = id_of(sent_, made_ms, run_),
                                     .kind = load_.kind,
                                     .payload = std::string_view(payload, load_.payload),
                                     .queue = load_.queue});
        }
        submitted_at_ = load_.batch * load_.window == 1 ? runtime::now().steady : Instant{};
        peer_.send(message, sent_);  // the correlation says up to which task
    }

    void take(const Outcomes& outcomes) {
        if (submitted_at_ != Instant{}) {
            samples_.took(runtime::now().steady - submitted_at_);
        }
        for (const OutcomeItem& item : outcomes.items) {
            samples_.finish(number_of(item.id), item.state == TaskState::succeeded
                                                    ? item.result.view
                                                    : std::string_view{});
        }
    }

    void take(const Header& header, const SubmitAnswer& answer) {
        std::uint64_t number = header.correlation - answer.items.size();
        for (const SubmitStatusItem& item : answer.items) {
            if (item.status != SubmitStatus::created) {
                throw std::runtime_error("a task was not accepted: " +
                                         std::string(item.problem.text));
            }
            if (!load_.waits) {
                samples_.finish(number, samples_.make(number).substr(0, result_octets));
            }
            ++number;
        }
    }

    const Load load_;
    runtime::Context context_;
    Peer peer_;
    Samples samples_;
    std::vector<char> payloads_;
    std::uint8_t run_ = static_cast<std::uint8_t>(runtime::own_id());
    std::uint64_t sent_ = 0;
    Instant submitted_at_{};
};

}  // namespace

void run_client(Board& board, const std::string& endpoint, const Load& load) {
    board.measured = Client(endpoint, load).run();
}

namespace {

// One question, and what `take` makes of the answer.
template <class Answer, class Take>
void ask(const std::string& endpoint, const Message& question, Take take) {
    const runtime::Context context;
    Peer peer(context, endpoint, {});
    peer.send(question);
    for (bool is_answered = false; !is_answered;) {
        peer.wait({});
        peer.receive([&](const Header&, const Message& message) {
            if (const auto* answer = std::get_if<Answer>(&message)) {
                take(*answer);
                is_answered = true;
            }
        });
    }
}

}  // namespace

void ask_figures(Board& board, const std::string& endpoint) {
    ask<StatsAnswer>(endpoint, Stats{}, [&board](const StatsAnswer& answer) {
        const protocol::Figures& said = answer.figures;
        board.figures = {.submitted = said.totals.submitted,
                         .assigned = said.totals.assigned,
                         .succeeded = said.totals.succeeded,
                         .removed = said.totals.removed,
                         .step_max_us = said.step_max_us};
        std::copy_n(said.sizes.tasks.begin(),
                    std::min(said.sizes.tasks.size(), board.figures.tasks.size()),
                    board.figures.tasks.begin());
    });
}

void set_retention(const std::string& endpoint, const std::string& queue, milliseconds retention) {
    const auto retention_ms = static_cast<std::uint64_t>(retention.count());
    ask<QueueSetAnswer>(endpoint,
                        QueueSet{.name = queue, .settings = {.retention_ms = retention_ms}},
                        [](const QueueSetAnswer&) {});
}

void run_worker(const std::string& endpoint, const std::string& kind) {
    runtime::Context context;
    const std::string name = "bench-" + std::to_string(runtime::own_id());
    Peer peer(context, endpoint, worker_hello(name, kind, 256));
    while (true) {
        peer.wait(peer.silent_until());
        peer.receive([&peer](const Header&, const Message& message) {
            if (const auto* assign = std::get_if<Assign>(&message)) {
                Done done;
                done.items.reserve(assign->items.size());
                for (const AssignItem& item : assign->items) {
                    done.items.push_back({.id = item.id,
                                          .fence = item.fence,
                                          .result = item.payload.view.substr(0, result_octets)});
                }
                peer.send(done);
            } else if (const auto* answer = std::get_if<DoneAnswer>(&message)) {
                for (const FinishStatus status : answer->statuses) {
                    if (status != FinishStatus::accepted) {
                        throw std::runtime_error("a result was not accepted");
                    }
                }
            }
        });
        peer.keep_alive();
    }
}

void run_idle_workers(Board& board, const std::string& endpoint, std::uint64_t count) {
    const runtime::Context context(static_cast<int>(count));
    std::deque<Peer> peers;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string name = "idle-" + std::to_string(i);
        peers.emplace_back(context, endpoint, worker_hello(name, "idle", 1));
    }
    board.is_done = true;
    while (true) {
        constexpr milliseconds tick{50};
        sleep_for(tick);
        for (Peer& peer : peers) {
            if (runtime::now().steady >= peer.silent_until()) {
                peer.receive([](const Header&, const Message&) {});
                peer.keep_alive();
            }
        }
    }
}

}  // namespace xebec::bench

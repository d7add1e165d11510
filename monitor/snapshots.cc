#include "monitor/snapshots.h"

#include "protocol/envelope.h"
#include "runtime/random.h"

#include <utility>
#include <variant>
#include <vector>

namespace xebec::monitor {

namespace {

constexpr int messages_per_step = 64;
constexpr milliseconds linger{100};  // long enough for a goodbye on this machine

}  // namespace

Snapshots::Snapshots(const runtime::Context& context, std::string broker, Answer on_answer)
    : context_(context),
      broker_(std::move(broker)),
      on_answer_(std::move(on_answer)),
      core_({.role = protocol::Role::monitor}, runtime::random_seed()) {
    open_socket();
}

void Snapshots::ask(Now now) {
    core_.request(protocol::Snapshot{}, std::nullopt, now, effects_);
    perform_effects();
}

void Snapshots::step(Now now) {
    receive(now);
    core_.pass(now, effects_);
    perform_effects();
}

void Snapshots::leave() {
    core_.leave(effects_);
    perform_effects();
}

void Snapshots::receive(Now now) {
    for (int i = 0; i < messages_per_step && socket_->receive(message_); ++i) {
        const Result<protocol::Envelope> envelope = protocol::parse_envelope(message_.frames());
        if (!envelope || envelope->address_count != 0 || message_.is_cut()) {
            continue;  // not from a broker of ours; what was asked is asked again
        }
        std::vector<Blob> payloads;
        for (std::size_t p = 0; p < envelope->payload_count; ++p) {
            payloads.push_back(message_.take(envelope->payload_first + p));
        }
        core_.receive(envelope->header, message_.frames()[envelope->body], payloads, now, effects_);
        perform_effects();
    }
}

// An answer can lead to another question, whose effects wait for the next round.
void Snapshots::perform_effects() {
    while (!effects_.empty()) {
        const client::Effects effects = std::exchange(effects_, {});
        for (const client::Effect& effect : effects) {
            std::visit([this](const auto& known) { perform(known); }, effect);
        }
    }
}

// A send that does not go is an answer that does not come, which the core deals with.
void Snapshots::perform(const client::Send& effect) {
    socket_->send({}, effect.packet);
}

void Snapshots::perform(const client::Reconnect&) {
    open_socket();
}

void Snapshots::perform(const client::Answered& effect) {
    Result<protocol::Message> message =
        protocol::decode(effect.packet.header, effect.packet.body, effect.packet.payloads);
    if (!message) {
        on_answer_(SnapshotFailed{message.error().detail});
    } else if (auto* snapshot = std::get_if<protocol::SnapshotAnswer>(&*message)) {
        on_answer_(SnapshotReceived{std::move(snapshot->figures)});
    } else {
        on_answer_(SnapshotFailed{"the answer is to another question"});
    }
}

void Snapshots::perform(const client::Failed& effect) {
    on_answer_(SnapshotFailed{effect.error.detail});
}

void Snapshots::open_socket() {
    socket_.reset();
    socket_.emplace(context_, runtime::SocketType::dealer,
                    runtime::SocketOptions{.linger = linger});
    socket_->connect(broker_);
}

}  // namespace xebec::monitor

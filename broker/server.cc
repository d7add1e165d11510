#include "broker/server.h"

#include "protocol/envelope.h"
#include "protocol/plain.h"
#include "runtime/clock.h"
#include "runtime/posix_files.h"
#include "runtime/random.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace xebec::broker {

using namespace protocol;

namespace {

// Results free memory and room, so workers are heard before clients.
constexpr std::size_t worker_messages_per_step_max = 256;
constexpr std::size_t client_messages_per_step_max = 64;
constexpr std::size_t octets_per_step_max = 1 << 20;
// Of each port. One message more may be begun: four thousand tasks at most. Short, so that peers
// have something to do while the rest is taken in: in long steps they and the broker take turns.
constexpr std::chrono::microseconds receiving_max{300};
constexpr int complaints_per_second_max = 100;  // answers to what is not a message
constexpr milliseconds linger{1'000};
// A stop takes five seconds at most: to have everything said, the journal closed, and linger.
constexpr milliseconds stopping_max{2'500};
constexpr milliseconds closing_max{1'000};
constexpr milliseconds stopping_look{10};
// What a watcher that stands still makes us hold: under load a message is some 50 KiB of updates.
constexpr int watcher_messages_max = 1'000;
constexpr std::size_t heap_reserve = 7 << 20;  // twice that is not mapped by itself (main.cc)
constexpr Duration measure_interval = std::chrono::seconds{1};

std::filesystem::path make_folder(const std::string& path) {
    std::filesystem::path folder = std::filesystem::absolute(path);
    runtime::PosixFiles().make_folder(folder);
    return folder;
}

runtime::SocketOptions router_options(const Limits& limits, int receive_messages_max) {
    constexpr std::int64_t slack = 64 << 10;
    const auto frame_max =
        std::max({limits.payload_octets_max, limits.result_octets_max, limits.body_octets_max});
    // Far more than an honest peer with a thousand small requests in flight lets lie; what a peer
    // that does not read makes us hold is bounded in octets, by the core.
    constexpr int send_messages_max = 10'000;
    return {.send_messages_max = send_messages_max,
            .receive_messages_max = receive_messages_max,
            .frame_octets_max = static_cast<std::int64_t>(frame_max) + slack,
            .linger = linger};
}

}  // namespace

Server::Server(const Options& options, const runtime::Signals& signals)
    : options_(options),
      signals_(signals),
      heap_(heap_reserve),
      lock_(make_folder(options.data) / "lock"),
      epoch_(std::filesystem::absolute(options.data), runtime::now().wall),
      now_(runtime::now()),
      core_(options.core, epoch_.value(), runtime::random_seed(), now_),
      storage_(options, signals, heap_, core_),
      clients_(context_, runtime::SocketType::router, router_options(options.core.limits, 64)),
      workers_(context_, runtime::SocketType::router, router_options(options.core.limits, 256)),
      updates_(context_, runtime::SocketType::xpub,
               {.send_messages_max = watcher_messages_max,
                .receive_messages_max = 16,
                .frame_octets_max = 256}),
      clients_door_(context_, clients_, options.clients),
      workers_door_(context_, workers_, options.workers),
      updates_door_(context_, updates_, options.updates) {
    now_ = runtime::now();
    core_.resume(now_);
    poll_workers_ = poller_.add(workers_);
    poll_clients_ = poller_.add(clients_);
    poll_updates_ = poller_.add(updates_);
    poll_signals_ = poller_.add(signals.descriptor());
    if (storage_.descriptor() >= 0) {
        poll_storage_ = poller_.add(storage_.descriptor());
    }
    if (options.insecure_network) {
        spdlog::warn("--insecure-network: whoever reaches this broker can do anything");
    }
    if (options.plain) {
        spdlog::info("plain pirates are served too: kind and queue \"{}\"", plain_kind);
    }
    if (options.durability == Durability::none) {
        spdlog::warn("durability none: tasks are kept in memory only, a restart forgets them");
    } else if (options.durability == Durability::relaxed) {
        spdlog::warn(
            "durability relaxed: a power cut can take what was confirmed in the last {} ms",
            options.flush_every.count());
    }
    spdlog::info("ready, boot epoch {}: clients {} workers {} updates {}", epoch_.value(),
                 clients_door_.endpoint(), workers_door_.endpoint(), updates_door_.endpoint());
}

void Server::run() {
    while (!is_stopping_ || !outbox_.empty()) {
        step();
        if (is_stopping_ && now_.steady > stops_by_) {
            break;
        }
    }
    if (!storage_.close(stops_by_ + closing_max)) {
        spdlog::error(
            "the disk does not answer: ending without it; what was not on it had not "
            "been confirmed");
        std::_Exit(EXIT_FAILURE);
    }
    spdlog::info("stopped");
}

void Server::step() {
    poller_.wait_until(next_deadline());
    now_ = runtime::now();
    take_signals();
    look_after_storage();
    look_after_doors();
    measure();
    if (poller_.is_ready(poll_updates_)) {
        take_subscriptions();
    }
    if (poller_.is_ready(poll_workers_)) {
        receive_from(workers_, Port::workers, worker_messages_per_step_max);
    }
    if (poller_.is_ready(poll_clients_)) {
        receive_from(clients_, Port::clients, client_messages_per_step_max);
    }
    apply(TimePassed{});
    perform();
    release();
    heap_.top_up();
    apply(StepMeasured{runtime::now().steady - now_.steady});
}

std::optional<Instant> Server::next_deadline() const {
    if (is_stopping_) {
        return now_.steady + stopping_look;
    }
    std::optional<Instant> next = core_.next_deadline();
    if (const auto patient = outbox_.next_deadline(storage_.durable_position(), now_.steady)) {
        next = std::min(next.value_or(*patient), *patient);
    }
    for (const runtime::Listener* door : {&clients_door_, &workers_door_, &updates_door_}) {
        next = std::min(next.value_or(door->next_deadline()), door->next_deadline());
    }
    return next;
}

void Server::look_after_storage() {
    if (poll_storage_ && poller_.is_ready(*poll_storage_)) {
        storage_.clear_wakeup();
    }
    storage_.check();
    for (const journal::ReadAnswer& answer : storage_.take_answers()) {
        apply(OctetsRead{answer.token, answer.octets, answer.fault});
    }
    for (const journal::PieceAnswer& answer : storage_.take_pieces()) {
        apply(PieceRead{answer.token, answer.octets, answer.fault});
    }
    if (const auto chosen = storage_.look_for_garbage(core_.state(), now_.steady)) {
        apply(*chosen);
    }
    if (const auto change = storage_.take_change()) {
        apply(*change);
    }
}

void Server::look_after_doors() {
    for (runtime::Listener* door : {&clients_door_, &workers_door_, &updates_door_}) {
        switch (door->update(now_.steady)) {
            case runtime::Listener::Change::none:
                break;
            case runtime::Listener::Change::closed:
                spdlog::error(
                    "no file descriptor is left for another peer: {} is closed for a while; raise "
                    "the limit on open files (ulimit -n)",
                    door->endpoint());
                break;
            case runtime::Listener::Change::opened:
                spdlog::info("{} is open again", door->endpoint());
                break;
        }
    }
}

// For operators alone: whoever asks sees what was a second ago, or when something was last done.
void Server::measure() {
    if (measured_at_ && now_.steady - *measured_at_ < measure_interval) {
        return;
    }
    measured_at_ = now_.steady;
    const runtime::ProcessUse use = runtime::process_use();
    const runtime::DiskSpace disk = runtime::disk_space(options_.data);
    apply(ResourcesMeasured{{.resident_octets = use.resident_octets,
                             .cpu_permille = load_.permille(use.processor, now_.steady),
                             .journal_octets = storage_.journal_octets(),
                             .disk_free = disk.free,
                             .disk_total = disk.total}});
}

void Server::take_signals() {
    while (signals_.take()) {
        if (is_stopping_) {
            spdlog::warn("asked to stop again: ending at once");
            std::_Exit(EXIT_FAILURE);
        }
        spdlog::info("stopping: telling workers and clients");
        is_stopping_ = true;
        stops_by_ = now_.steady + stopping_max;
        apply(StopRequested{});
    }
}

// ---- receiving ----

void Server::receive_from(runtime::Socket& socket, Port port, std::size_t messages_max) {
    const Instant latest = runtime::now().steady + receiving_max;
    std::size_t octets = 0;
    for (std::size_t i = 0; i < messages_max && octets < octets_per_step_max; ++i) {
        if ((i > 0 && runtime::now().steady > latest) || !socket.receive(message_)) {
            return;
        }
        for (const std::string_view frame : message_.frames()) {
            octets += frame.size();
        }
        take(port);
    }
}

void Server::take(Port port) {
    const auto envelope = parse_envelope(message_.frames());
    if (!envelope) {
        take_plain(port);
        return;
    }
    const Limits& limits = options_.core.limits;
    Peer peer{.port = port};
    for (const std::string_view frame : message_.frames().first(envelope->address_count)) {
        peer.address.emplace_back(frame);
    }
    std::vector<Blob> payloads;
    std::uint64_t octets = 0;
    bool is_too_large = message_.is_cut() || envelope->payload_count > limits.payload_frames_max;
    for (std::size_t i = 0; i < envelope->payload_count && !is_too_large; ++i) {
        payloads.push_back(message_.take(envelope->payload_first + i));
        octets += payloads.back().size();
        is_too_large = octets > limits.message_octets_max;
    }
    const Result<Message> message =
        is_too_large
            ? Result<Message>(
                  to_error(Refusal::too_large, "the payload frames are over their limits"))
            : decode(envelope->header, message_.frames()[envelope->body], payloads, limits);
    if (message) {
        apply(Received{peer, envelope->header, *message});
    } else if (may_complain()) {
        const Error& error = message.error();
        apply(ReceivedMalformed{peer,
                                envelope->header,
                                {.code = static_cast<std::uint16_t>(to_refusal(error.name)),
                                 .name = error.name,
                                 .text = error.detail}});
    } else {
        apply(ReceivedForeign{});
    }
}

// What is not a native message may come from a peer that knows nothing of this protocol.
void Server::take_plain(Port port) {
    const std::span<const std::string_view> frames = message_.frames();
    Peer peer{.port = port};
    if (!options_.plain || message_.is_cut()) {
        apply(ReceivedForeign{});
    } else if (port == Port::clients) {
        if (const auto request = parse_plain_request(frames)) {
            peer.address.assign(frames.begin(), frames.begin() + request->address_count);
            apply(PlainRequested{peer, message_.take(request->body)});
        } else {
            apply(ReceivedForeign{});
        }
    } else if (const auto signal = parse_plain_signal(frames)) {
        peer.address.emplace_back(frames.front());
        apply(PlainSignalled{peer, *signal});
    } else if (const auto reply = parse_plain_reply(frames)) {
        peer.address.emplace_back(frames.front());
        apply(
            PlainReplied{peer, reply->token,
                         reply->body ? std::optional(message_.take(*reply->body)) : std::nullopt});
    } else {
        apply(ReceivedForeign{});
    }
}

void Server::take_subscriptions() {
    for (std::size_t i = 0; i < client_messages_per_step_max && updates_.receive(message_); ++i) {
        watchers_.take(message_.frames().front());
    }
    apply(WatchersChanged{.tasks = watchers_.wants(task_topic_prefix),
                          .figures = watchers_.wants(stat_topic)});
}

bool Server::may_complain() {
    if (now_.steady - complaints_since_ >= std::chrono::seconds{1}) {
        complaints_since_ = now_.steady;
        complaints_ = 0;
    }
    return ++complaints_ <= complaints_per_second_max;
}

// ---- doing what the core decided ----

void Server::apply(const Event& event) {
    core_.apply(event, now_, effects_);
}

void Server::perform() {
    if (effects_.epoch_raised) {
        spdlog::warn(
            "a peer has met a later run of this broker: its data is an old copy; boot "
            "epoch raised to {}",
            *effects_.epoch_raised);
        epoch_.raise(*effects_.epoch_raised);
    }
    for (const Notice& notice : effects_.notices) {
        notices_.write(notice, now_.steady);
    }
    const Position first = storage_.append(effects_.records);
    core_.locate(effects_.records, storage_.places());
    storage_.read(effects_.reads);
    carry_segments();
    if (storage_.take_segment_change()) {
        storage_.append(core_.state().bases());
    }
    for (Send& message : effects_.sends) {
        const Position at = first + message.records_before;
        switch (is_stopping_ && message.leaves == Leaves::patiently ? Leaves::in_turn
                                                                    : message.leaves) {
            case Leaves::in_turn:
                outbox_.put(at, std::move(message));
                break;
            case Leaves::at_once:
                outbox_.put_at_once(std::move(message));
                break;
            case Leaves::patiently:
                outbox_.put_patient(at, now_.steady, std::move(message));
                break;
        }
    }
    for (SendPlain& message : effects_.plain_sends) {
        outbox_.put_at_once(std::move(message));
    }
    for (Publish& message : effects_.publications) {
        const Position at = first + message.records_before;
        outbox_.put(at, std::move(message));
    }
    const std::vector<BackupHeld> backups = hold_backups();
    effects_.clear();
    for (const BackupHeld& backup : backups) {
        apply(backup);
    }
    if (!backups.empty()) {
        perform();
    }
}

// Segments of the journal that go, are shelved, or have to stay.
void Server::carry_segments() {
    using Before = journal::Journal::Before;
    for (const std::uint32_t segment : effects_.shelves_done) {
        storage_.unshelve(segment);
    }
    if (const auto segment = effects_.segment_done) {
        storage_.trim_to(*segment + 1,
                         effects_.is_segment_shelved ? Before::is_shelved : Before::goes);
    }
    if (effects_.segment_kept) {
        spdlog::error(
            "segment {} of the journal stays, and others with it, for what is damaged in it: the "
            "journal grows until the tasks named before have ended and are removed",
            *effects_.segment_kept);
        storage_.keep_segment(now_.steady);
    }
}

// A backup may begin and end in the same step.
std::vector<BackupHeld> Server::hold_backups() {
    std::vector<BackupHeld> held;
    for (const std::uint64_t backup : effects_.backups_begun) {
        held.push_back({backup, storage_.hold(backup)});
    }
    for (const std::uint64_t backup : effects_.backups_ended) {
        storage_.release(backup);
    }
    storage_.read_pieces(effects_.pieces);
    return held;
}

// What leaves at once goes first: where processors are few, the disk's thread takes one.
void Server::release() {
    while (auto message = outbox_.take_at_once()) {
        transmit(std::move(*message));
    }
    Position durable = 0;
    do {
        storage_.write();
        durable = storage_.durable_position();
        while (auto message = outbox_.take(durable, now_.steady)) {
            transmit(std::move(*message));
        }
        storage_.write();  // that a peer was lost on the way
    } while (!storage_.await(outbox_.next_position(durable, now_.steady)));
}

void Server::transmit(Outbox::Message message) {
    std::visit([this](auto& content) { transmit(std::move(content)); }, message);
}

void Server::transmit(Send message) {
    runtime::Socket& socket = message.peer.port == Port::clients ? clients_ : workers_;
    note_failure(message.peer, socket.send(message.peer.address, std::move(message.packet)));
}

void Server::transmit(SendPlain message) {
    runtime::Socket& socket = message.peer.port == Port::clients ? clients_ : workers_;
    std::vector<runtime::FrameOut> frames;
    for (const std::string& part : message.peer.address) {
        frames.push_back({part, {}});
    }
    for (const Blob& frame : message.frames) {
        frames.push_back({{}, frame});
    }
    note_failure(message.peer, socket.send(frames));
}

void Server::note_failure(const Peer& peer, runtime::SendResult result) {
    if (result != runtime::SendResult::sent) {
        apply(PeerLost{peer, result == runtime::SendResult::stalled});
        perform();
    }
}

void Server::transmit(Publish message) {
    std::vector<runtime::FrameOut> frames;
    for (std::string& frame : message.frames) {
        frames.push_back({frame, {}, &frame});
    }
    updates_.send(frames);
}

}  // namespace xebec::broker

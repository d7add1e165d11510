#pragma once
// Joins sockets, journal and core: one loop, one thread. Receives a bounded batch, reads the clocks
// once, applies, appends, and sends what has become durable.

#include "broker/boot_epoch.h"
#include "broker/core/core.h"
#include "broker/notices.h"
#include "broker/options.h"
#include "broker/outbox.h"
#include "broker/storage.h"
#include "broker/watchers.h"
#include "runtime/files.h"
#include "runtime/heap.h"
#include "runtime/listener.h"
#include "runtime/signals.h"
#include "runtime/sockets.h"
#include "runtime/usage.h"

#include <optional>
#include <string>
#include <vector>

namespace xebec::broker {

class Server {
public:
    // Takes the data folder and listens. Throws std::runtime_error with a sentence for people.
    Server(const Options& options, const runtime::Signals& signals);

    // Until SIGTERM or SIGINT; a second one ends the process at once.
    void run();

private:
    void step();
    std::optional<Instant> next_deadline() const;
    void take_signals();
    void look_after_storage();
    void look_after_doors();
    void measure();
    void receive_from(runtime::Socket& socket, Port port, std::size_t messages_max);
    void take(Port port);
    void take_plain(Port port);
    void take_subscriptions();
    void apply(const Event& event);
    void perform();
    void carry_segments();
    std::vector<BackupHeld> hold_backups();
    void release();
    void transmit(Outbox::Message message);
    void transmit(Send message);
    void transmit(SendPlain message);
    void transmit(Publish message);
    void note_failure(const Peer& peer, runtime::SendResult result);
    bool may_complain();

    Options options_;
    const runtime::Signals& signals_;
    runtime::HeapReserve heap_;
    runtime::FileLock lock_;
    BootEpoch epoch_;
    Now now_;
    Core core_;
    Storage storage_;
    runtime::Context context_;
    runtime::Socket clients_;
    runtime::Socket workers_;
    runtime::Socket updates_;
    runtime::Listener clients_door_;
    runtime::Listener workers_door_;
    runtime::Listener updates_door_;
    runtime::Poller poller_;
    std::size_t poll_workers_ = 0;
    std::size_t poll_clients_ = 0;
    std::size_t poll_updates_ = 0;
    std::size_t poll_signals_ = 0;
    std::optional<std::size_t> poll_storage_;

    Outbox outbox_;
    Watchers watchers_;
    NoticeLog notices_;
    Effects effects_;
    runtime::Multipart message_;
    std::optional<Instant> measured_at_;
    runtime::ProcessorLoad load_;
    Instant complaints_since_{};
    int complaints_ = 0;
    bool is_stopping_ = false;
    Instant stops_by_{};
};

}  // namespace xebec::broker

#pragma once
// A client that takes one backup after the other, and opens each that is complete.

#include "broker/core/core.h"
#include "client/core.h"
#include "tests/simulation/nodes.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xebec::simulation {

class BackupNode : public Node {
public:
    // What the broker on each backup is started with.
    BackupNode(Surroundings& surroundings, const std::string& name,
               const broker::CoreOptions& options);
    ~BackupNode() override;

    const Route& route() const { return route_; }
    std::uint64_t completed() const { return completed_; }
    std::uint64_t given_up() const { return given_up_; }  // by the broker

protected:
    void step() override;
    std::optional<Instant> next_deadline() const override { return core_.next_deadline(); }

private:
    void connect();
    void begin_soon();
    void begin();
    void ask_next();
    void open() const;
    void perform();
    void on(const client::Send& effect);
    void on(const client::Reconnect& effect);
    void on(const client::Answered& effect);
    void on(const client::Failed& effect);
    void on(const client::Notified&) {}
    void on(const client::SessionStarted&) {}
    void on(const client::NotificationsMissed&) {}

    broker::CoreOptions options_;
    client::Core core_;
    Route route_;
    client::Effects effects_;
    std::deque<Wire> inbox_;

    // What had been promised to anybody when the backup was asked for last.
    std::unique_ptr<Ledger> promised_;
    client::RequestId request_ = 0;
    std::optional<std::uint64_t> pieces_left_;  // until it walks away without a word
    std::uint64_t backup_ = 0;
    std::uint64_t epoch_ = 0;
    std::deque<protocol::SegmentView> segments_;   // not copied yet, or not whole
    std::map<std::uint32_t, std::string> copied_;  // by segment
    std::uint64_t completed_ = 0;
    std::uint64_t given_up_ = 0;
};

}  // namespace xebec::simulation

#include "tests/simulation/backup_node.h"

#include "broker/journal/journal.h"
#include "protocol/check.h"
#include "tests/support/journal_records.h"
#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace xebec::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t piece_octets_max = 24 << 10;

}  // namespace

BackupNode::BackupNode(Surroundings& surroundings, const std::string& name,
                       const broker::CoreOptions& options)
    : Node(surroundings), options_(options), core_({.name = name}, surroundings.dice.number()) {
    connect();
    begin_soon();
}

BackupNode::~BackupNode() {
    surroundings_.network.disconnect(route_, true);
}

void BackupNode::connect() {
    route_ = surroundings_.network.connect([this](const Wire& wire) {
        inbox_.push_back(wire);
        wake_at(surroundings_.schedule.now());
    });
}

void BackupNode::begin_soon() {
    later(surroundings_.dice.between(1s, 10s), [this] { begin(); });
}

void BackupNode::begin() {
    segments_.clear();
    copied_.clear();
    pieces_left_.reset();
    if (surroundings_.dice.happens(0.1)) {
        pieces_left_ = surroundings_.dice.below(10);
    }
    request_ = core_.request(protocol::Backup{}, std::nullopt, now(), effects_);
    perform();
    wake_at(surroundings_.schedule.now());
}

void BackupNode::step() {
    while (!inbox_.empty()) {
        const Read message = read(inbox_.front());
        inbox_.pop_front();
        core_.receive(message.header, message.body, message.payloads, now(), effects_);
        perform();
    }
    core_.pass(now(), effects_);
    perform();
}

void BackupNode::perform() {
    while (!effects_.empty()) {
        client::Effects effects = std::exchange(effects_, {});
        for (const client::Effect& effect : effects) {
            std::visit([this](const auto& content) { on(content); }, effect);
        }
    }
}

void BackupNode::on(const client::Send& effect) {
    if (effect.packet.header.type == protocol::Backup::type) {
        promised_ = std::make_unique<Ledger>(surroundings_.ledger.promises());
    }
    surroundings_.network.send_to_broker(route_, to_wire(effect.packet));
}

void BackupNode::on(const client::Reconnect&) {
    surroundings_.network.disconnect(route_, true);
    inbox_.clear();
    connect();
}

void BackupNode::on(const client::Answered& effect) {
    const protocol::Packet& packet = effect.packet;
    const auto decoded = protocol::decode(packet.header, packet.body, packet.payloads);
    check(decoded.has_value(), "an answer can be read");
    if (effect.request != request_) {
        return;  // to the end of a backup
    }
    if (const auto* begun = std::get_if<protocol::BackupAnswer>(&*decoded)) {
        backup_ = begun->backup;
        epoch_ = begun->epoch;
        segments_.assign(begun->segments.begin(), begun->segments.end());
    } else {
        const std::string_view piece = std::get<protocol::BackupReadAnswer>(*decoded).piece.view;
        copied_[segments_.front().segment] += piece;
        if (copied_[segments_.front().segment].size() == segments_.front().octets) {
            segments_.pop_front();
        }
    }
    if (pieces_left_ && (*pieces_left_)-- == 0) {
        begin_soon();
    } else if (!segments_.empty()) {
        ask_next();
    } else {
        open();
        ++completed_;
        core_.request(protocol::BackupEnd{.backup = backup_}, std::nullopt, now(), effects_);
        begin_soon();
    }
}

void BackupNode::ask_next() {
    const protocol::SegmentView& segment = segments_.front();
    const std::uint64_t offset = copied_[segment.segment].size();
    request_ = core_.request(
        protocol::BackupRead{.backup = backup_,
                             .segment = segment.segment,
                             .offset = offset,
                             .octets = std::min(piece_octets_max, segment.octets - offset)},
        std::nullopt, now(), effects_);
}

// The broker has ended it, or another has started since.
void BackupNode::on(const client::Failed& effect) {
    check(effect.request == request_, "a request without deadline does not fail (L3)");
    ++given_up_;
    begin_soon();
}

// On a disk of its own, by a broker that knows nothing else (I1, I2, I11).
void BackupNode::open() const {
    testing::SimulatedDisk disk(completed_ + 1);
    std::map<std::string, std::string> files;
    for (const auto& [segment, octets] : copied_) {
        const auto decoded = broker::journal::decode_segment_header(
            std::string_view(octets).substr(0, broker::journal::sector_octets));
        check(decoded.fault == broker::journal::HeaderFault::none, "a backup's segments are whole");
        std::string& file = files["/data/journal/" + broker::journal::segment_name(segment)];
        file = octets;
        file.resize(std::max<std::size_t>(file.size(), decoded.header.octets));
    }
    disk.restore(files);
    broker::Core core(options_, static_cast<std::uint32_t>(epoch_) + 1, epoch_, now());
    std::vector<std::string> replayed;
    const broker::journal::Journal journal(
        disk,
        {.folder = "/data/journal",
         .segment_octets = surroundings_.machine.options.segment_octets,
         .seed = epoch_},
        [&](const broker::Record& record, const broker::journal::Places& places) {
            core.replay(record, places);
            if (!places.is_shelved) {
                replayed.push_back(
                    testing::fingerprint(record, places.payload_octets, places.result_octets));
            }
        });
    check(journal.cuts().empty(), "a backup ends where it is durable (I24)");
    core.resume(now());
    core.check_invariants();
    promised_->check_backup(surroundings_.ledger, journal.end(), replayed, core.state());
}

}  // namespace xebec::simulation

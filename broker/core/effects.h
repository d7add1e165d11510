#pragma once
// What has to follow, in order. Effects own what they carry.

#include "broker/core/peers.h"
#include "broker/core/places.h"
#include "broker/core/records.h"
#include "protocol/codec.h"

#include <xebec/task.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xebec::broker {

// When a message may leave.
enum class Leaves : std::uint8_t {
    in_turn,    // once all records before it are durable
    at_once,    // it promises nothing and shows nothing
    patiently,  // in turn, but its receiver can do nothing with it yet: a little later, with others
};

struct Send {
    Peer peer;
    protocol::Packet packet;
    std::size_t records_before = 0;  // of this step's
    Leaves leaves = Leaves::in_turn;
};

// To a plain peer: the frames behind its address. It promises nothing, so it leaves at once.
struct SendPlain {
    Peer peer;
    std::vector<Blob> frames;
};

// A message of the PUB socket.
struct Publish {
    std::vector<std::string> frames;
    std::size_t records_before = 0;
};

// A payload or result that is only in the journal, to be told by OctetsRead.
struct ReadOctets {
    Locator at;
    std::uint64_t token = 0;
};

// Octets of a segment as they are, for a backup, to be told by PieceRead.
struct ReadPiece {
    Locator at;
    std::uint32_t octets = 0;
    std::uint64_t token = 0;
};

// ---- what an operator cares about, for the log ----

struct WorkerCame {
    std::string name;
    std::string host;
    std::uint32_t process = 0;
    std::uint32_t slots = 0;
    std::string kinds;
    std::uint32_t leases_confirmed = 0;
    bool is_plain = false;
};

struct WorkerLeft {
    std::string name;
    std::string reason;
    bool was_lost = false;
    std::uint32_t returned = 0;  // tasks that went back, since it was draining
    std::uint32_t died = 0;      // tasks whose attempts were used up by it
};

struct TaskDead {
    std::uint64_t number = 0;
    std::string kind;
    std::string queue;
    std::uint32_t attempts = 0;
    std::string error_class;
    std::string error_text;
};

struct LeaseExpired {
    std::uint64_t number = 0;
    std::string worker;
    std::string reason;
};

// Of a run before this one, whose workers did not come back for them.
struct LeasesUnclaimed {
    std::uint64_t count = 0;
};

// A payload or result in the journal has changed since it was written.
struct OctetsDamaged {
    std::uint64_t number = 0;
    bool is_result = false;
    std::string fault;
};

struct BackupBegan {
    std::uint64_t segments = 0;
    std::uint64_t octets = 0;
};

struct BackupEnded {
    std::string reason;
};

using Notice = std::variant<WorkerCame, WorkerLeft, TaskDead, LeaseExpired, LeasesUnclaimed,
                            OctetsDamaged, BackupBegan, BackupEnded>;

struct Effects {
    // The journal must have this epoch before anything else here happens.
    std::optional<std::uint32_t> epoch_raised;
    std::vector<Record> records;
    std::vector<Send> sends;
    std::vector<SendPlain> plain_sends;
    std::vector<Publish> publications;
    std::vector<ReadOctets> reads;
    // Once these records are durable, segments of the journal up to this one are needed no more,
    // but for those that are shelved.
    std::optional<std::uint32_t> segment_done;
    bool is_segment_shelved = false;  // that one
    // Then these, which were shelved, are needed no more.
    std::vector<std::uint32_t> shelves_done;
    // Something in it that is needed cannot be read, and must not be forgotten: it has to stay.
    std::optional<std::uint32_t> segment_kept;
    // What the journal has is to be held for these, to be told by BackupHeld; then what was held
    // for those that have ended is released.
    std::vector<std::uint64_t> backups_begun;
    std::vector<std::uint64_t> backups_ended;
    std::vector<ReadPiece> pieces;
    std::vector<Notice> notices;

    void clear() {
        epoch_raised.reset();
        records.clear();
        sends.clear();
        plain_sends.clear();
        publications.clear();
        reads.clear();
        segment_done.reset();
        is_segment_shelved = false;
        shelves_done.clear();
        segment_kept.reset();
        backups_begun.clear();
        backups_ended.clear();
        pieces.clear();
        notices.clear();
    }
};

}  // namespace xebec::broker

#pragma once
// Connections between peers and the broker, and what can go wrong on them: messages are delayed,
// lost, repeated and reordered, and whole peers are cut off, in one direction or both.

#include "protocol/codec.h"
#include "tests/simulation/schedule.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace xebec::simulation {

// How long a piece of the disk's work takes, a write with its flush for example.
struct DiskTimes {
    Duration least = std::chrono::microseconds{100};
    Duration most = std::chrono::milliseconds{1};
    double slow = 0;       // share that takes up to a second (F10)
    double very_slow = 0;  // share that takes up to thirty
};

struct Faults {
    double loss = 0;
    double repeat = 0;
    double reorder = 0;  // messages that do not keep their place among those of their connection
    Duration delay_min = std::chrono::microseconds{50};
    Duration delay_max = std::chrono::milliseconds{2};
    double cut_mean_s = 0;  // mean time between cuts of one random peer; 0: none
    Duration cut_max = std::chrono::seconds{15};
    double worker_crash_mean_s = 0;
    double client_crash_mean_s = 0;
    double worker_stall_mean_s = 0;  // a worker stops, beyond its lease, and goes on (F16)
    double broker_stall_mean_s = 0;  // the broker stops for a while and goes on (F17)
    Duration broker_stall_max = std::chrono::seconds{30};
    Duration broker_stall_rest{};      // at least so long between two of these
    double broker_restart_mean_s = 0;  // it forgets everything: for worlds without native tasks
    double wall_jump_mean_s = 0;       // somebody's wall clock jumps by up to two hours (F12)

    // ---- of a broker with a journal ----
    double broker_stop_mean_s = 0;  // SIGTERM, often twice (F27)
    double stopped_at_start = 0;    // share of starts at which it comes while the journal is read
    double broker_kill_mean_s = 0;  // at any event, after any effect, in any operation (F1)
    double killed_at_start = 0;     // share of starts that are killed on their way
    double error_at_start = 0;      // share of starts at which the disk fails once
    double power_cut = 0;           // share of all its ends at which the machine loses power (F4)
    double disk_error_mean_s = 0;   // one operation fails, the next would not (F8, F9)
    double disk_full_mean_s = 0;    // for a while (F7)
    DiskTimes disk;
};

// A native message as octets, as it travels: nothing but what the codec wrote.
struct Wire {
    std::vector<std::string> frames;  // [empty][header][body][payload …]
};
Wire to_wire(const protocol::Packet& packet);

// What the octets say, read as a program reads them.
struct Read {
    Header header;
    std::string body;
    std::vector<Blob> payloads;
};
Read read(const Wire& wire);

// The routing id that a ROUTER would have given to a connection.
using Route = std::string;
// Connections to the port of the workers, by programs that do not say what they are.
inline const Route plain_worker_prefix = "pirate-";

class Network {
public:
    using ToBroker = std::function<void(const Route&, const Wire&)>;
    using ToPeer = std::function<void(const Wire&)>;

    Network(Schedule& schedule, Dice& dice) : schedule_(schedule), dice_(dice) {}

    void set_broker(ToBroker receive) { to_broker_ = std::move(receive); }
    void set_faults(const Faults& faults) { faults_ = faults; }

    Route connect(ToPeer receive);
    // A plain worker, with a routing id of its own choice unless that is empty. Gives nothing if
    // another connection has that: a ROUTER ignores the second.
    Route connect_worker(const Route& identity, ToPeer receive);
    // `is_noticed`: the broker's next message to it fails at once; else it vanishes for a while, as
    // on a half-open link.
    void disconnect(const Route& route, bool is_noticed);

    void send_to_broker(const Route& route, const Wire& wire);
    bool send_to_peer(const Route& route, const Wire& wire);  // false: there is no such peer

    void cut(const Route& route, bool towards_broker, bool from_broker);
    void heal();
    // What is under way arrives nowhere.
    void drop_all() { ++generation_; }

private:
    struct Connection {
        ToPeer receive;
        bool is_cut_towards_broker = false;
        bool is_cut_from_broker = false;
        Instant arrives_at_broker{};  // the last one so far
        Instant arrives_at_peer{};
    };

    void carry(Instant& last_arrival, std::function<void()> deliver);

    Schedule& schedule_;
    Dice& dice_;
    ToBroker to_broker_;
    Faults faults_;
    std::uint64_t routes_ = 0;
    std::uint64_t generation_ = 0;
    std::map<Route, Connection> connections_;
    std::map<Route, Instant> half_open_;  // closed, and until when the broker does not notice
};

}  // namespace xebec::simulation

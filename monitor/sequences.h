#pragma once
// Finds the updates that never came: every queue numbers its updates without holes, and the broker
// says now and then how far it has got.

#include "protocol/messages.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::monitor {

// Updates of a queue that were sent and did not arrive.
struct Loss {
    std::string queue;
    std::uint64_t missed = 0;

    friend bool operator==(const Loss&, const Loss&) = default;
};

// What a message of updates means to this reader.
struct Arrival {
    std::uint64_t missed = 0;  // in front of it
    std::uint64_t known = 0;   // of its first updates, how many had been here before

    friend bool operator==(const Arrival&, const Arrival&) = default;
};

// Sequences begin at 1. Nothing counts as missed that was sent before this reader had its first
// snapshot, unless the queue had been heard already.
class Sequences {
public:
    // No broker has more queues. Those beyond are shown, but holes in them go unnoticed.
    static constexpr std::size_t queues_max = 65'536;

    // Updates `first` to `first + count - 1` have come.
    Arrival arrive(std::string_view queue, std::uint64_t first, std::uint64_t count);

    // A snapshot names every queue and how far it had got when it was taken. Updates up to there
    // may still be on their way, because they travel on another connection.
    void expect(std::span<const protocol::QueueSequence> snapshot);

    // Everything up to `sequence` was sent before what has come now: what is not here is lost.
    std::optional<Loss> settle(std::string_view queue, std::uint64_t sequence);

    // The same for everything that snapshots said. In the order of the queues' names.
    std::vector<Loss> settle_snapshot();

    void forget() { *this = {}; }
    std::size_t size() const { return queues_.size(); }

private:
    struct Queue {
        std::optional<std::uint64_t> seen;  // the latest update that came or was given up
        std::uint64_t start = 0;            // by the first snapshot; nothing before it is missed
        std::uint64_t promised = 0;         // by the latest snapshot
    };

    Queue* find_or_add(std::string_view queue);
    std::optional<Loss> settle(std::string_view name, Queue& queue, std::uint64_t sequence) const;

    std::map<std::string, Queue, std::less<>> queues_;
    bool has_all_ = false;  // a snapshot came, so a queue unknown here began after it
};

}  // namespace xebec::monitor

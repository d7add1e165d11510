#pragma once
// The journal of --durability none: whatever is appended counts as durable at once, and is
// forgotten when the process ends. It keeps the place of a journal on disk, so that everything that
// waits for durability already does.

#include "broker/core/records.h"
#include "broker/journal/position.h"

#include <cstdint>
#include <span>

namespace xebec::broker {

class MemoryJournal {
public:
    // Takes the records of one step as one batch; gives the position of the first.
    Position append(std::span<const Record> batch) {
        const Position first = end_;
        end_ += batch.size();
        return first;
    }

    // Everything before this position would survive a power cut, if anything did.
    Position durable_position() const { return end_; }

private:
    Position end_ = 0;
};

}  // namespace xebec::broker

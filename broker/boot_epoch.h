#pragma once
// The number of this run of the broker. It grows with every start, so that no lease of an earlier
// run can be mistaken for one of this.

#include "protocol/time.h"

#include <cstdint>
#include <filesystem>

namespace xebec::broker {

class BootEpoch {
public:
    // Takes the next epoch in this data folder and stores it durably: one more than the stored one,
    // and at least the wall clock's seconds, so that a restored backup moves forward as well.
    // Throws std::runtime_error with a sentence for people.
    BootEpoch(std::filesystem::path folder, WallTime now);

    std::uint32_t value() const { return value_; }
    void raise(std::uint32_t value);  // stored durably before it returns

private:
    std::filesystem::path path_;
    std::uint32_t value_ = 0;
};

}  // namespace xebec::broker

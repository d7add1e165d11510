#pragma once
// Which tasks a segment of the journal tells of whole, in the order in which it does. Neighbouring
// numbers that follow each other take two or three octets together, so that it is remembered for as
// long as the segment stays.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace xebec::broker {

class ToldTasks {
public:
    void add(std::uint64_t number);
    std::uint32_t count() const { return count_; }

private:
    friend class ToldTasksReader;

    struct Run {  // of numbers, each one more than the one before
        std::uint64_t first = 0;
        std::uint64_t count = 0;

        std::uint64_t end() const { return first + count; }
    };
    void put(std::uint64_t value);

    // All runs but the last: how far it begins from the end of the one before, and its count; seven
    // bits to an octet, the lowest first.
    std::vector<std::uint8_t> octets_;
    std::uint64_t end_ = 0;  // of these
    Run last_;
    std::uint32_t count_ = 0;
};

// Goes through them, number by number. `told` has to outlive this, unchanged.
class ToldTasksReader {
public:
    explicit ToldTasksReader(const ToldTasks& told) : told_(&told) {}

    std::optional<std::uint64_t> next();

private:
    std::uint64_t take();

    const ToldTasks* told_;
    std::size_t at_ = 0;  // in its octets
    bool is_last_ = false;
    ToldTasks::Run run_;  // what is left of it
};

}  // namespace xebec::broker

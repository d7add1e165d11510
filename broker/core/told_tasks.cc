#include "broker/core/told_tasks.h"

namespace xebec::broker {

namespace {

// Small whether it is a little more or a little less than nothing.
std::uint64_t fold(std::uint64_t difference) {
    return (difference << 1) ^ (0 - (difference >> 63));
}

std::uint64_t unfold(std::uint64_t folded) {
    return (folded >> 1) ^ (0 - (folded & 1));
}

}  // namespace

void ToldTasks::add(std::uint64_t number) {
    ++count_;
    if (last_.count > 0 && last_.end() == number) {
        ++last_.count;
        return;
    }
    if (last_.count > 0) {
        put(fold(last_.first - end_));
        put(last_.count);
        end_ = last_.end();
    }
    last_ = {number, 1};
}

void ToldTasks::put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        octets_.push_back(static_cast<std::uint8_t>(value | 0x80));
    }
    octets_.push_back(static_cast<std::uint8_t>(value));
}

std::optional<std::uint64_t> ToldTasksReader::next() {
    if (run_.count == 0) {
        if (at_ < told_->octets_.size()) {
            run_.first += unfold(take());
            run_.count = take();
        } else if (!is_last_ && told_->last_.count > 0) {
            run_ = told_->last_;
            is_last_ = true;
        } else {
            return std::nullopt;
        }
    }
    --run_.count;
    return run_.first++;
}

std::uint64_t ToldTasksReader::take() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t octet = told_->octets_[at_++];
        value |= static_cast<std::uint64_t>(octet & 0x7F) << shift;
        if (octet < 0x80) {
            return value;
        }
    }
}

}  // namespace xebec::broker

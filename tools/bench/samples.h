#pragma once
// The tasks of a measurement by number: what each carries, whether its result is its own, and how
// long it took.

#include "runtime/clock.h"
#include "tools/bench/processes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::bench {

constexpr std::size_t result_octets = 16;  // a worker gives back the first octets of each task

class Samples {
public:
    // Tasks 0 to `warm_up` - 1 are not measured.
    Samples(std::size_t payload, std::uint64_t warm_up, std::uint64_t total)
        : warm_up_(warm_up), total_(total), is_finished_(total), payload_(payload, 'x') {}

    std::uint64_t total() const { return total_; }
    std::uint64_t finished() const { return finished_; }
    bool are_complete() const { return finished_ >= total_; }

    // The octets of a task; valid until the next call.
    std::string_view make(std::uint64_t number) {
        std::memcpy(payload_.data(), &number, sizeof number);
        return payload_;
    }

    void finish(std::uint64_t number, std::string_view result) {
        const bool is_right = number < total_ && !is_finished_[number] &&
                              result == make(number).substr(0, result_octets);
        wrong_ += is_right ? 0 : 1;
        if (is_right) {
            is_finished_[number] = true;
        }
        if (++finished_ == warm_up_) {
            began_ = runtime::now().steady;
        }
        ended_ = finished_ == total_ ? runtime::now().steady : ended_;
    }

    // Of tasks that go one by one.
    void took(Duration duration) {
        durations_us_.push_back(std::chrono::duration<double, std::micro>(duration).count());
    }

    Measured measured() {
        std::sort(durations_us_.begin(), durations_us_.end());
        return {.seconds = std::chrono::duration<double>(ended_ - began_).count(),
                .tasks = total_ - warm_up_,
                .wrong = wrong_,
                .p50_us = percentile(0.5),
                .p99_us = percentile(0.99),
                .p999_us = percentile(0.999)};
    }

private:
    double percentile(double part) const {
        const auto at = static_cast<std::size_t>(part * static_cast<double>(durations_us_.size()));
        return durations_us_.empty() ? 0 : durations_us_[std::min(at, durations_us_.size() - 1)];
    }

    std::uint64_t warm_up_;
    std::uint64_t total_;
    std::vector<bool> is_finished_;
    std::string payload_;
    std::uint64_t finished_ = 0;
    std::uint64_t wrong_ = 0;
    Instant began_ = runtime::now().steady;
    Instant ended_{};
    std::vector<double> durations_us_;
};

}  // namespace xebec::bench

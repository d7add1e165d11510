#include "worker/credit.h"

#include <algorithm>

namespace xebec::worker {

namespace {

constexpr int smoothing = 8;

// Moves an eighth of the way, and at least one step, so that it arrives.
template <class T>
T smoothed(T value, T sample) {
    const T step = (sample - value) / smoothing;
    return step == T{0} ? sample : value + step;
}

}  // namespace

void CreditRule::set_max(std::uint32_t credit_max) {
    max_ = credit_max == 0 ? worker_credit_max : std::min(credit_max, worker_credit_max);
    shrink();
}

void CreditRule::note_assigned(std::size_t payload_octets, std::size_t held) {
    payload_octets_ = smoothed(payload_octets_, static_cast<std::int64_t>(payload_octets));
    was_full_ = was_full_ || held >= wanted_;
    shrink();
}

void CreditRule::note_finished(Duration run, std::size_t result_octets) {
    const bool is_first = run_ == Duration{0};
    run_ = std::max(Duration{1}, is_first ? run : Duration{smoothed(run_.count(), run.count())});
    result_octets_ = smoothed(result_octets_, static_cast<std::int64_t>(result_octets));
    ++finished_;
    // Grows only when what was asked for was given and done: a quiet worker gathers nothing.
    if (was_full_ && finished_ >= wanted_ && wanted_ < limit()) {
        wanted_ = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(2 * static_cast<std::uint64_t>(wanted_), limit()));
        was_full_ = false;
        finished_ = 0;
    }
    shrink();
}

void CreditRule::note_stuck(Duration elapsed) {
    run_ = std::max(run_, elapsed);
    shrink();
}

bool CreditRule::is_worth_telling(std::uint32_t told) const {
    const std::uint64_t difference = wanted_ > told ? wanted_ - told : told - wanted_;
    return difference > 0 && (wanted_ == slots_ || difference * 4 >= told);
}

std::uint32_t CreditRule::limit() const {
    const auto run = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(run_.count()));
    const std::uint64_t waiting_per_slot = static_cast<std::uint64_t>(wait_max.count() - 1) / run;
    const std::uint64_t by_time = slots_ * (1 + std::min<std::uint64_t>(waiting_per_slot, max_));
    const auto octets = static_cast<std::uint64_t>(payload_octets_ + result_octets_);
    const std::uint64_t by_octets = octets_max / std::max<std::uint64_t>(1, octets);
    const std::uint64_t most = std::min<std::uint64_t>({by_time, by_octets, max_});
    return std::max(slots_, static_cast<std::uint32_t>(most));
}

void CreditRule::shrink() {
    wanted_ = std::min(wanted_, limit());
}

}  // namespace xebec::worker

#include "broker/journal/owner.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xebec::broker::journal {

namespace {

constexpr milliseconds garbage_look{100};

}  // namespace

bool Owner::await(std::optional<Position> first) {
    ask_for_durable();
    trim();
    Position next = first.value_or(std::numeric_limits<Position>::max());
    if (!held_reads_.empty()) {
        next = std::min(next, held_reads_.front().position);
    }
    if (trim_to_ != 0 && trim_at_ > journal_.durable_position()) {
        next = std::min(next, trim_at_);
    }
    const bool is_calm = told_ == JournalChanged{};  // else less that waits is a change
    journal_.await(is_calm ? next : 0);
    return journal_.durable_position() < next;
}

// ---- reading ----

void Owner::read(std::span<const ReadOctets> reads) {
    if (reads.empty()) {
        return;
    }
    HeldReads held{.position = journal_.end()};
    held.requests.reserve(reads.size());
    for (const ReadOctets& read : reads) {
        held.requests.push_back({read.at, read.token});
        ++reads_by_segment_[read.at.segment];
    }
    held_reads_.push_back(std::move(held));
    ask_for_durable();
}

// Nothing wakes the loop up for what is on the disk already.
void Owner::ask_for_durable() {
    while (!held_reads_.empty() && held_reads_.front().position <= journal_.durable_position()) {
        journal_.read(held_reads_.front().requests);
        held_reads_.pop_front();
    }
}

std::vector<ReadAnswer> Owner::take_answers() {
    ask_for_durable();
    std::vector<ReadAnswer> answers = journal_.take_answers();
    for (const ReadAnswer& answer : answers) {
        const auto count = reads_by_segment_.find(answer.locator.segment);
        if (--count->second == 0) {
            reads_by_segment_.erase(count);
        }
    }
    trim();
    return answers;
}

// ---- segments that go ----

// The files may take twice what is needed of them and two segments: the one that is written to, and
// the next. A segment that is sealed soon has to find its place free; the later the oldest one
// goes, the less of it is needed still.
bool Owner::is_too_much(std::span<const SegmentUse> segments, std::uint64_t live_octets) const {
    std::uint64_t sealed = 0;
    for (const SegmentUse& use : segments) {
        sealed += use.segment < journal_.segment() ? use.octets : 0;
    }
    const std::uint64_t segment = journal_.segment_octets();
    const bool is_half_full = journal_.segment_taken() > segment / 2;
    return sealed > 2 * live_octets || (is_half_full && sealed + segment > 2 * live_octets);
}

void Owner::look_for_garbage(std::uint64_t live_octets, Instant now) {
    if (is_carrying_ || now < looks_again_at_) {
        return;
    }
    looks_again_at_ = now + garbage_look;
    std::vector<SegmentUse> segments = journal_.segments();
    std::erase_if(segments, [this](const SegmentUse& use) {
        return use.segment < first_kept_;  // it may vanish at any moment
    });
    if (segments.size() > 1 && is_too_much(segments, live_octets)) {
        is_carrying_ = true;
        journal_.scan(segments.front().segment);
    }
}

std::shared_ptr<const Mentions> Owner::take_scan() {
    return is_carrying_ ? journal_.take_scan() : nullptr;
}

void Owner::trim_to(std::uint32_t first_needed) {
    trim_to_ = first_needed;
    trim_at_ = journal_.end();
}

// What is being read from a segment keeps it.
void Owner::trim() {
    const bool is_read = !reads_by_segment_.empty() && reads_by_segment_.begin()->first < trim_to_;
    if (trim_to_ != 0 && trim_at_ <= journal_.durable_position() && !is_read) {
        journal_.trim(trim_to_);
        first_kept_ = std::exchange(trim_to_, 0);
        is_carrying_ = false;
        looks_again_at_ = {};
    }
}

bool Owner::take_segment_change() {
    return std::exchange(segment_seen_, journal_.segment()) != journal_.segment();
}

// ---- what the disk can take ----

std::optional<JournalChanged> Owner::take_change() {
    const std::uint64_t waiting = journal_.octets_waiting();
    const std::uint64_t most =
        told_.is_behind ? options_.octets_waiting_max / 2 : options_.octets_waiting_max;
    const JournalChanged now{.is_full = journal_.is_disk_full(),
                             .is_behind = waiting > most,
                             .is_busy = waiting > options_.octets_waiting_busy};
    if (now == told_) {
        return std::nullopt;
    }
    told_ = now;
    return now;
}

}  // namespace xebec::broker::journal

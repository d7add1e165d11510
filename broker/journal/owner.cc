#include "broker/journal/owner.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xebec::broker::journal {

namespace {

constexpr milliseconds garbage_look{20};
constexpr std::size_t handful_max = 64;  // tasks and tombstones that are told again together
constexpr std::size_t shelved_handful_max = 8'192;  // by their order, with one record
constexpr std::chrono::minutes kept_for{1};
// What may come while a segment is told again that is needed for the most part: for each octet that
// is new there is time to tell two.
constexpr std::uint64_t told_per_new = 2;

// A segment is shelved when it takes no more than four thirds of what is as it was told of there,
// and told again when that has become three halves.
bool is_worth_shelving(const SegmentUse& use, const Needs& needs) {
    return needs.segments.unchanged_octets(use.segment) >= use.octets / 4 * 3;
}

bool is_worth_its_shelf(const SegmentUse& use, const Needs& needs) {
    return needs.segments.unchanged_octets(use.segment) >= use.octets / 3 * 2;
}

// What may come while a segment is shelved, as a part of what it takes: there is little to tell.
constexpr std::uint64_t shelved_per_new = 8;

// How many more octets the journal will have than now, at most, by the time that any of its oldest
// segments has gone: while those of which most is needed are told again, others come.
std::uint64_t predict_growth(const std::vector<SegmentUse>& sealed, const Needs& needs) {
    std::uint64_t most = 0;
    std::uint64_t come = 0;
    std::uint64_t gone = 0;  // and not told again
    for (const SegmentUse& use : sealed) {
        if (is_worth_shelving(use, needs)) {
            come +=
                needs.segments.tasks_if_whole(use.segment) > 0 ? 0 : use.octets / shelved_per_new;
            most = std::max(most, come - std::min(come, gone));
            continue;
        }
        const std::uint64_t told = std::min(needs.segments.needed_octets(use.segment), use.octets);
        come += told / told_per_new;
        most = std::max(most, come - std::min(come, gone));
        gone += use.octets - told;
    }
    return most;
}

}  // namespace

bool Owner::await(std::optional<Position> first) {
    ask_for_durable();
    trim();
    Position next = first.value_or(std::numeric_limits<Position>::max());
    if (!held_reads_.empty()) {
        next = std::min(next, held_reads_.front().position);
    }
    if (!told_segments_.empty() && told_segments_.front().at > journal_.durable_position()) {
        next = std::min(next, told_segments_.front().at);
    }
    const bool is_calm = !told_.is_full && !told_.is_behind;  // else less that waits is a change
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
// the next. So when the former is sealed, another has to go before it is full again, and its file
// is the next one then. Where the oldest are needed whole, that takes longer, and begins earlier.
//
// A shelf that many of its tasks have left goes before it, unless less is needed of the oldest and
// there is no hurry, or hardly any room.
std::optional<SegmentChosen> Owner::look_for_garbage(const Needs& needs, Instant now) {
    if (is_carrying_ || now < std::max(looks_again_at_, kept_until_)) {
        return std::nullopt;
    }
    looks_again_at_ = now + garbage_look;
    const Sealed sealed = look_at_segments();
    const Room room = look_at_room(sealed, needs);
    if (room == Room::enough) {
        return std::nullopt;
    }
    is_urgent_ = room == Room::exceeded;
    const auto shelf = find_left_shelf(sealed, needs);
    const SegmentUse* oldest = sealed.is_another_begun ? &sealed.segments.front() : nullptr;
    const bool is_oldest_first =
        oldest != nullptr && (!shelf || ((!is_urgent_ || journal_.is_disk_full()) &&
                                         needs.segments.needed_octets(oldest->segment) <
                                             needs.segments.needed_octets(shelf->segment)));
    if (!is_oldest_first) {
        return shelf ? std::optional(begin_carrying(shelf->segment, Carry::unshelving, needs))
                     : std::nullopt;
    }
    if (!is_worth_shelving(*oldest, needs)) {
        return begin_carrying(oldest->segment, Carry::everything, needs);
    }
    const bool is_whole = needs.segments.tasks_if_whole(oldest->segment) > 0;
    return begin_carrying(oldest->segment, is_whole ? Carry::whole : Carry::shelving, needs);
}

// `more`: may be taken besides twice what is needed.
Owner::Room Owner::look_at_room(std::uint64_t octets, std::uint64_t live_octets, std::uint64_t more,
                                std::uint64_t to_come) {
    // What is needed is known to a few parts in a hundred.
    const std::uint64_t allowed = live_octets / 16 * 15 * 2 + more;
    // Else telling a segment again might take as much room as it gives back, and not end.
    const bool is_worth_it = octets / 4 * 3 >= live_octets;
    if (octets == 0 || !is_worth_it || octets + to_come <= allowed) {
        return Room::enough;
    }
    return octets > allowed ? Room::exceeded : Room::exceeded_soon;
}

// Segments that are shelved, or can be, are one thing; what is between and behind them may take
// twice what is needed of it alone, and a quarter of those, or all of a few. To use its files again
// is cheaper than to make new ones.
Owner::Room Owner::look_at_room(const Sealed& sealed, const Needs& needs) const {
    const std::uint64_t to_come =
        journal_.segment_octets() + predict_growth(sealed.segments, needs);
    std::uint64_t apart = 0;
    std::uint64_t needed_apart = 0;
    const auto set_apart = [&](const SegmentUse& use) {
        apart += use.octets;
        needed_apart += needs.segments.needed_octets(use.segment);
    };
    std::for_each(sealed.shelves.begin(), sealed.shelves.end(), set_apart);
    for (const SegmentUse& use : sealed.segments) {
        if (is_worth_shelving(use, needs)) {
            set_apart(use);
        }
    }
    const std::uint64_t more =
        std::max(needed_apart / 4, std::min(needed_apart, journal_.segment_octets()));
    const Room all = look_at_room(sealed.octets, needs.live_octets, 0, to_come);
    const Room rest =
        look_at_room(sealed.octets - apart,
                     needs.live_octets - std::min(needs.live_octets, needed_apart), more, to_come);
    return std::max(all, rest);
}

// The emptiest of those that are not worth it any more.
std::optional<SegmentUse> Owner::find_left_shelf(const Sealed& sealed, const Needs& needs) const {
    std::optional<SegmentUse> found;
    for (const SegmentUse& use : sealed.shelves) {
        const bool is_told_of = needs.shelves.find(use.segment) != nullptr;  // else it goes already
        const bool is_emptier = !found || needs.segments.needed_octets(use.segment) <
                                              needs.segments.needed_octets(found->segment);
        if (is_told_of && !is_worth_its_shelf(use, needs) && is_emptier) {
            found = use;
        }
    }
    return found;
}

Owner::Sealed Owner::look_at_segments() const {
    Sealed sealed;
    const std::set<std::uint32_t> shelves = journal_.shelves();
    const std::uint32_t oldest = journal_.oldest();
    std::size_t others = 0;  // the one that is written to among them
    for (const SegmentUse& use : journal_.segments()) {
        const bool is_shelved = shelves.contains(use.segment);
        if (!is_shelved && use.segment < oldest) {
            continue;  // it may vanish at any moment
        }
        others += is_shelved ? 0 : 1;
        if (use.segment < journal_.segment()) {  // records come to it still
            (is_shelved ? sealed.shelves : sealed.segments).push_back(use);
            sealed.octets += use.octets;
        }
    }
    sealed.is_another_begun = others > 1 && !sealed.segments.empty();
    return sealed;
}

SegmentChosen Owner::begin_carrying(std::uint32_t segment, Carry carry, const Needs& needs) {
    is_carrying_ = true;
    carry_ = carry;
    const bool goes = carry == Carry::everything || carry == Carry::unshelving;
    mentions_ = needs.segments.told(segment).count() +
                (carry == Carry::unshelving ? 0 : needs.tombstones.count_told_until(segment));
    carries_from_ = octets_appended();
    const std::uint64_t segment_octets = journal_.segment_octets();
    if (goes) {
        journal_.announce_trim();
        const std::uint64_t begin = octets_appended() - journal_.segment_taken();
        const std::uint64_t needed = needs.segments.needed_octets(segment);
        // With what is new meanwhile: half of what there would be time for, to be on the safe side.
        const std::uint64_t told = needed + needed / (2 * told_per_new);
        const std::uint64_t takes = std::max(segment_octets / 4, is_urgent_ ? 0 : told);
        carries_until_ = std::max(begin + segment_octets / 8 * 7, carries_from_ + takes);
        if (!is_urgent_) {  // the second half of that does, where it is long enough
            carries_from_ = carries_until_ - std::max(takes, (carries_until_ - carries_from_) / 2);
        }
    } else {
        carries_until_ = carries_from_ + segment_octets / shelved_per_new;
    }
    return {segment, carry};
}

std::uint64_t Owner::octets_appended() const {
    return journal_.segment() * journal_.segment_octets() + journal_.segment_taken();
}

// The later a segment goes, the less of it is needed still; but it has to go in time, whatever else
// there is to write. By handfuls: a frame takes whole sectors, and what it takes makes more due.
std::size_t Owner::carry_due() const {
    const bool has_time = !journal_.is_disk_full() &&
                          (!is_urgent_ || journal_.octets_waiting() > options_.octets_waiting_busy);
    const std::uint64_t at = octets_appended();
    if (!is_carrying_ || !has_time || at >= carries_until_) {
        return JournalChanged{}.carry_due;
    }
    const bool is_shelving = carry_ == Carry::shelving || carry_ == Carry::whole;
    const std::size_t most = is_shelving ? shelved_handful_max : handful_max;
    const std::size_t handful = std::clamp<std::size_t>(mentions_ / 16, 1, most);
    const std::size_t due = mentions_ * (std::max(at, carries_from_) - carries_from_) /
                            (carries_until_ - carries_from_);
    return due / handful * handful;
}

void Owner::trim_to(std::uint32_t first_needed, Journal::Before before) {
    const bool is_shelved = before == Journal::Before::is_shelved;
    told_segments_.push_back({.segment = first_needed - 1,
                              .then = is_shelved ? Told::Then::is_shelved : Told::Then::goes,
                              .at = journal_.end()});
}

void Owner::unshelve(std::uint32_t segment) {
    told_segments_.push_back({.segment = segment,
                              .then = Told::Then::is_unshelved,
                              .ends_carrying = carry_ == Carry::unshelving,
                              .at = journal_.end()});
}

void Owner::keep_segment(Instant now) {
    journal_.trim(0);  // none goes now
    is_carrying_ = false;
    kept_until_ = now + kept_for;
}

// What is being read from a segment keeps it.
bool Owner::is_read_still(const Told& told) const {
    if (told.then != Told::Then::goes) {
        return told.then == Told::Then::is_unshelved && reads_by_segment_.contains(told.segment);
    }
    const std::set<std::uint32_t> shelves = journal_.shelves();
    return std::any_of(reads_by_segment_.begin(), reads_by_segment_.end(), [&](const auto& reads) {
        return reads.first <= told.segment && !shelves.contains(reads.first);
    });
}

void Owner::trim() {
    while (!told_segments_.empty() && told_segments_.front().at <= journal_.durable_position() &&
           !is_read_still(told_segments_.front())) {
        const Told told = told_segments_.front();
        told_segments_.pop_front();
        if (told.then == Told::Then::is_unshelved) {
            journal_.unshelve(told.segment);
        } else {
            const bool is_shelved = told.then == Told::Then::is_shelved;
            journal_.trim(told.segment + 1,
                          is_shelved ? Journal::Before::is_shelved : Journal::Before::goes);
        }
        if (told.ends_carrying) {
            is_carrying_ = false;
            looks_again_at_ = {};
        }
    }
}

bool Owner::take_segment_change() {
    const bool is_another = std::exchange(segment_seen_, journal_.segment()) != journal_.segment();
    looks_again_at_ = is_another ? Instant{} : looks_again_at_;
    return is_another;
}

// ---- what the disk can take ----

std::optional<JournalChanged> Owner::take_change() {
    const std::uint64_t waiting = journal_.octets_waiting();
    const std::uint64_t most =
        told_.is_behind ? options_.octets_waiting_max / 2 : options_.octets_waiting_max;
    const JournalChanged now{
        .is_full = journal_.is_disk_full(), .is_behind = waiting > most, .carry_due = carry_due()};
    if (now == told_) {
        return std::nullopt;
    }
    told_ = now;
    return now;
}

}  // namespace xebec::broker::journal

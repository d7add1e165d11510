#include "broker/storage.h"

#include "runtime/clock.h"
#include "runtime/random.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <poll.h>
#include <stdexcept>
#include <utility>

namespace xebec::broker {

namespace {

// Beyond this much that is not written yet, new tasks are refused until half of it is.
constexpr std::uint64_t octets_waiting_max = 64 << 20;
constexpr std::uint64_t octets_waiting_busy = 4 << 20;
constexpr milliseconds garbage_look{100};
constexpr std::uint64_t records_between_signals = 1 << 16;

std::filesystem::path journal_folder(const Options& options) {
    return std::filesystem::absolute(options.data) / "journal";
}

}  // namespace

Storage::Storage(const Options& options, const runtime::Signals& signals, Core& core) {
    if (options.durability != Durability::none) {
        open(options, signals, core);
    } else if (files_.exists(journal_folder(options))) {
        throw std::runtime_error(
            journal_folder(options).string() +
            " holds tasks, which --durability none would neither see nor keep: start without it, "
            "or name another folder with --data");
    }
}

void Storage::open(const Options& options, const runtime::Signals& signals, Core& core) {
    const Instant begin = runtime::now().steady;
    std::uint64_t records = 0;
    const journal::Options journal_options{
        .folder = journal_folder(options),
        .seed = runtime::random_seed(),
        .writer = {.flush_every = options.durability == Durability::relaxed ? options.flush_every
                                                                            : Duration{0}}};
    disk_ = std::make_unique<Disk>(
        files_, journal_options, [&](const Record& record, const Places& places) {
            core.replay(record, places);
            if (++records % records_between_signals == 0 && signals.take()) {
                throw StoppedAtStart{};
            }
        });
    for (const journal::CutTail& cut : disk_->journal.cuts()) {
        spdlog::warn(
            "{} was cut at octet {}: {} octets had not reached the disk whole, and nobody had been "
            "told of them; they are kept in {}",
            cut.file.string(), cut.offset, cut.octets, cut.kept_in.string());
    }
    if (records > 0) {
        const auto took = std::chrono::duration_cast<milliseconds>(runtime::now().steady - begin);
        spdlog::info("journal: {} records read in {} ms, {} tasks{}", records, took.count(),
                     core.state().tasks().size(),
                     disk_->journal.was_stopped_cleanly() ? "" : "; it had not been closed");
    }
}

Position Storage::append(std::span<const Record> records) {
    return disk_ ? disk_->journal.append(records) : memory_.append(records);
}

void Storage::write() {
    if (disk_) {
        disk_->journal.write();
    }
}

bool Storage::await(std::optional<Position> first) {
    if (!disk_) {
        return true;
    }
    ask_for_durable();
    trim();
    Position next = first.value_or(std::numeric_limits<Position>::max());
    if (!held_reads_.empty()) {
        next = std::min(next, held_reads_.front().position);
    }
    if (trim_to_ != 0 && trim_at_ > durable_position()) {
        next = std::min(next, trim_at_);
    }
    const bool is_calm = told_ == JournalChanged{};  // else less that waits is a change
    disk_->journal.await(is_calm ? next : 0);
    return durable_position() < next;
}

void Storage::read(std::span<const ReadOctets> reads) {
    if (reads.empty()) {
        return;
    }
    HeldReads held{.position = disk_->journal.end()};
    held.requests.reserve(reads.size());
    for (const ReadOctets& read : reads) {
        held.requests.push_back({read.at, read.token});
        ++reads_by_segment_[read.at.segment];
    }
    held_reads_.push_back(std::move(held));
    ask_for_durable();
}

// Nothing wakes the loop up for what is on the disk already.
void Storage::ask_for_durable() {
    while (!held_reads_.empty() && held_reads_.front().position <= durable_position()) {
        disk_->journal.read(held_reads_.front().requests);
        held_reads_.pop_front();
    }
}

std::vector<journal::ReadAnswer> Storage::take_answers() {
    if (!disk_) {
        return {};
    }
    ask_for_durable();
    std::vector<journal::ReadAnswer> answers = disk_->journal.take_answers();
    for (const journal::ReadAnswer& answer : answers) {
        const auto count = reads_by_segment_.find(answer.locator.segment);
        if (--count->second == 0) {
            reads_by_segment_.erase(count);
        }
    }
    trim();
    return answers;
}

void Storage::trim_to(std::uint32_t first_needed) {
    trim_to_ = first_needed;
    trim_at_ = disk_->journal.end();
}

// What is being read from a segment keeps it.
void Storage::trim() {
    const bool is_read = !reads_by_segment_.empty() && reads_by_segment_.begin()->first < trim_to_;
    if (trim_to_ != 0 && trim_at_ <= durable_position() && !is_read) {
        disk_->journal.trim(trim_to_);
        first_kept_ = trim_to_;
        trim_to_ = 0;
        is_carrying_ = false;
        looks_again_at_ = {};
    }
}

std::shared_ptr<const Mentions> Storage::take_scan() {
    return disk_ && is_carrying_ ? disk_->journal.take_scan() : nullptr;
}

// The files may take twice what is needed of them and two segments: the one that is written to, and
// the next. A segment that is sealed soon has to find its place free; the later the oldest one
// goes, the less of it is needed still.
void Storage::look_for_garbage(std::uint64_t live_octets, Instant now) {
    if (!disk_ || is_carrying_ || now < looks_again_at_) {
        return;
    }
    looks_again_at_ = now + garbage_look;
    std::vector<journal::SegmentUse> segments = disk_->journal.segments();
    std::erase_if(segments, [this](const journal::SegmentUse& use) {
        return use.segment < first_kept_;  // it may vanish at any moment
    });
    std::uint64_t sealed = 0;
    for (const journal::SegmentUse& use : segments) {
        sealed += use.segment < disk_->journal.segment() ? use.octets : 0;
    }
    const std::uint64_t segment = disk_->journal.segment_octets();
    const bool is_half_full = disk_->journal.segment_taken() > segment / 2;
    const bool is_too_much =
        sealed > 2 * live_octets || (is_half_full && sealed + segment > 2 * live_octets);
    if (is_too_much && segments.size() > 1) {
        is_carrying_ = true;
        disk_->journal.scan(segments.front().segment);
    }
}

bool Storage::take_segment_change() {
    return disk_ &&
           std::exchange(segment_seen_, disk_->journal.segment()) != disk_->journal.segment();
}

std::optional<JournalChanged> Storage::take_change() {
    if (!disk_) {
        return std::nullopt;
    }
    const std::uint64_t waiting = disk_->journal.octets_waiting();
    const JournalChanged now{
        .is_full = disk_->journal.is_disk_full(),
        .is_behind = waiting > (told_.is_behind ? octets_waiting_max / 2 : octets_waiting_max),
        .is_busy = waiting > octets_waiting_busy};
    if (now == told_) {
        return std::nullopt;
    }
    if (now.is_full != told_.is_full) {
        spdlog::log(now.is_full ? spdlog::level::err : spdlog::level::info,
                    now.is_full ? "the disk is full: new tasks are refused, what is there is "
                                  "finished; tasks are taken again when there is room"
                                : "there is room on the disk again: tasks are taken");
    }
    told_ = now;
    return now;
}

void Storage::check() const {
    if (disk_ && disk_->journal.has_failed()) {
        throw std::runtime_error("the journal cannot be written: " + disk_->journal.failure() +
                                 ". Nothing that is not on the disk has been confirmed; mend the "
                                 "disk and start again");
    }
}

bool Storage::close(Instant latest) {
    if (!disk_) {
        return true;
    }
    disk_->journal.close();
    while (!disk_->journal.is_closed()) {
        check();
        const auto left = std::chrono::ceil<milliseconds>(latest - runtime::now().steady).count();
        if (left <= 0) {
            return false;
        }
        pollfd waiting{.fd = descriptor(), .events = POLLIN, .revents = 0};
        poll(&waiting, 1, static_cast<int>(left));
        clear_wakeup();
    }
    return true;
}

}  // namespace xebec::broker

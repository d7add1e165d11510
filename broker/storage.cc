#include "broker/storage.h"

#include "runtime/clock.h"
#include "runtime/random.h"

#include <spdlog/spdlog.h>

#include <poll.h>
#include <stdexcept>
#include <utility>

namespace xebec::broker {

namespace {

constexpr std::uint64_t records_between_signals = 1 << 16;
constexpr std::uint64_t records_between_top_ups = 1 << 8;

std::filesystem::path journal_folder(const Options& options) {
    return std::filesystem::absolute(options.data) / "journal";
}

}  // namespace

Storage::Storage(const Options& options, const runtime::Signals& signals,
                 runtime::HeapReserve& heap, Core& core) {
    if (options.durability != Durability::none) {
        open(options, signals, heap, core);
    } else if (files_.exists(journal_folder(options))) {
        throw std::runtime_error(
            journal_folder(options).string() +
            " holds tasks, which --durability none would neither see nor keep: start without it, "
            "or name another folder with --data");
    }
}

void Storage::open(const Options& options, const runtime::Signals& signals,
                   runtime::HeapReserve& heap, Core& core) {
    const Instant begin = runtime::now().steady;
    std::uint64_t records = 0;
    const journal::Options journal_options{
        .folder = journal_folder(options),
        .seed = runtime::random_seed(),
        .writer = {.flush_every = options.durability == Durability::relaxed ? options.flush_every
                                                                            : Duration{0}}};
    const auto replay = [&](const Record& record, const Places& places) {
        core.replay(record, places);
        if (++records % records_between_top_ups == 0) {
            heap.top_up();
        }
        if (records % records_between_signals == 0 && signals.take()) {
            throw StoppedAtStart{};
        }
    };
    const auto prefetch = [&](std::uint64_t number, const std::optional<TaskId>& id) {
        core.prefetch(number, id);
    };
    disk_ = std::make_unique<Disk>(files_, journal_options, replay, prefetch);
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
    return !disk_ || disk_->owner.await(first);
}

void Storage::read(std::span<const ReadOctets> reads) {
    if (disk_) {
        disk_->owner.read(reads);
    }
}

std::vector<journal::ReadAnswer> Storage::take_answers() {
    return disk_ ? disk_->owner.take_answers() : std::vector<journal::ReadAnswer>{};
}

std::vector<SegmentUse> Storage::hold(std::uint64_t backup) {
    return disk_ ? disk_->journal.hold(backup) : std::vector<SegmentUse>{};
}

void Storage::release(std::uint64_t backup) {
    if (disk_) {
        disk_->journal.release(backup);
    }
}

void Storage::read_pieces(std::span<const ReadPiece> pieces) {
    std::vector<journal::PieceRequest> requests;
    for (const ReadPiece& piece : pieces) {
        requests.push_back({piece.at, piece.octets, piece.token});
    }
    if (!requests.empty()) {
        disk_->journal.read_pieces(requests);
    }
}

std::vector<journal::PieceAnswer> Storage::take_pieces() {
    return disk_ ? disk_->journal.take_pieces() : std::vector<journal::PieceAnswer>{};
}

std::optional<SegmentChosen> Storage::look_for_garbage(const State& state, Instant now) {
    return disk_ ? disk_->owner.look_for_garbage(
                       {state.live_octets(), state.segments(), state.shelves(), state.tombstones()},
                       now)
                 : std::nullopt;
}

void Storage::trim_to(std::uint32_t first_needed, journal::Journal::Before before) {
    disk_->owner.trim_to(first_needed, before);
}

void Storage::unshelve(std::uint32_t segment) {
    disk_->owner.unshelve(segment);
}

void Storage::keep_segment(Instant now) {
    disk_->owner.keep_segment(now);
}

bool Storage::take_segment_change() {
    return disk_ && disk_->owner.take_segment_change();
}

std::uint64_t Storage::journal_octets() const {
    std::uint64_t octets = 0;
    if (disk_) {
        for (const SegmentUse& use : disk_->journal.segments()) {
            octets += use.octets;
        }
    }
    return octets;
}

std::optional<JournalChanged> Storage::take_change() {
    const auto change = disk_ ? disk_->owner.take_change() : std::nullopt;
    if (change && change->is_full != was_full_) {
        was_full_ = change->is_full;
        spdlog::log(was_full_ ? spdlog::level::err : spdlog::level::info,
                    was_full_ ? "the disk is full: new tasks are refused, what is there is "
                                "finished; tasks are taken again when there is room"
                              : "there is room on the disk again: tasks are taken");
    }
    return change;
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

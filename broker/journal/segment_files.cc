#include "broker/journal/segment_files.h"

#include "broker/journal/octets.h"
#include "protocol/check.h"
#include "runtime/failpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>

namespace xebec::broker::journal {

namespace {

constexpr std::uint64_t slice_octets = 1 << 20;

std::uint64_t spare_number(std::string_view name) {
    std::uint64_t number = 0;
    name.remove_prefix(spare_prefix.size());
    std::from_chars(name.data(), name.data() + name.size(), number);
    return number;
}

}  // namespace

SegmentFiles::SegmentFiles(runtime::FileSystem& files, Options options)
    : files_(files), options_(std::move(options)) {
    // Small ones, so that a test comes to the end of many.
    options_.segment_octets = XEBEC_WITH_FAILPOINTS(1 << 20, options_.segment_octets);
    for (std::string& name : files_.list(options_.folder)) {
        if (name.starts_with(spare_prefix)) {
            spare_last_ = std::max(spare_last_, spare_number(name));
            spares_.push_back(std::move(name));
        }
    }
}

bool SegmentFiles::prepare(std::uint32_t segment) {
    switch (stage_) {
        case Stage::idle:
            begin();
            return false;
        case Stage::zeros:
            write_zeros();
            return false;
        case Stage::header:
            give_name(segment);
            return true;
        case Stage::ready:
            return true;
    }
    return false;
}

void SegmentFiles::skip_zeros() {
    if (stage_ == Stage::zeros) {
        stage_ = Stage::header;
    }
}

void SegmentFiles::begin() {
    const bool is_new = spares_.empty();
    if (is_new) {
        name_ = std::string(spare_prefix) + std::to_string(++spare_last_);
        fresh_.file = files_.open(options_.folder / name_, runtime::FileAccess::create);
        spares_.push_back(name_);
    } else {
        name_ = spares_.back();
        fresh_.file = files_.open(options_.folder / name_, runtime::FileAccess::change);
    }
    zeros_ = std::min(is_new ? 0 : fresh_.file->size(), options_.segment_octets);
    try {
        fresh_.file->allocate(options_.segment_octets);
    } catch (const runtime::FileError& error) {
        if (error.is_disk_full()) {  // what was taken would only make it fuller
            fresh_.file.reset();
            files_.remove(options_.folder / name_);
            spares_.pop_back();
        }
        throw;
    }
    stage_ = Stage::zeros;
}

// Blocks that were taken and never written cost a flush its speed.
void SegmentFiles::write_zeros() {
    static const std::string zeros(slice_octets, '\0');
    const std::uint64_t rest = options_.segment_octets - zeros_;
    if (rest > 0) {
        const std::uint64_t step = std::min(rest, slice_octets);
        fresh_.file->write_at(zeros_, std::string_view(zeros).substr(0, step));
        fresh_.file->flush();
        zeros_ += step;
    }
    if (zeros_ == options_.segment_octets) {
        stage_ = Stage::header;
    }
}

void SegmentFiles::give_up_zeros() {
    fresh_ = {};
    files_.remove(options_.folder / name_);
    std::erase(spares_, name_);
    zeros_ = 0;
    stage_ = Stage::idle;
}

// The header is on the disk before the name is, so that no segment is ever without one.
void SegmentFiles::give_name(std::uint32_t segment) {
    fresh_.segment = segment;
    fresh_.nonce = next_nonce(segment);
    const auto header =
        encode(SegmentHeader{.partition = options_.partition,
                             .segment = segment,
                             .octets = static_cast<std::uint32_t>(options_.segment_octets),
                             .nonce = fresh_.nonce});
    fresh_.file->write_at(0, {header.data(), header.size()});
    fresh_.file->flush();
    files_.rename(options_.folder / name_, path_of(segment));
    XEBEC_FAILPOINT("next.named");
    files_.flush_folder(options_.folder);
    std::erase(spares_, name_);
    stage_ = Stage::ready;
}

std::uint64_t SegmentFiles::next_nonce(std::uint32_t segment) {
    const std::uint64_t parts[] = {options_.seed, segment, ++spare_last_};
    return XXH3_64bits(parts, sizeof parts);
}

FreshSegment SegmentFiles::take_prepared() {
    check(stage_ == Stage::ready, "a segment is taken when it is ready");
    stage_ = Stage::idle;
    zeros_ = 0;
    return std::move(fresh_);
}

void SegmentFiles::adopt(const SegmentHeader& header) {
    fresh_ = {.segment = header.segment,
              .nonce = header.nonce,
              .file = files_.open(path_of(header.segment), runtime::FileAccess::change)};
    files_.flush_folder(options_.folder);  // nobody knows whether its name is on the disk
    stage_ = Stage::ready;
}

// The old name is gone from the disk before anything else is written to the file.
void SegmentFiles::retire(std::uint32_t segment, bool is_wanted) {
    XEBEC_FAILPOINT("retire.before");
    const Path path = path_of(segment);
    const std::uint64_t octets = files_.open(path, runtime::FileAccess::read)->size();
    is_wanted = is_wanted && octets == options_.segment_octets;
    if (is_wanted && stage_ == Stage::zeros) {
        give_up_zeros();
    }
    if (is_wanted && spares_.empty()) {
        spares_.push_back(std::string(spare_prefix) + std::to_string(++spare_last_));
        files_.rename(path, options_.folder / spares_.back());
    } else {
        files_.remove(path);
    }
    XEBEC_FAILPOINT("retire.renamed");
    files_.flush_folder(options_.folder);
}

}  // namespace xebec::broker::journal

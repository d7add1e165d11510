#include "broker/core/shelves.h"

#include "protocol/check.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xebec::broker {

// ---- runs ----

void TaskRuns::add(bool holds) {
    const std::uint32_t one[] = {0, 1};
    append(holds ? std::span(one).subspan(1) : std::span(one));
}

void TaskRuns::append(std::span<const std::uint32_t> runs) {
    bool holds = true;
    for (const std::uint32_t run : runs) {
        const bool is_holding_last = runs_.size() % 2 == 1;
        if (!runs_.empty() && holds == is_holding_last) {
            runs_.back() += run;
        } else if (run > 0 || runs_.empty()) {
            runs_.push_back(run);
        }
        count_ += run;
        is_any_ = is_any_ || (holds && run > 0);
        holds = !holds;
    }
}

bool TaskRunsReader::next() {
    while (left_ == 0) {
        if (runs_.empty()) {
            return false;
        }
        left_ = runs_.front();
        runs_ = runs_.subspan(1);
        holds_ = !holds_;
    }
    --left_;
    return holds_;
}

// ---- shelves ----

void Shelves::apply(const SegmentShelved& record) {
    if (record.first == 0) {
        telling_ = Telling{.segment = record.segment};
        telling_->shelf.told_in = std::numeric_limits<std::uint32_t>::max();  // nobody knows yet
    }
    const bool follows = telling_ && telling_->segment == record.segment &&
                         telling_->shelf.tasks.count() == record.first;
    if (!follows) {
        telling_.reset();  // the segment in which it began has gone
        return;
    }
    telling_->shelf.tasks.append(record.runs);
    if (record.is_last && telling_->shelf.tasks.is_any()) {
        shelves_[record.segment] = std::move(telling_->shelf);
    } else if (record.is_last) {
        shelves_.erase(record.segment);
    }
    telling_ = record.is_last ? std::nullopt : std::move(telling_);
    last_ = shelves_.empty() ? 0 : shelves_.rbegin()->first;
    last_ = telling_ ? std::max(last_, telling_->segment) : last_;
}

void Shelves::locate(const SegmentShelved& record, std::uint32_t segment) {
    if (record.first != 0) {
        return;
    }
    if (telling_ && telling_->segment == record.segment) {
        telling_->shelf.told_in = segment;
    } else if (const auto shelf = shelves_.find(record.segment); shelf != shelves_.end()) {
        shelf->second.told_in = segment;
    }
}

void Shelves::touch(std::uint32_t segment) {
    if (telling_ && telling_->segment == segment) {
        telling_->shelf.is_touched = true;
    }
    if (const auto shelf = shelves_.find(segment); shelf != shelves_.end()) {
        shelf->second.is_touched = true;
    }
}

const Shelf* Shelves::find(std::uint32_t segment) const {
    const auto shelf = shelves_.find(segment);
    return shelf == shelves_.end() ? nullptr : &shelf->second;
}

const std::pair<const std::uint32_t, Shelf>* Shelves::find_told_in(std::uint32_t segment) const {
    const auto found = std::find_if(shelves_.begin(), shelves_.end(), [segment](const auto& shelf) {
        return shelf.second.told_in <= segment;
    });
    return found == shelves_.end() ? nullptr : &*found;
}

std::vector<SegmentShelved> Shelves::tell_again(std::uint32_t segment, const Shelf& shelf) {
    check(!shelf.is_touched, "what is told by its order stands there as it is");
    std::vector<SegmentShelved> records;
    std::span<const std::uint32_t> rest = shelf.tasks.runs();
    std::uint32_t first = 0;
    while (!rest.empty()) {
        const auto part = rest.first(std::min(rest.size(), shelved_runs_max));
        rest = rest.subspan(part.size());
        records.push_back({.segment = segment,
                           .first = first,
                           .runs = {part.begin(), part.end()},
                           .is_last = rest.empty()});
        for (const std::uint32_t run : part) {
            first += run;
        }
    }
    return records;
}

}  // namespace xebec::broker

#pragma once
// Segments of the journal that stay although those before and behind them went, because most of
// what they tell holds as it stands there (docs/decisions/0018). What holds is told again by its
// order: one record for thousands of tasks.

#include "broker/core/records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace xebec::broker {

// Which of a segment's tasks hold: by turns how many do and how many behind them do not.
class TaskRuns {
public:
    void add(bool holds);
    void append(std::span<const std::uint32_t> runs);  // of what follows, those that hold first

    const std::vector<std::uint32_t>& runs() const { return runs_; }
    std::uint32_t count() const { return count_; }  // of tasks
    bool is_any() const { return is_any_; }         // holding

private:
    std::vector<std::uint32_t> runs_;
    std::uint32_t count_ = 0;
    bool is_any_ = false;
};

// Goes through them, task by task. `runs` has to outlive this.
class TaskRunsReader {
public:
    explicit TaskRunsReader(std::span<const std::uint32_t> runs) : runs_(runs) {}

    bool next();  // whether the next one holds; behind the last none does

private:
    std::span<const std::uint32_t> runs_;
    std::uint32_t left_ = 0;
    bool holds_ = false;  // those of the present run
};

struct Shelf {
    TaskRuns tasks;
    // The segment in which the latest telling of all of them began. It may go when they were told
    // of again.
    std::uint32_t told_in = 0;
    bool is_touched = false;  // one of them has changed since
};

class Shelves {
public:
    void apply(const SegmentShelved& record);
    void locate(const SegmentShelved& record, std::uint32_t segment);  // in which it lies

    // Before a task whose place is in that segment changes for the first time.
    bool may_have(std::uint32_t segment) const { return segment - 1 < last_; }
    void touch(std::uint32_t segment);

    const std::map<std::uint32_t, Shelf>& all() const { return shelves_; }  // by segment
    const Shelf* find(std::uint32_t segment) const;
    // One that has to be told of again before that segment goes.
    const std::pair<const std::uint32_t, Shelf>* find_told_in(std::uint32_t segment) const;

    // The records that tell of a shelf again as it was told of last: nothing was touched.
    static std::vector<SegmentShelved> tell_again(std::uint32_t segment, const Shelf& shelf);

private:
    struct Telling {
        std::uint32_t segment = 0;
        Shelf shelf;
    };

    std::map<std::uint32_t, Shelf> shelves_;
    std::optional<Telling> telling_;  // under way
    std::uint32_t last_ = 0;          // of all these
};

}  // namespace xebec::broker

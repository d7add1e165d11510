#pragma once
// Whom a frame's records speak of, without the rest of their fields.

#include "broker/journal/record_types.h"

#include <xebec/task.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace xebec::broker::journal {

struct Subject {
    RecordType type{};
    std::uint64_t number = 0;  // of the task, if the record speaks of one
    std::optional<TaskId> id;  // if the record has it
};

// Goes through metadata whose checksum is right. Fields are passed over, so that a wrong value goes
// unnoticed; for any octets that `RecordDecoder` accepts both see the same records.
class RecordSkimmer {
public:
    explicit RecordSkimmer(std::string_view metadata)
        : at_(metadata.data()), end_(metadata.data() + metadata.size()) {}

    // The next record's; nothing at the end, and when what is there is no record.
    std::optional<Subject> next();
    bool is_good() const { return is_good_; }

private:
    struct Fields;

    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    void stop() {
        is_good_ = false;
        at_ = end_;
    }
    bool pass(RecordType type);            // false: there is no such type
    const char* take(std::size_t octets);  // nothing: there are not so many left
    void pass_number();
    std::uint64_t number();

    const char* at_;
    const char* end_;
    bool is_good_ = true;
    Subject subject_;
};

}  // namespace xebec::broker::journal

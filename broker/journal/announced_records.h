#pragma once
// A frame's records, each announced some before its turn: a start spends its time waiting for
// memory that nothing has looked at for long.

#include "broker/journal/record_codec.h"
#include "broker/journal/record_skimmer.h"

#include <xebec/task.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace xebec::broker::journal {

// Called a few records before: of which task it will be, by its number, and by its id if the record
// has it.
using Ahead = std::function<void(std::uint64_t number, const std::optional<TaskId>& id)>;

// `metadata` and `ahead` have to outlive this.
class AnnouncedRecords {
public:
    AnnouncedRecords(std::string_view metadata, const Ahead& ahead)
        : decoder_(metadata), skimmer_(metadata), ahead_(ahead) {
        constexpr int records_ahead = 16;
        for (int i = 0; i < records_ahead; ++i) {
            announce();
        }
    }

    std::optional<Record> next() {
        std::optional<Record> record = decoder_.next();
        if (record) {
            announce();
        }
        return record;
    }
    const RecordDecoder& decoder() const { return decoder_; }

private:
    void announce() {
        if (const auto subject = ahead_ ? skimmer_.next() : std::nullopt) {
            ahead_(subject->number, subject->id);
        }
    }

    RecordDecoder decoder_;
    RecordSkimmer skimmer_;
    const Ahead& ahead_;
};

}  // namespace xebec::broker::journal

#include "broker/journal/record_codec.h"
#include "broker/journal/record_types.h"
#include "protocol/check.h"

namespace xebec::broker::journal {

namespace {

constexpr std::size_t metadata_octets_kept_max = 2 << 20;  // memory beyond this is given back

}  // namespace

// Writes fields where the caller has made room. What has a loop or a choice in it is always
// inlined, so that `at_` stays in a register: to store a char may change any object that lies in
// memory.
class RecordWriter {
public:
    RecordWriter(RecordEncoder& encoder, std::size_t texts)
        : encoder_(encoder),
          begin_(encoder.metadata_.room(fields_octets_max + texts)),
          at_(begin_) {}
    void finish() { encoder_.metadata_.advance(static_cast<std::size_t>(at_ - begin_)); }

    void type(RecordType type) { octet(static_cast<std::uint8_t>(type)); }
    void octet(std::uint8_t value) { *at_++ = static_cast<char>(value); }
    [[gnu::always_inline]] void number(std::uint64_t value) {
        while (value >= 0x80) {
            *at_++ = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        *at_++ = static_cast<char>(value);
    }
    void time(WallTime at) { signed_number(at.time_since_epoch().count()); }
    void duration(milliseconds value) { signed_number(value.count()); }
    void signed_number(std::int64_t value) {
        number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }
    void fixed(std::uint64_t value) {
        store(at_, value);
        at_ += sizeof value;
    }
    void id(const TaskId& id) {
        std::memcpy(at_, id.octets.data(), id.octets.size());
        at_ += id.octets.size();
    }
    void text(std::string_view text) {
        number(text.size());
        copy(text);
    }
    void text(const Blob& text) { this->text(text.view()); }
    [[gnu::always_inline]] void payload(std::string_view octets, Locator& locator,
                                        std::uint32_t& size) {
        size = static_cast<std::uint32_t>(octets.size());
        if (octets.empty()) {
            octet(static_cast<std::uint8_t>(PayloadForm::empty));
            return;
        }
        const std::uint64_t checksum = payload_checksum(octets);
        if (octets.size() <= inline_octets_max) {
            octet(static_cast<std::uint8_t>(PayloadForm::in_line));
            locator = {in_metadata, static_cast<std::uint32_t>(at_ - encoder_.metadata_.data())};
            prefix(size, checksum);
            copy(octets);
            return;
        }
        octet(static_cast<std::uint8_t>(PayloadForm::apart));
        locator = {in_payloads, static_cast<std::uint32_t>(encoder_.payload_octets_)};
        number(encoder_.payload_octets_);
        prefix(size, checksum);
        encoder_.apart_.push_back({octets, checksum});
        encoder_.payload_octets_ += payload_prefix_octets + octets.size();
    }

private:
    void prefix(std::uint32_t size, std::uint64_t checksum) {
        store(at_, size);
        store(at_ + 4, checksum);
        at_ += payload_prefix_octets;
    }
    void copy(std::string_view octets) {
        if (!octets.empty()) {
            std::memcpy(at_, octets.data(), octets.size());
            at_ += octets.size();
        }
    }

    RecordEncoder& encoder_;
    char* begin_;
    char* at_;
};

namespace {

std::size_t octets_in_line(std::string_view payload) {
    return payload.size() <= inline_octets_max ? payload.size() : 0;
}

class Encoding {
public:
    Encoding(RecordEncoder& encoder, Places& places) : encoder_(encoder), places_(places) {}

    void operator()(const TaskAccepted& r) {
        check(!r.is_volatile, "a volatile task is never written");
        RecordWriter w(encoder_, r.kind.size() + r.queue.size() + octets_in_line(r.payload.view));
        w.type(RecordType::task_accepted);
        w.number(r.number);
        w.id(r.id);
        w.fixed(r.content_hash);
        w.text(r.kind);
        w.text(r.queue);
        w.octet(static_cast<std::uint8_t>(r.content_type));
        w.octet(r.priority);
        w.number(r.attempts_max);
        w.duration(r.run_max);
        w.time(r.not_before);
        w.time(r.deadline);
        w.time(r.at);
        w.payload(r.payload.view, places_.payload, places_.payload_octets);
        w.finish();
    }
    void operator()(const TaskDue& r) { plain(RecordType::task_due, r.number, r.at); }
    void operator()(const AttemptStarted& r) {
        RecordWriter w(encoder_, r.worker.size());
        w.type(RecordType::attempt_started);
        w.number(r.number);
        w.number(r.fence.epoch);
        w.number(r.fence.attempt);
        w.time(r.at);
        w.text(r.worker);
        w.finish();
    }
    void operator()(const AttemptReturned& r) {
        RecordWriter w(encoder_, r.error_class.size() + r.error_text.size());
        const Charge charge = !r.is_charged           ? Charge::none
                              : r.error_class.empty() ? Charge::unexplained
                                                      : Charge::explained;
        w.type(RecordType::attempt_returned);
        w.number(r.number);
        w.octet(static_cast<std::uint8_t>(charge));
        w.time(r.at);
        if (charge == Charge::explained) {
            w.text(r.error_class);
            w.text(r.error_text);
        }
        w.finish();
    }
    void operator()(const AttemptFailed& r) {
        RecordWriter w(encoder_, r.error_class.size() + r.error_text.size());
        w.type(RecordType::attempt_failed);
        w.number(r.number);
        w.text(r.error_class);
        w.text(r.error_text);
        w.duration(r.pause);
        w.number(r.run_us);
        w.time(r.at);
        w.finish();
    }
    void operator()(const TaskSucceeded& r) {
        RecordWriter w(encoder_, octets_in_line(r.result.view));
        w.type(RecordType::task_succeeded);
        w.number(r.number);
        w.octet(static_cast<std::uint8_t>(r.result_type));
        w.number(r.run_us);
        w.time(r.at);
        w.payload(r.result.view, places_.result, places_.result_octets);
        w.finish();
    }
    void operator()(const TaskDied& r) {
        RecordWriter w(encoder_, r.error_class.size() + r.error_text.size());
        w.type(RecordType::task_died);
        w.number(r.number);
        w.text(r.error_class);
        w.text(r.error_text);
        w.number(r.run_us);
        w.time(r.at);
        w.finish();
    }
    void operator()(const TaskCancelled& r) { plain(RecordType::task_cancelled, r.number, r.at); }
    void operator()(const TaskExpired& r) { plain(RecordType::task_expired, r.number, r.at); }
    void operator()(const TaskRetried& r) {
        RecordWriter w(encoder_, 0);
        w.type(RecordType::task_retried);
        w.number(r.number);
        w.number(r.attempts_max);
        w.time(r.at);
        w.finish();
    }
    void operator()(const TaskRemoved& r) {
        if (!r.is_whole) {
            plain(RecordType::task_removed_by_number, r.number, r.at);
            return;
        }
        RecordWriter w(encoder_, 0);
        w.type(RecordType::task_removed);
        w.number(r.number);
        w.id(r.id);
        w.fixed(r.content_hash);
        w.number(r.fence.epoch);
        w.number(r.fence.attempt);
        w.octet(static_cast<std::uint8_t>(r.state));
        w.time(r.at);
        w.finish();
    }
    void operator()(const QueueChanged& r) {
        RecordWriter w(encoder_, r.queue.size());
        w.type(RecordType::queue_changed);
        w.text(r.queue);
        w.octet(r.is_paused ? 1 : 0);
        w.duration(r.settings.lease);
        w.duration(r.settings.run_max);
        w.number(r.settings.attempts_max);
        w.duration(r.settings.pause_first);
        w.duration(r.settings.pause_max);
        w.duration(r.settings.retention);
        w.number(r.settings.tasks_max);
        w.finish();
    }
    void operator()(const FloorRaised& r) {
        RecordWriter w(encoder_, 0);
        w.type(RecordType::floor_raised);
        w.time(r.floor);
        w.finish();
    }
    void operator()(const TaskCarried& r) {
        RecordWriter w(encoder_, r.kind.size() + r.queue.size() + r.worker.size() +
                                     r.error_class.size() + r.error_text.size() +
                                     octets_in_line(r.payload.view) +
                                     octets_in_line(r.result.view));
        w.type(RecordType::task_carried);
        w.number(r.number);
        w.id(r.id);
        w.fixed(r.content_hash);
        w.text(r.kind);
        w.text(r.queue);
        w.octet(static_cast<std::uint8_t>(r.content_type));
        w.octet(r.priority);
        w.octet(static_cast<std::uint8_t>(r.state));
        w.octet(r.is_returned ? 1 : 0);
        w.number(r.attempts);
        w.number(r.attempts_max);
        w.number(r.version);
        w.number(r.series);
        w.number(r.fence.epoch);
        w.number(r.fence.attempt);
        w.duration(r.run_max);
        w.time(r.not_before);
        w.time(r.deadline);
        w.time(r.accepted_at);
        w.time(r.retry_at);
        w.text(r.worker);
        w.time(r.started_at);
        w.text(r.error_class);
        w.text(r.error_text);
        w.octet(static_cast<std::uint8_t>(r.result_type));
        w.time(r.finished_at);
        w.number(r.finished_order);
        w.payload(r.payload.view, places_.payload, places_.payload_octets);
        w.payload(r.result.view, places_.result, places_.result_octets);
        w.finish();
    }
    void operator()(const TombstoneCarried& r) {
        RecordWriter w(encoder_, 0);
        w.type(RecordType::tombstone_carried);
        w.id(r.id);
        w.number(r.number);
        w.fixed(r.content_hash);
        w.number(r.fence.epoch);
        w.number(r.fence.attempt);
        w.octet(static_cast<std::uint8_t>(r.state));
        w.time(r.removed_at);
        w.finish();
    }
    void operator()(const HistoryCarried& r) {
        std::size_t octets = r.attempts.size() * attempt_fields_octets_max;
        for (const PastAttempt& attempt : r.attempts) {
            octets +=
                attempt.worker.size() + attempt.error_class.size() + attempt.error_text.size();
        }
        RecordWriter w(encoder_, octets);
        w.type(RecordType::history_carried);
        w.number(r.number);
        w.number(r.attempts.size());
        for (const PastAttempt& attempt : r.attempts) {
            w.number(attempt.attempt);
            w.number(attempt.fence.epoch);
            w.number(attempt.fence.attempt);
            w.text(attempt.worker);
            w.time(attempt.started_at);
            w.time(attempt.ended_at);
            w.octet(static_cast<std::uint8_t>(attempt.state));
            w.text(attempt.error_class);
            w.text(attempt.error_text);
        }
        w.finish();
    }
    void operator()(const SegmentShelved& r) {
        check(r.runs.size() <= shelved_runs_max, "what is told by its order is told in parts");
        RecordWriter w(encoder_, r.runs.size() * number_octets_max);
        w.type(RecordType::segment_shelved);
        w.number(r.segment);
        w.number(r.first);
        w.octet(r.is_last ? 1 : 0);
        w.number(r.runs.size());
        for (const std::uint32_t run : r.runs) {
            w.number(run);
        }
        w.finish();
    }
    void operator()(const BasesCarried& r) {
        RecordWriter w(encoder_, 0);
        w.type(RecordType::bases_carried);
        w.number(r.number_last);
        w.number(r.finished_order_last);
        w.finish();
    }

private:
    void plain(RecordType type, std::uint64_t number, WallTime at) {
        RecordWriter w(encoder_, 0);
        w.type(type);
        w.number(number);
        w.time(at);
        w.finish();
    }

    RecordEncoder& encoder_;
    Places& places_;
};

void place_one(Locator& locator, std::uint32_t segment, std::uint64_t metadata_offset,
               std::uint64_t payload_offset) {
    if (!locator.is_nowhere()) {
        const std::uint64_t base =
            locator.segment == in_metadata ? metadata_offset : payload_offset;
        locator = {segment, static_cast<std::uint32_t>(base + locator.offset)};
    }
}

}  // namespace

void RecordEncoder::clear() {
    metadata_.clear(metadata_octets_kept_max);
    payload_octets_ = 0;
    apart_.clear();
}

void RecordEncoder::add(const Record& record, Places& places) {
    places = {};
    std::visit(Encoding(*this, places), record);
}

void RecordEncoder::cut(const Extent& extent) {
    metadata_.resize(extent.metadata);
    payload_octets_ = extent.payloads;
    apart_.resize(extent.payload_count);
}

void RecordEncoder::append_to(Buffer& into) const {
    into.append(metadata_.view());
    for (const auto& [octets, checksum] : apart_) {
        char* const prefix = into.room(payload_prefix_octets + octets.size());
        store(prefix, static_cast<std::uint32_t>(octets.size()));
        store(prefix + 4, checksum);
        into.advance(payload_prefix_octets);
        into.append(octets);
    }
}

void place(Places& places, std::uint32_t segment, std::uint64_t metadata_offset,
           std::uint64_t payload_offset) {
    places.segment = segment;
    place_one(places.payload, segment, metadata_offset, payload_offset);
    place_one(places.result, segment, metadata_offset, payload_offset);
}

}  // namespace xebec::broker::journal

#include "broker/journal/record_codec.h"
#include "broker/journal/record_types.h"
#include "protocol/limits.h"

#include <array>
#include <utility>

namespace xebec::broker::journal {

// Reads fields; after the first that is wrong everything is empty, and `is_good` says no. Starts
// spend much of their time here: once a field was wrong there are no octets left, so that reading
// one compares with the end and nothing else.
class RecordReader {
public:
    explicit RecordReader(RecordDecoder& decoder)
        : decoder_(decoder),
          at_(decoder.rest_.data()),
          end_(decoder.rest_.data() + decoder.rest_.size()) {}

    bool is_good() const { return is_good_; }
    void require(bool is_right) {
        if (!is_right) {
            stop();
        }
    }
    // What the record has left over, for the next one.
    std::string_view rest() const { return {at_, left()}; }

    std::uint8_t octet() { return static_cast<std::uint8_t>(*take(1)); }
    template <class Enum>
    Enum choice(Enum last) {
        const std::uint8_t value = octet();
        return value <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(value) : fail(Enum{});
    }
    bool flag() {
        const std::uint8_t value = octet();
        return value <= 1 ? value == 1 : fail(false);
    }
    std::uint64_t number(std::uint64_t max = UINT64_MAX) {
        const std::uint8_t first = octet();
        const std::uint64_t value = first < 0x80 ? first : longer_number(first);
        return value <= max ? value : fail(std::uint64_t{0});
    }
    template <class Small>
    Small small() {
        return static_cast<Small>(number(std::numeric_limits<Small>::max()));
    }
    std::int64_t signed_number() {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
    }
    WallTime time() { return WallTime{milliseconds{signed_number()}}; }
    milliseconds duration() { return milliseconds{signed_number()}; }
    std::uint64_t fixed() { return load<std::uint64_t>(take(8)); }
    TaskId id() {
        TaskId id;
        std::memcpy(id.octets.data(), take(id.octets.size()), id.octets.size());
        return id;
    }
    std::string_view text(std::size_t octets_max) {
        return octets(static_cast<std::size_t>(number(octets_max)));
    }
    Blob blob(std::size_t octets_max) { return Blob::copy_of(text(octets_max)); }
    Blob worker() {
        const std::string_view name = text(worker_name_octets_max);
        if (name != decoder_.worker_last_.view()) {
            decoder_.worker_last_ = Blob::copy_of(name);
        }
        return decoder_.worker_last_;
    }
    Fence fence() {
        const auto epoch = small<std::uint32_t>();
        return {epoch, small<std::uint32_t>()};
    }
    Octets payload(Locator& locator, std::uint32_t& octets) {
        switch (choice(PayloadForm::apart)) {
            case PayloadForm::empty:
                return {};
            case PayloadForm::in_line:
                return in_line(locator, octets);
            case PayloadForm::apart:
                apart(locator, octets);
                return {};
        }
        return {};
    }

private:
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    void stop() {
        is_good_ = false;
        at_ = end_;
    }
    template <class Value>
    Value fail(Value otherwise) {
        stop();
        return otherwise;
    }
    // So many octets, 16 at most; zeros where there are none.
    const char* take(std::size_t size) {
        return left() >= size ? std::exchange(at_, at_ + size) : fail(zeros.data());
    }
    std::string_view octets(std::size_t size) {
        return left() >= size ? std::string_view(std::exchange(at_, at_ + size), size)
                              : fail(std::string_view());
    }
    std::uint64_t longer_number(std::uint8_t first) {
        std::uint64_t value = first & 0x7FU;
        for (unsigned shift = 7; shift < 64; shift += 7) {
            const std::uint8_t next = octet();
            value |= static_cast<std::uint64_t>(next & 0x7F) << shift;
            if (next < 0x80) {
                const bool is_right = next != 0 && (shift < 63 || next == 1);
                return is_right ? value : fail(std::uint64_t{0});
            }
        }
        return fail(std::uint64_t{0});
    }
    Octets in_line(Locator& locator, std::uint32_t& size) {
        const auto here = static_cast<std::uint32_t>(decoder_.all_.size() - left());
        const char* const prefix = take(payload_prefix_octets);
        size = load<std::uint32_t>(prefix);
        if (size == 0 || size > inline_octets_max) {
            return fail(Octets());
        }
        const std::string_view content = octets(size);
        if (payload_checksum(content) != load<std::uint64_t>(prefix + 4)) {
            return fail(Octets());
        }
        locator = {in_metadata, here};
        return Octets(content);
    }
    void apart(Locator& locator, std::uint32_t& octets) {
        Apart apart{.offset = small<std::uint32_t>()};
        const char* const prefix = take(payload_prefix_octets);
        apart.octets = load<std::uint32_t>(prefix);
        apart.checksum = load<std::uint64_t>(prefix + 4);
        if (apart.octets <= inline_octets_max) {
            stop();
        }
        locator = {in_payloads, apart.offset};
        octets = apart.octets;
        decoder_.apart_.push_back(apart);
    }

    static constexpr std::array<char, 16> zeros{};

    RecordDecoder& decoder_;
    const char* at_;
    const char* const end_;
    bool is_good_ = true;
};

namespace {

constexpr auto state_last = static_cast<TaskState>(task_state_count - 1);

// The fields of braced initialisers are read from left to right.

std::optional<Record> read_accepted(RecordReader& in, Places& places) {
    TaskAccepted r{.number = in.number(),
                   .id = in.id(),
                   .content_hash = in.fixed(),
                   .kind = in.text(kind_octets_max),
                   .queue = in.text(queue_name_octets_max),
                   .content_type = in.choice(ContentType::json),
                   .priority = in.octet(),
                   .attempts_max = in.small<std::uint16_t>(),
                   .run_max = in.duration(),
                   .not_before = in.time(),
                   .deadline = in.time(),
                   .at = in.time()};
    r.payload = in.payload(places.payload, places.payload_octets);
    return r;
}

std::optional<Record> read_returned(RecordReader& in) {
    AttemptReturned r{.number = in.number()};
    const auto charge = in.choice(Charge::explained);
    r.is_charged = charge != Charge::none;
    r.at = in.time();
    if (charge == Charge::explained) {
        r.error_class = in.blob(error_text_octets_max);
        r.error_text = in.blob(error_text_octets_max);
    }
    return r;
}

std::optional<Record> read_failed(RecordReader& in) {
    return AttemptFailed{.number = in.number(),
                         .error_class = in.blob(error_text_octets_max),
                         .error_text = in.blob(error_text_octets_max),
                         .pause = in.duration(),
                         .run_us = in.number(),
                         .at = in.time()};
}

std::optional<Record> read_succeeded(RecordReader& in, Places& places) {
    TaskSucceeded r{.number = in.number(),
                    .result_type = in.choice(ContentType::json),
                    .run_us = in.number(),
                    .at = in.time()};
    r.result = in.payload(places.result, places.result_octets);
    return r;
}

std::optional<Record> read_died(RecordReader& in) {
    return TaskDied{.number = in.number(),
                    .error_class = in.blob(error_text_octets_max),
                    .error_text = in.blob(error_text_octets_max),
                    .run_us = in.number(),
                    .at = in.time()};
}

std::optional<Record> read_queue(RecordReader& in) {
    QueueChanged r{.queue = in.text(queue_name_octets_max)};
    r.is_paused = in.flag();
    r.settings = {.lease = in.duration(),
                  .run_max = in.duration(),
                  .attempts_max = in.small<std::uint32_t>(),
                  .pause_first = in.duration(),
                  .pause_max = in.duration(),
                  .retention = in.duration(),
                  .tasks_max = in.number()};
    return r;
}

std::optional<Record> read_carried(RecordReader& in, Places& places) {
    TaskCarried r{.number = in.number(),
                  .id = in.id(),
                  .content_hash = in.fixed(),
                  .kind = in.text(kind_octets_max),
                  .queue = in.text(queue_name_octets_max),
                  .content_type = in.choice(ContentType::json),
                  .priority = in.octet(),
                  .state = in.choice(state_last),
                  .is_returned = in.flag(),
                  .attempts = in.small<std::uint16_t>(),
                  .attempts_max = in.small<std::uint16_t>(),
                  .version = in.small<std::uint32_t>(),
                  .series = in.small<std::uint32_t>(),
                  .fence = in.fence(),
                  .run_max = in.duration(),
                  .not_before = in.time(),
                  .deadline = in.time(),
                  .accepted_at = in.time(),
                  .retry_at = in.time(),
                  .worker = in.worker(),
                  .started_at = in.time(),
                  .error_class = in.blob(error_text_octets_max),
                  .error_text = in.blob(error_text_octets_max),
                  .result_type = in.choice(ContentType::json),
                  .finished_at = in.time(),
                  .finished_order = in.number()};
    r.payload = in.payload(places.payload, places.payload_octets);
    r.result = in.payload(places.result, places.result_octets);
    return r;
}

std::optional<Record> read_tombstone(RecordReader& in) {
    return TombstoneCarried{.id = in.id(),
                            .number = in.number(),
                            .content_hash = in.fixed(),
                            .fence = in.fence(),
                            .state = in.choice(state_last),
                            .removed_at = in.time()};
}

std::optional<Record> read_removed(RecordReader& in) {
    return TaskRemoved{.number = in.number(),
                       .id = in.id(),
                       .content_hash = in.fixed(),
                       .fence = in.fence(),
                       .state = in.choice(state_last),
                       .at = in.time()};
}

std::optional<Record> read_history(RecordReader& in) {
    HistoryCarried r{.number = in.number()};
    const std::uint64_t count = in.number(history_attempts_max);
    for (std::uint64_t i = 0; i < count; ++i) {
        PastAttempt attempt{.attempt = in.small<std::uint16_t>()};
        attempt.fence = in.fence();
        attempt.worker = in.worker();
        attempt.started_at = in.time();
        attempt.ended_at = in.time();
        attempt.state = in.choice(state_last);
        attempt.error_class = in.blob(error_text_octets_max);
        attempt.error_text = in.blob(error_text_octets_max);
        r.attempts.push_back(std::move(attempt));
    }
    return r;
}

std::optional<Record> read_shelved(RecordReader& in) {
    SegmentShelved r{.segment = in.small<std::uint32_t>(),
                     .first = in.small<std::uint32_t>(),
                     .is_last = in.flag()};
    std::uint64_t tasks = r.first;
    for (std::uint64_t left = in.number(shelved_runs_max); left > 0; --left) {
        r.runs.push_back(in.small<std::uint32_t>());
        tasks += r.runs.back();
    }
    in.require(r.segment > 0 && tasks <= UINT32_MAX);
    return r;
}

std::optional<Record> read_record(RecordReader& in, RecordType type, Places& places) {
    switch (type) {
        case RecordType::task_accepted:
            return read_accepted(in, places);
        case RecordType::task_due:
            return TaskDue{.number = in.number(), .at = in.time()};
        case RecordType::attempt_started: {
            AttemptStarted r{.number = in.number(), .fence = in.fence()};
            r.at = in.time();
            r.worker = in.worker();
            return r;
        }
        case RecordType::attempt_returned:
            return read_returned(in);
        case RecordType::attempt_failed:
            return read_failed(in);
        case RecordType::task_succeeded:
            return read_succeeded(in, places);
        case RecordType::task_died:
            return read_died(in);
        case RecordType::task_cancelled:
            return TaskCancelled{.number = in.number(), .at = in.time()};
        case RecordType::task_expired:
            return TaskExpired{.number = in.number(), .at = in.time()};
        case RecordType::task_retried:
            return TaskRetried{
                .number = in.number(), .attempts_max = in.small<std::uint16_t>(), .at = in.time()};
        case RecordType::task_removed_by_number:
            return TaskRemoved{.number = in.number(), .at = in.time(), .is_whole = false};
        case RecordType::queue_changed:
            return read_queue(in);
        case RecordType::floor_raised:
            return FloorRaised{.floor = in.time()};
        case RecordType::task_carried:
            return read_carried(in, places);
        case RecordType::tombstone_carried:
            return read_tombstone(in);
        case RecordType::bases_carried:
            return BasesCarried{.number_last = in.number(), .finished_order_last = in.number()};
        case RecordType::history_carried:
            return read_history(in);
        case RecordType::task_removed:
            return read_removed(in);
        case RecordType::segment_shelved:
            return read_shelved(in);
    }
    return std::nullopt;
}

}  // namespace

std::optional<Record> RecordDecoder::next() {
    if (rest_.empty() || !fault_.empty()) {
        return std::nullopt;
    }
    places_ = {};
    const std::size_t at = all_.size() - rest_.size();
    RecordReader in(*this);
    const std::uint8_t type = in.octet();
    std::optional<Record> record = read_record(in, static_cast<RecordType>(type), places_);
    rest_ = in.rest();
    if (!record) {
        fault_ =
            "a record of the unknown type " + std::to_string(type) + ": written by a newer xebec?";
    } else if (!in.is_good()) {
        fault_ = "a record of type " + std::to_string(type) + " at octet " + std::to_string(at) +
                 " of the metadata has a wrong field";
        record.reset();
    }
    return record;
}

}  // namespace xebec::broker::journal

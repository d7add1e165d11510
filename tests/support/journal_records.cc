#include "tests/support/journal_records.h"

namespace xebec::testing {

using namespace broker;

namespace {

WallTime at(std::int64_t ms) {
    return WallTime{milliseconds{1'700'000'000'000 + ms}};
}

TaskId id_of(std::uint8_t seed) {
    TaskId id;
    for (std::uint8_t& octet : id.octets) {
        octet = seed = static_cast<std::uint8_t>(seed * 7 + 13);
    }
    return id;
}

Octets* payload_of(Record& record) {
    if (auto* accepted = std::get_if<TaskAccepted>(&record)) {
        return &accepted->payload;
    }
    auto* carried = std::get_if<TaskCarried>(&record);
    return carried == nullptr ? nullptr : &carried->payload;
}

Octets* result_of(Record& record) {
    if (auto* succeeded = std::get_if<TaskSucceeded>(&record)) {
        return &succeeded->result;
    }
    auto* carried = std::get_if<TaskCarried>(&record);
    return carried == nullptr ? nullptr : &carried->result;
}

std::uint32_t size_of(const Octets* octets) {
    return octets == nullptr ? 0 : static_cast<std::uint32_t>(octets->view.size());
}

}  // namespace

Record accepted(std::uint64_t number, std::string_view payload) {
    return TaskAccepted{.number = number,
                        .id = id_of(static_cast<std::uint8_t>(number)),
                        .content_hash = number * 0x9E37'79B9'7F4A'7C15U,
                        .kind = "add",
                        .queue = "default",
                        .payload = payload,
                        .attempts_max = 5,
                        .at = at(static_cast<std::int64_t>(number))};
}

std::vector<Record> records_of_every_type(std::string_view large) {
    std::vector<Record> records = records_of_version_3(large);
    records.emplace_back(SegmentShelved{
        .segment = 70'000, .first = 300, .runs = {0, 128, 1, 90'000}, .is_last = true});
    return records;
}

std::vector<Record> records_of_version_3(std::string_view large) {
    std::vector<Record> records = records_of_version_2(large);
    records.emplace_back(TaskRemoved{.number = 300,
                                     .id = id_of(6),
                                     .content_hash = 0x0123'4567'89AB'CDEF,
                                     .fence = {.epoch = 10, .attempt = 200},
                                     .state = TaskState::dead,
                                     .at = at(23)});
    return records;
}

std::vector<Record> records_of_version_2(std::string_view large) {
    std::vector<Record> records = records_of_version_1(large);
    records.emplace_back(AttemptReturned{.number = 2,
                                         .is_charged = true,
                                         .error_class = Blob::copy_of("worker_lost"),
                                         .error_text = Blob::copy_of("silent for 5000 ms"),
                                         .at = at(19)});
    records.emplace_back(AttemptReturned{.number = 2, .at = at(20)});
    records.emplace_back(
        HistoryCarried{.number = 4,
                       .attempts = {{.fence = {.epoch = 7, .attempt = 1},
                                     .worker = Blob::copy_of("worker-2"),
                                     .started_at = at(21),
                                     .ended_at = at(22),
                                     .error_class = Blob::copy_of("exit_1"),
                                     .error_text = Blob::copy_of("no such file"),
                                     .attempt = 1,
                                     .state = TaskState::scheduled},
                                    {.fence = {.epoch = UINT32_MAX, .attempt = UINT32_MAX},
                                     .attempt = UINT16_MAX,
                                     .state = TaskState::expired}}});
    return records;
}

std::vector<Record> records_of_version_1(std::string_view large) {
    const Blob worker = Blob::copy_of("worker-1");
    const Blob error_class = Blob::copy_of("division_by_zero");
    const Blob error_text = Blob::copy_of("7 / 0 has no result");
    return {
        TaskAccepted{.number = 1,
                     .id = id_of(1),
                     .content_hash = 0xFEDC'BA98'7654'3210,
                     .kind = "thumbnail",
                     .queue = "nightly",
                     .payload = std::string_view("[2,3]"),
                     .content_type = ContentType::json,
                     .priority = 9,
                     .attempts_max = 10'000,
                     .run_max = milliseconds{90'000},
                     .not_before = at(60'000),
                     .deadline = at(120'000),
                     .at = at(1)},
        accepted(2, large),
        accepted(3, {}),
        TaskDue{.number = 1, .at = at(60'001)},
        AttemptStarted{
            .number = 2, .fence = {.epoch = 7, .attempt = 300}, .worker = worker, .at = at(2)},
        AttemptReturned{.number = 2, .is_charged = true, .at = at(3)},
        AttemptFailed{.number = 2,
                      .error_class = error_class,
                      .error_text = error_text,
                      .pause = milliseconds{1'250},
                      .run_us = 123'456,
                      .at = at(4)},
        TaskSucceeded{.number = 2,
                      .result = std::string_view("5"),
                      .result_type = ContentType::json,
                      .run_us = 17,
                      .at = at(5)},
        TaskSucceeded{.number = 1, .result = large, .run_us = 1, .at = at(6)},
        TaskDied{.number = 3,
                 .error_class = error_class,
                 .error_text = error_text,
                 .run_us = 0,
                 .at = at(7)},
        TaskCancelled{.number = UINT64_MAX, .at = at(8)},
        TaskExpired{.number = 128, .at = WallTime{milliseconds{-5}}},
        TaskRetried{.number = 3, .attempts_max = 10, .at = at(9)},
        TaskRemoved{.number = 2, .at = at(10), .is_whole = false},
        QueueChanged{.queue = "nightly",
                     .settings = {.lease = milliseconds{1},
                                  .run_max = milliseconds{2},
                                  .attempts_max = 3,
                                  .pause_first = milliseconds{4},
                                  .pause_max = milliseconds{5},
                                  .retention = milliseconds{6},
                                  .tasks_max = 7},
                     .is_paused = true},
        FloorRaised{.floor = at(11)},
        TaskCarried{.number = 4,
                    .id = id_of(4),
                    .content_hash = 5,
                    .kind = "add",
                    .queue = "default",
                    .payload = large,
                    .content_type = ContentType::json,
                    .priority = 3,
                    .state = TaskState::succeeded,
                    .is_returned = true,
                    .attempts = 2,
                    .attempts_max = 5,
                    .version = 12,
                    .series = 1,
                    .fence = {.epoch = 8, .attempt = 2},
                    .run_max = milliseconds{1},
                    .not_before = at(12),
                    .deadline = at(13),
                    .accepted_at = at(14),
                    .retry_at = at(15),
                    .worker = worker,
                    .started_at = at(16),
                    .error_class = error_class,
                    .error_text = error_text,
                    .result = std::string_view("the result"),
                    .result_type = ContentType::json,
                    .finished_at = at(17),
                    .finished_order = 99},
        TombstoneCarried{.id = id_of(5),
                         .number = 5,
                         .content_hash = 6,
                         .fence = {.epoch = 9, .attempt = 1},
                         .state = TaskState::cancelled,
                         .removed_at = at(18)},
        BasesCarried{.number_last = 1'000, .finished_order_last = 999},
    };
}

journal::RecordType type_of(const Record& record) {
    if (std::holds_alternative<SegmentShelved>(record)) {
        return journal::RecordType::segment_shelved;
    }
    const auto* removed = std::get_if<TaskRemoved>(&record);
    return removed != nullptr && removed->is_whole
               ? journal::RecordType::task_removed
               : static_cast<journal::RecordType>(record.index() + 1);
}

std::string encoded(const std::vector<Record>& records) {
    journal::RecordEncoder encoder;
    journal::Places places;
    for (const Record& record : records) {
        encoder.add(record, places);
    }
    return std::string(encoder.metadata());
}

std::string mutated(std::string octets, std::mt19937_64& random) {
    for (std::uint64_t i = 0, count = 1 + random() % 4; i < count; ++i) {
        octets[random() % octets.size()] = static_cast<char>(random());
    }
    octets.resize(random() % (octets.size() + 1));
    return octets;
}

std::string fingerprint(Record record, std::uint32_t payload_octets, std::uint32_t result_octets) {
    for (Octets* octets : {payload_of(record), result_of(record)}) {
        if (octets != nullptr && octets->view.size() > journal::inline_octets_max) {
            *octets = {};
        }
    }
    return encoded({record}) + " " + std::to_string(payload_octets) + " " +
           std::to_string(result_octets);
}

std::string fingerprint(const Record& record) {
    Record copy = record;
    return fingerprint(record, size_of(payload_of(copy)), size_of(result_of(copy)));
}

std::vector<std::string> payloads_of(const Record& record) {
    Record copy = record;
    std::vector<std::string> payloads;
    for (const Octets* octets : {payload_of(copy), result_of(copy)}) {
        if (size_of(octets) > 0) {
            payloads.emplace_back(octets->view);
        }
    }
    return payloads;
}

}  // namespace xebec::testing

// What the journal costs: encoding on the owner's thread, and writing with a flush for each batch
// on a real disk, in XEBEC_BENCH_FOLDER or the build folder.

#include "broker/journal/journal.h"
#include "runtime/clock.h"
#include "runtime/posix_files.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace xebec::broker::journal {

namespace {

const std::string payload(64, 'x');
const std::string result(16, 'y');
const Blob worker = Blob::copy_of("worker-1");

// As the broker makes them for `count` tasks: accepted, started, succeeded.
std::vector<Record> records_of(std::size_t count) {
    std::vector<Record> records;
    const WallTime at{milliseconds{1'700'000'000'000}};
    for (std::uint64_t i = 0; i < count; ++i) {
        records.push_back(TaskAccepted{.number = 1'000'000 + i,
                                       .content_hash = i * 0x9E37'79B9'7F4A'7C15U,
                                       .kind = "echo",
                                       .queue = "default",
                                       .payload = std::string_view(payload),
                                       .attempts_max = 5,
                                       .at = at});
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        records.push_back(AttemptStarted{.number = 1'000'000 + i,
                                         .fence = {.epoch = 1'700'000'000, .attempt = 1},
                                         .worker = worker,
                                         .at = at});
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        records.push_back(TaskSucceeded{
            .number = 1'000'000 + i, .result = std::string_view(result), .run_us = 12, .at = at});
    }
    return records;
}

// As the journal's owner takes them, in a batch whose memory was used before.
struct Encoding {
    FrameEncoder frame;
    Layout layout{segment_octets_default, {}, 0};
    Batch batch;
    std::vector<Places> places;

    void encode_again(const std::vector<Record>& records) {
        batch.clear();
        places.clear();
        frame.encode(records, segment_octets_default, places);
        layout.put_down(frame, batch, places);
    }
};

void encode_records(benchmark::State& state) {
    const auto records = records_of(static_cast<std::size_t>(state.range(0)));
    Encoding encoding;
    for (auto _ : state) {
        encoding.encode_again(records);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
    state.counters["octets_per_task"] =
        static_cast<double>(encoding.batch.octets()) / static_cast<double>(state.range(0));
}
BENCHMARK(encode_records)->Arg(1)->Arg(256)->Arg(4'096);

// The same where another thread reads each batch, as the writer's does, before its memory is used
// again.
void encode_records_read_by_another(benchmark::State& state) {
    const auto records = records_of(static_cast<std::size_t>(state.range(0)));
    Encoding encoding;
    std::atomic<bool> is_readers_turn = false;
    const std::jthread reader([&](const std::stop_token& stop) {
        std::vector<char> copy;
        while (!stop.stop_requested()) {
            if (is_readers_turn) {
                for (const Run& run : encoding.batch.runs) {
                    const char* const begin = encoding.batch.at(run);
                    copy.assign(begin, begin + (run.end - run.begin));
                }
                is_readers_turn = false;
            }
        }
    });
    for (auto _ : state) {
        const Instant began = runtime::now().steady;
        encoding.encode_again(records);
        const std::chrono::duration<double> took = runtime::now().steady - began;
        state.SetIterationTime(took.count());
        is_readers_turn = true;
        while (is_readers_turn) {
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
}
BENCHMARK(encode_records_read_by_another)->Arg(256)->Arg(4'096)->UseManualTime();

void decode_records(benchmark::State& state) {
    const auto records = records_of(256);
    RecordEncoder encoder;
    Places places;
    for (const Record& record : records) {
        encoder.add(record, places);
    }
    for (auto _ : state) {
        RecordDecoder decoder(encoder.metadata());
        while (const auto record = decoder.next()) {
            benchmark::DoNotOptimize(record->index());
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
}
BENCHMARK(decode_records);

std::filesystem::path bench_folder() {
    const char* const told = std::getenv("XEBEC_BENCH_FOLDER");
    return std::filesystem::path(told != nullptr ? told : XEBEC_BENCH_FOLDER) / "journal-bench";
}

// One batch, one write, one flush.
void write_and_flush(benchmark::State& state) {
    const auto folder = bench_folder();
    std::filesystem::remove_all(folder);
    runtime::PosixFiles files;
    {
        Journal journal(files, {.folder = folder, .seed = 1}, [](const Record&, const Places&) {});
        while (true) {  // the next segment is made before the clock starts
            const Instant now = runtime::now().steady;
            const auto next = journal.work(now);
            if (!next || *next > now) {
                break;
            }
        }
        const auto records = records_of(static_cast<std::size_t>(state.range(0)));
        for (auto _ : state) {
            journal.append(records);
            while (journal.durable_position() < journal.end()) {
                journal.work(runtime::now().steady);
            }
            journal.trim(journal.segment());  // segments are used again
        }
        if (journal.has_failed()) {
            state.SkipWithError(journal.failure().c_str());
        }
        state.SetItemsProcessed(state.iterations() * state.range(0));
    }
    std::filesystem::remove_all(folder);
}
BENCHMARK(write_and_flush)->Arg(1)->Arg(256)->Arg(4'096)->UseRealTime()->MinTime(2);

}  // namespace

}  // namespace xebec::broker::journal

BENCHMARK_MAIN();

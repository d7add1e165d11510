// What the parts of the loop cost by themselves: codec, table of tasks, lanes, outbox.

#include "broker/core/lanes.h"
#include "broker/core/tasks.h"
#include "broker/outbox.h"
#include "protocol/codec.h"
#include "protocol/messages.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace xebec::broker {

namespace {

const std::string payload(64, 'x');

std::vector<TaskId> ids_of(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<TaskId> ids(count);
    for (TaskId& id : ids) {
        const std::uint64_t halves[2]{random(), random()};
        std::memcpy(id.octets.data(), halves, sizeof halves);
    }
    return ids;
}

protocol::Submit submit_of(std::size_t count) {
    protocol::Submit message{.wait = true};
    for (const TaskId& id : ids_of(count)) {
        message.items.push_back(
            {.id = id, .kind = "bench", .payload = std::string_view(payload), .queue = "bench"});
    }
    return message;
}

void encode_submit(benchmark::State& state) {
    const protocol::Message message = submit_of(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::encode({}, message));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_submit)->Arg(1)->Arg(256)->Arg(4'096);

void decode_submit(benchmark::State& state) {
    const protocol::Packet packet =
        protocol::encode({}, submit_of(static_cast<std::size_t>(state.range(0))));
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode(packet.header, packet.body, {}));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_submit)->Arg(1)->Arg(256)->Arg(4'096);

void decode_updates(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    protocol::UpdatesEncoder encoder;
    std::uint64_t number = 1'000'000;
    for (const TaskId& id : ids_of(count)) {
        encoder.add({.number = ++number,
                     .id = id,
                     .kind = "bench",
                     .state = TaskState::succeeded,
                     .attempt = 1,
                     .worker = "worker-1",
                     .duration_us = 12,
                     .version = 3});
    }
    const std::string body = encoder.take();
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_updates(body));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_updates)->Arg(1)->Arg(256);

// A task comes and is looked for, and the one before it goes, among as many others as told.
void table_insert_find_erase(benchmark::State& state) {
    TaskTable tasks;
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto ids = ids_of(count + 4'096);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.insert(ids[i], i + 1);
    }
    std::uint64_t number = count;
    std::size_t next = count + 1;
    TaskIndex before = tasks.insert(ids[count], ++number);
    for (auto _ : state) {
        tasks.insert(ids[next], ++number);
        const TaskIndex found = tasks.find(ids[next]);
        tasks.erase(before);
        before = found;
        next = next + 1 < ids.size() ? next + 1 : count;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(table_insert_find_erase)->Arg(10'000)->Arg(1'000'000)->Arg(10'000'000);

void table_find(benchmark::State& state) {
    TaskTable tasks;
    const auto ids = ids_of(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < ids.size(); ++i) {
        tasks.insert(ids[i], i + 1);
    }
    constexpr std::size_t stride = 7'919;  // a prime, so that the whole table is walked
    std::size_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(tasks.find(ids[at]));
        at = (at + stride) % ids.size();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(table_find)->Arg(10'000)->Arg(1'000'000)->Arg(10'000'000);

// In at the tail and out at the head of a lane with as many tasks as told, over all priorities.
void lane_push_and_take(benchmark::State& state) {
    TaskTable tasks;
    Lane lane(QueueIndex{}, KindIndex{});
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto ids = ids_of(count);
    for (std::size_t i = 0; i < count; ++i) {
        const TaskIndex task = tasks.insert(ids[i], i + 1);
        tasks[task].priority = static_cast<std::uint8_t>(i % (priority_max + 1));
        lane.push(tasks, task);
    }
    for (auto _ : state) {
        const TaskIndex task = lane.head(tasks)->task;
        lane.remove(tasks, task);
        lane.push(tasks, task);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(lane_push_and_take)->Arg(100)->Arg(1'000'000);

void outbox_put_and_take(benchmark::State& state) {
    Outbox outbox;
    Position position = 0;
    for (auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            outbox.put(++position, Send{.peer = {.port = Port::clients}});
        }
        while (auto message = outbox.take(position, Instant{})) {
            benchmark::DoNotOptimize(message);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(outbox_put_and_take)->Arg(1)->Arg(64);

}  // namespace

}  // namespace xebec::broker

BENCHMARK_MAIN();

// Hostile bodies cost no memory beyond their own size times a small constant. This program counts
// what is allocated, so it is one of its own.

#include "protocol/codec.h"
#include "protocol/reader.h"
#include "tests/unit/protocol/hex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

std::size_t allocated = 0;

}  // namespace

// Out of line, so that the compiler does not see a free() against a new.
[[gnu::noinline]] void* operator new(std::size_t size) {
    allocated += size;
    void* memory = std::malloc(size);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace xebec::protocol {
namespace {

using namespace xebec::testing;

struct Cost {
    bool decodes = false;
    std::size_t octets = 0;
};

Cost cost_of(std::uint8_t type, std::string_view body) {
    const std::size_t before = allocated;
    const Result<Message> decoded = decode({.type = type}, body, {});
    return {decoded.has_value(), allocated - before};
}

// The rest is for error texts and the parser's stack.
std::size_t cost_max(std::string_view body) {
    return decoded_octets_base + decoded_octets_per_octet * body.size() + 4096;
}

std::string body_of(std::string_view start, std::size_t count, std::string_view element) {
    std::string body(start);
    for (std::size_t i = 0; i < count; ++i) {
        body += element;
    }
    return body;
}

TEST(HostileBody, ThatPromisesWhatItDoesNotHoldCostsNothing) {
    const std::string bodies[] = {
        "8100ddffffffff"_hex,
        body_of("8100ddffffffff"_hex, 4 << 20, "\x01"),
        body_of("813f"_hex, (4 << 20) - 2, "\x91"),
        body_of("813f"_hex, 800'000, "\xdd\xff\xff\xff\xff"),
        body_of("8100"_hex, 800'000, "\xdd\x00\x00\x00\x01"),
        body_of("813f"_hex, 800'000, "\xc6\xff\xff\xff\xff"),
    };
    for (const std::string& body : bodies) {
        for (int type = 0; type < 256; ++type) {
            const Cost cost = cost_of(static_cast<std::uint8_t>(type), body);
            ASSERT_FALSE(cost.decodes) << type;
            ASSERT_LT(cost.octets, 4096U) << "type " << type << ", " << to_hex(body.substr(0, 16));
        }
    }
}

TEST(HostileBody, WithElementsThatGrowInMemoryStaysWithinItsBudget) {
    for (std::size_t count : {1'000U, 5'000U, 7'000U, 20'000U, 65'536U}) {
        std::string length = "8100dd"_hex;
        for (int shift = 24; shift >= 0; shift -= 8) {
            length += static_cast<char>(count >> shift);
        }
        for (const auto& element : {"80"_hex, "90"_hex, "a0"_hex, "00"_hex}) {
            const std::string body = body_of(length, count, element);
            for (int type = 0; type < 256; ++type) {
                const Cost cost = cost_of(static_cast<std::uint8_t>(type), body);
                ASSERT_LE(cost.octets, cost_max(body)) << "type " << type << ", count " << count;
            }
        }
    }
}

TEST(HostileBody, OfFullSizeStaysWithinItsBudget) {
    // Workers with as many empty texts as fit: the most memory for an octet that was found.
    const std::string worker = body_of("8104 dd00010000"_hex, 65'536, "\xa0");
    const std::string workers = body_of("810 0dc003f"_hex, 63, worker);

    const Cost cost = cost_of(WorkersAnswer::type, workers);

    EXPECT_LE(cost.octets, cost_max(workers));
    RecordProperty("body", static_cast<int>(workers.size()));
    RecordProperty("allocated", static_cast<int>(cost.octets));
}

TEST(Encoding, MakesNoRoomForWhatLeavesInAFrameOfItsOwn) {
    const Message done = Done{{{.fence = 1, .result = Blob::copy_of(std::string(16 << 20, 'x'))}}};
    const std::size_t before = allocated;

    const Packet packet = encode({}, done);

    EXPECT_EQ(packet.payloads.size(), 1U);
    EXPECT_LT(allocated - before, 64U << 10);
}

TEST(HonestBody, OfTheLargestBatchFitsTheBudget) {
    Query query;
    QueryAnswer unknown;
    for (std::uint64_t i = 0; i < Limits{}.batch_items_max; ++i) {
        query.tasks.emplace_back(i);
        unknown.items.push_back({.problem = {.code = 5}});
    }
    Hello hello;
    hello.held.resize(worker_credit_max);
    DoneAnswer done;
    done.statuses.resize(Limits{}.batch_items_max);
    PauseAnswer paused;
    paused.items.resize(Limits{}.batch_items_max);

    for (const Message& message :
         {Message(query), Message(unknown), Message(hello), Message(done), Message(paused)}) {
        const Packet packet = encode({}, message);
        EXPECT_TRUE(decode(packet.header, packet.body, packet.payloads))
            << "type " << int{packet.header.type};
    }
}

}  // namespace
}  // namespace xebec::protocol

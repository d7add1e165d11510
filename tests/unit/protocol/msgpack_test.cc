// msgpack-c, which writes bodies, and the decoder, which reads them, mean the same by MessagePack.

#include "protocol/codec.h"

#include <gtest/gtest.h>
#include <msgpack.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace xebec::protocol {
namespace {

constexpr std::string_view map_of_unknown_key = "\x81\x3f";  // {63: …}

bool is_whole_for_msgpack(std::string_view octets) {
    msgpack::null_visitor visitor;
    std::size_t offset = 0;
    return msgpack::parse(octets.data(), octets.size(), offset, visitor) && offset == octets.size();
}

// Octets that are a value more often than chance would have it.
std::string random_octets(std::mt19937& random) {
    std::string octets;
    const auto one_of = [&random](std::initializer_list<int> choices) {
        return static_cast<char>(choices.begin()[random() % choices.size()]);
    };
    for (std::size_t count = 1 + random() % 12; count > 0; --count) {
        octets += random() % 2 == 0
                      ? one_of({0x00, 0x01, 0x80, 0x81, 0x82, 0x90, 0x91, 0x93, 0xa0, 0xa1, 0xa2,
                                0xc0, 0xc2, 0xc3, 0xc4, 0xcc, 0xd0, 0xd4, 0xd9, 0xdc, 0xff})
                      : static_cast<char>(random() % 256);
        if (random() % 4 == 0) {
            octets += std::string(random() % 9, '\0');
        }
    }
    return octets;
}

TEST(MessagePack, IsTheSameForMsgpackAndTheDecoder) {  // F23
    std::mt19937 random(1);
    int whole = 0;
    for (int i = 0; i < 400'000; ++i) {
        const std::string value = random_octets(random);
        const std::string body = std::string(map_of_unknown_key) + value;

        const auto decoded = decode({.type = Ping::type}, body, {});

        const bool is_too_deep =
            !decoded && decoded.error().detail.find("too deeply") != std::string::npos;
        if (is_too_deep) {
            continue;  // for us alone
        }
        ASSERT_EQ(decoded.has_value(), is_whole_for_msgpack(value))
            << ::testing::PrintToString(value) << ' ' << (decoded ? "" : decoded.error().detail);
        whole += decoded ? 1 : 0;
    }
    EXPECT_GT(whole, 10'000);
}

TEST(MessagePack, NumbersOfEverySizeComeBack) {
    for (int bits = 0; bits < 64; ++bits) {
        for (const std::uint64_t value : {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1,
                                          ~(std::uint64_t{1} << bits)}) {
            const Packet packet = encode({}, BackupEnd{.backup = value});

            EXPECT_EQ(decode(packet.header, packet.body, {}).value(),
                      Message(BackupEnd{.backup = value}));
        }
    }
}

TEST(MessagePack, TextsOfEverySizeComeBack) {
    for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65'535, 65'536}) {
        const std::string reason(size, 'x');
        const Packet packet = encode({}, Bye{.reason = reason});

        EXPECT_EQ(decode(packet.header, packet.body, {}).value(), Message(Bye{.reason = reason}));
    }
}

}  // namespace
}  // namespace xebec::protocol

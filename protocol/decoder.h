#pragma once
// Fills a structure from MessagePack while parsing it: no object tree, hard budgets, and every
// octet accounted for. What goes where is told by tables made from the messages' field lists.

#include "protocol/blob.h"
#include "protocol/limits.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace xebec::protocol {

struct Member;

// How values of one C++ type are read. An operation that is absent is a wrong type; one that
// returns false is a wrong value.
struct Shape {
    bool (*number)(void* target, std::uint64_t value) = nullptr;
    bool (*truth)(void* target, bool value) = nullptr;
    bool (*text)(void* target, std::string_view value) = nullptr;
    bool (*octets)(void* target, std::string_view value) = nullptr;
    bool (*payload)(void* target, const Blob& frame) = nullptr;  // a number that names a frame

    void (*begin_array)(void* target, std::uint32_t count) = nullptr;
    void* (*next_element)(void* target) = nullptr;
    const Shape* element = nullptr;
    std::size_t element_octets = 0;  // of memory

    void* (*begin_map)(void* target) = nullptr;  // gives the object whose members follow
    std::span<const Member> members;
};

// One key of a map, and what its value is: the target of the shape's operations is the object.
struct Member {
    std::uint8_t key = 0;
    bool required = false;
    Shape shape;
};

constexpr std::uint32_t array_elements_max = 65'536;

// The memory all arrays of one body may take. An element can be one octet on the wire and hundreds
// in memory, so their number alone is no bound.
constexpr std::uint64_t decoded_octets_base = 2 << 20;
constexpr std::uint64_t decoded_octets_per_octet = 8;
constexpr std::uint8_t key_max = 63;

// Reads the one value in `body` into `target`. Empty on success, else what is wrong and at which
// octet.
std::string decode_into(void* target, const Shape& shape, std::string_view body,
                        std::span<const Blob> payloads);

}  // namespace xebec::protocol

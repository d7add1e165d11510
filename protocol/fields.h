#pragma once
// How a message says which key each of its members has on the wire. The one list serves the
// encoder, the decoder and the tests.

#include <cstdint>

namespace xebec {

enum class Presence : std::uint8_t { optional, required };

// One member under one key, 0 to 63. An optional member is left out while it has its default.
template <std::uint8_t Key, auto Member, Presence Needed = Presence::optional>
struct Field {
    static constexpr std::uint8_t key = Key;
    static constexpr auto member = Member;
    static constexpr bool required = Needed == Presence::required;
};

template <class... F>
struct FieldList {};

// The type of a member, from a pointer to it.
template <class Pointer>
struct MemberOf;
template <class Object, class T>
struct MemberOf<T Object::*const> {
    using Value = T;
};

// What has such a list.
template <class T>
concept Fielded = requires { typename T::Fields; };

}  // namespace xebec

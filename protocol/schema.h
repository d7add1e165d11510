#pragma once
// Turns field lists into the decoder's tables. Used by codec.cc only.

#include "protocol/decoder.h"
#include "protocol/messages.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::protocol {

template <class T>
struct EnumEnd;
template <>
struct EnumEnd<TaskState> {
    static constexpr std::uint64_t value = task_state_count;
};
template <>
struct EnumEnd<ContentType> {
    static constexpr std::uint64_t value = 2;
};
template <>
struct EnumEnd<Role> {
    static constexpr std::uint64_t value = 3;
};
template <>
struct EnumEnd<SubmitStatus> {
    static constexpr std::uint64_t value = 3;
};
template <>
struct EnumEnd<FinishStatus> {
    static constexpr std::uint64_t value = 4;
};

// ---- decoding ----

template <class T>
struct ShapeOf;

template <std::unsigned_integral T>
struct ShapeOf<T> {
    static constexpr Shape shape{.number = [](void* target, std::uint64_t value) {
        *static_cast<T*>(target) = static_cast<T>(value);
        return value <= std::numeric_limits<T>::max();
    }};
};

template <>
struct ShapeOf<bool> {
    static constexpr Shape shape{.truth = [](void* target, bool value) {
        *static_cast<bool*>(target) = value;
        return true;
    }};
};

template <class T>
    requires std::is_enum_v<T>
struct ShapeOf<T> {
    static constexpr Shape shape{.number = [](void* target, std::uint64_t value) {
        *static_cast<T*>(target) = static_cast<T>(value);
        return value < EnumEnd<T>::value;
    }};
};

template <>
struct ShapeOf<std::string_view> {
    static constexpr Shape shape{.text = [](void* target, std::string_view value) {
        *static_cast<std::string_view*>(target) = value;
        return true;
    }};
};

inline bool read_task_id(TaskId& id, std::string_view value) {
    if (value.size() != id.octets.size()) {
        return false;
    }
    std::memcpy(id.octets.data(), value.data(), sizeof id.octets);
    return true;
}

template <>
struct ShapeOf<TaskId> {
    static constexpr Shape shape{.octets = [](void* target, std::string_view value) {
        return read_task_id(*static_cast<TaskId*>(target), value);
    }};
};

template <>
struct ShapeOf<TaskRef> {
    static constexpr Shape shape{
        .number =
            [](void* target, std::uint64_t value) {
                *static_cast<TaskRef*>(target) = value;
                return true;
            },
        .octets =
            [](void* target, std::string_view value) {
                return read_task_id(static_cast<TaskRef*>(target)->emplace<TaskId>(), value);
            }};
};

template <>
struct ShapeOf<Octets> {
    static constexpr Shape shape{.octets =
                                     [](void* target, std::string_view value) {
                                         static_cast<Octets*>(target)->view = value;
                                         return true;
                                     },
                                 .payload =
                                     [](void* target, const Blob& frame) {
                                         *static_cast<Octets*>(target) = Octets(frame);
                                         return true;
                                     }};
};

template <class T>
struct ShapeOf<std::vector<T>> {
    static constexpr Shape shape{.begin_array =
                                     [](void* target, std::uint32_t count) {
                                         static_cast<std::vector<T>*>(target)->reserve(count);
                                     },
                                 .next_element = [](void* target) -> void* {
                                     return &static_cast<std::vector<T>*>(target)->emplace_back();
                                 },
                                 .element = &ShapeOf<T>::shape,
                                 .element_octets = sizeof(T)};
};

// The operation of a value's shape, on the object whose member that is.
template <class F, class T, auto Operation>
constexpr auto on_object() {
    constexpr auto operation =
        ShapeOf<typename MemberOf<decltype(F::member)>::Value>::shape.*Operation;
    if constexpr (operation == nullptr) {
        return nullptr;
    } else {
        return [](void* object, auto... value) {
            return operation(&(static_cast<T*>(object)->*F::member), value...);
        };
    }
}

template <class F, class T>
constexpr Member member_of() {
    constexpr const Shape& of_value = ShapeOf<typename MemberOf<decltype(F::member)>::Value>::shape;
    return {F::key,
            F::required,
            {.number = on_object<F, T, &Shape::number>(),
             .truth = on_object<F, T, &Shape::truth>(),
             .text = on_object<F, T, &Shape::text>(),
             .octets = on_object<F, T, &Shape::octets>(),
             .payload = on_object<F, T, &Shape::payload>(),
             .begin_array = on_object<F, T, &Shape::begin_array>(),
             .next_element = on_object<F, T, &Shape::next_element>(),
             .element = of_value.element,
             .element_octets = of_value.element_octets,
             .begin_map = on_object<F, T, &Shape::begin_map>(),
             .members = of_value.members}};
}

template <class T, class List>
struct MembersOf;
template <class T, class... F>
struct MembersOf<T, FieldList<F...>> {
    static constexpr std::array<Member, sizeof...(F)> members{member_of<F, T>()...};
};

template <Fielded T>
struct ShapeOf<T> {
    static constexpr Shape shape{.begin_map = [](void* target) -> void* { return target; },
                                 .members = MembersOf<T, typename T::Fields>::members};
};

// An optional reads as its value; being there is what makes it present.
template <class T>
T& engage(void* target) {
    return static_cast<std::optional<T>*>(target)->emplace();
}

template <std::unsigned_integral T>
struct ShapeOf<std::optional<T>> {
    static constexpr Shape shape{.number = [](void* target, std::uint64_t value) {
        return ShapeOf<T>::shape.number(&engage<T>(target), value);
    }};
};

template <Fielded T>
struct ShapeOf<std::optional<T>> {
    static constexpr Shape shape{
        .begin_map = [](void* target) -> void* { return &engage<T>(target); },
        .members = ShapeOf<T>::shape.members};
};

}  // namespace xebec::protocol

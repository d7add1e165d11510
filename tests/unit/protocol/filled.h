#pragma once
// Builds any message with every field set to something else than its default, by walking the field
// lists. A field of a type that `fill` does not know fails to compile.

#include "protocol/messages.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace xebec::testing {

class Filler {
public:
    template <class T>
    static T filled() {
        Filler filler;
        T value{};
        filler.fill(value);
        return value;
    }

    template <std::unsigned_integral T>
    void fill(T& value) {
        // Mostly wider than one octet, and never 0.
        value = static_cast<T>(++serial_ * 7919 % 65'000 | 1);
    }
    void fill(bool& value) { value = true; }
    template <class T>
        requires std::is_enum_v<T>
    void fill(T& value) {
        value = static_cast<T>(1);
    }
    void fill(std::string_view& value) {
        constexpr std::string_view texts[] = {"a", "größer", "tab\there", "\U0001F6A2 ship",
                                              "a text that is longer than thirty-one octets"};
        value = texts[++serial_ % std::size(texts)];
    }
    void fill(TaskId& id) {
        for (std::uint8_t& octet : id.octets) {
            octet = static_cast<std::uint8_t>(++serial_);
        }
    }
    void fill(protocol::TaskRef& ref) {
        if (++serial_ % 2 == 0) {
            fill(ref.emplace<TaskId>());
        } else {
            fill(ref.emplace<std::uint64_t>());
        }
    }
    void fill(Octets& octets) {
        // Alternately inside the body and in a frame of its own.
        constexpr std::size_t large = Limits{}.inline_octets_max + 1;
        const std::size_t size = ++octets_count_ % 2 == 0 ? large : 3;
        octets = Octets(Blob::copy_of(std::string(size, static_cast<char>(++serial_))));
    }
    template <class T>
    void fill(std::optional<T>& value) {
        fill(value.emplace());
    }
    template <class T>
    void fill(std::vector<T>& values) {
        values.resize(2);
        for (T& value : values) {
            fill(value);
        }
    }
    template <class T>
        requires requires { typename T::Fields; }
    void fill(T& object) {
        fill_fields(object, typename T::Fields{});
    }

private:
    template <class T, class... F>
    void fill_fields([[maybe_unused]] T& object, FieldList<F...>) {
        (fill(object.*F::member), ...);
    }

    std::uint64_t serial_ = 0;
    std::uint64_t octets_count_ = 0;
};

}  // namespace xebec::testing

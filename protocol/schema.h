#pragma once
// Turns field lists into the decoder's tables and into the encoder. Used by codec.cc only.

#include "protocol/decoder.h"
#include "protocol/messages.h"

#include <msgpack.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::protocol {

template <class T>
concept Fielded = requires { typename T::Fields; };

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

template <class F, class T>
constexpr Member member_of() {
    using Value = std::remove_reference_t<decltype(std::declval<T&>().*F::member)>;
    return {F::key, F::required,
            [](void* object) -> void* { return &(static_cast<T*>(object)->*F::member); },
            &ShapeOf<Value>::shape};
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

// ---- encoding ----

// Where the packer writes, a few octets at a time: a string that is longer than what has been
// written, so that a write is a comparison and a copy. A few are kept from one message of a thread
// to the next.
class Sink {
public:
    Sink() {
        if (!spares_.empty()) {
            octets_ = std::move(spares_.back());
            spares_.pop_back();
        }
    }
    ~Sink() {
        if (spares_.size() < spares_max && octets_.size() <= spare_octets_max) {
            spares_.push_back(std::move(octets_));
        }
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    void write(const char* data, std::size_t size) {
        if (octets_.size() - used_ < size) [[unlikely]] {
            grow(size);
        }
        std::copy_n(data, size, octets_.data() + used_);  // of nothing too
        used_ += size;
    }

    std::string_view view() const { return std::string_view(octets_).substr(0, used_); }
    std::string text() const { return std::string(view()); }

private:
    static constexpr std::size_t spares_max = 4;
    static constexpr std::size_t spare_octets_max = 1 << 20;
    static constexpr std::size_t room_min = 4096;

    // Apart, so that `write` is inlined and the size of most writes is known there.
    [[gnu::noinline]] void grow(std::size_t size) {
        octets_.resize(std::max({octets_.size() * 2, used_ + size, room_min}));
    }

    static inline thread_local std::vector<std::string> spares_;

    std::string octets_;
    std::size_t used_ = 0;
};

class Encoder {
public:
    explicit Encoder(std::size_t inline_octets_max) : inline_octets_max_(inline_octets_max) {}

    // The beginning of an array whose values follow.
    static std::string array_of(std::uint32_t values) {
        Encoder encoder(0);
        encoder.packer_.pack_array(values);
        return encoder.sink.text();
    }

    template <Fielded T>
    void write(const T& object) {
        write_fields(object, typename T::Fields{});
    }
    template <class T>
    void write(const std::vector<T>& values) {
        write(std::span<const T>(values));
    }
    template <class T>
    void write(std::span<const T> values) {
        packer_.pack_array(static_cast<std::uint32_t>(values.size()));
        for (const T& value : values) {
            write(value);
        }
    }
    template <class T>
    void write(const std::optional<T>& value) {
        write(*value);
    }
    template <std::unsigned_integral T>
    void write(T value) {
        packer_.pack_uint64(value);
    }
    void write(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
    template <class T>
        requires std::is_enum_v<T>
    void write(T value) {
        packer_.pack_uint64(static_cast<std::uint64_t>(value));
    }
    void write(std::string_view text) {
        packer_.pack_str(static_cast<std::uint32_t>(text.size()));
        packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    }
    void write(const TaskId& id) { write_octets(view_of(id)); }
    void write(const TaskRef& ref) {
        if (const auto* number = std::get_if<std::uint64_t>(&ref)) {
            packer_.pack_uint64(*number);
        } else {
            write(std::get<TaskId>(ref));
        }
    }
    void write(const Octets& octets) {
        if (octets.view.size() <= inline_octets_max_) {
            write_octets(octets.view);
        } else {
            packer_.pack_uint64(payloads.size());
            payloads.push_back(octets.keep());
        }
    }

    Sink sink;
    std::vector<Blob> payloads;

private:
    static std::string_view view_of(const TaskId& id) {
        return {reinterpret_cast<const char*>(id.octets.data()), id.octets.size()};
    }

    template <class T>
    static bool is_default(const T& value) {
        if constexpr (requires { value.empty(); }) {
            return value.empty();
        } else if constexpr (requires { value.has_value(); }) {
            return !value.has_value();
        } else if constexpr (std::is_same_v<T, Octets>) {
            return value.view.empty();
        } else {
            return value == T{};
        }
    }

    template <class F, class T>
    static bool is_written(const T& object) {
        if constexpr (F::required) {
            return true;
        } else {
            return !is_default(object.*F::member);
        }
    }

    template <class T, class... F>
    void write_fields(const T& object, FieldList<F...>) {
        const std::uint32_t count = (0U + ... + (is_written<F>(object) ? 1U : 0U));
        packer_.pack_map(count);
        (write_field<F>(object), ...);
    }

    template <class F, class T>
    void write_field(const T& object) {
        if (is_written<F>(object)) {
            static_assert(F::key <= key_max, "a key is one octet");
            constexpr char key = static_cast<char>(F::key);
            sink.write(&key, 1);
            write(object.*F::member);
        }
    }

    void write_octets(std::string_view octets) {
        packer_.pack_bin(static_cast<std::uint32_t>(octets.size()));
        packer_.pack_bin_body(octets.data(), static_cast<std::uint32_t>(octets.size()));
    }

    std::size_t inline_octets_max_;
    msgpack::packer<Sink> packer_{sink};
};

}  // namespace xebec::protocol

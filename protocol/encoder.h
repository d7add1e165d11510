#pragma once
// Writes structures as their field lists say. Used by codec.cc only.

#include "protocol/check.h"
#include "protocol/fields.h"
#include "protocol/messages.h"
#include "protocol/reader.h"

#include <msgpack.hpp>

#include <algorithm>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace xebec::protocol {

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
        std::copy_n(data, size, room(size));  // of nothing too
        used_ += size;
    }

    // At least so many octets behind the end; what is written there counts up to `end`.
    char* room(std::size_t size) {
        if (octets_.size() - used_ < size) [[unlikely]] {
            grow(size);
        }
        return octets_.data() + used_;
    }
    void advance_to(const char* end) { used_ = static_cast<std::size_t>(end - octets_.data()); }

    std::string_view view() const { return std::string_view(octets_).substr(0, used_); }
    std::string text() const { return std::string(view()); }

private:
    static constexpr std::size_t spares_max = 4;
    static constexpr std::size_t spare_octets_max = 1 << 20;
    static constexpr std::size_t room_min = 4096;

    // Apart, so that `room` is inlined.
    [[gnu::noinline]] void grow(std::size_t size) {
        octets_.resize(std::max({octets_.size() * 2, used_ + size, room_min}));
    }

    static inline thread_local std::vector<std::string> spares_;

    std::string octets_;
    std::size_t used_ = 0;
};

// The same, where there is room for all that comes.
class Room {
public:
    explicit Room(char* at) : at_(at) {}

    void write(const char* data, std::size_t size) { at_ = std::copy_n(data, size, at_); }
    const char* end() const { return at_; }

private:
    char* at_;
};

// Payloads too large for a body: each gets a frame of its own.
class Payloads {
public:
    explicit Payloads(std::size_t inline_octets_max) : inline_octets_max_(inline_octets_max) {}

    bool is_inline(const Octets& octets) const { return octets.view.size() <= inline_octets_max_; }
    // Gives the frame's number.
    [[gnu::noinline]] std::size_t add(const Octets& octets) {
        frames_.push_back(octets.keep());
        return frames_.size() - 1;
    }
    std::vector<Blob>& frames() { return frames_; }

private:
    std::size_t inline_octets_max_;
    std::vector<Blob> frames_;
};

// Arrays are written one element after the other; what has none is written into room made for it.
template <class T>
constexpr bool has_array = false;
template <class T>
constexpr bool has_array<std::vector<T>> = true;
template <class T>
constexpr bool has_array<std::optional<T>> = has_array<T>;
template <class... F>
constexpr bool has_array<FieldList<F...>> =
    (... || has_array<typename MemberOf<decltype(F::member)>::Value>);
template <Fielded T>
constexpr bool has_array<T> = has_array<typename T::Fields>;

// ---- values ----

template <class Out>
class Writer {
public:
    Writer(Out& out, Payloads& payloads) : out_(out), payloads_(payloads), packer_(out) {}

    template <Fielded T>
    void write(const T& object) {
        if constexpr (std::is_same_v<Out, Sink> && !has_array<T>) {
            write_at_once(object);
        } else {
            write_fields(object, typename T::Fields{});
        }
    }
    template <class T>
    void write(const std::vector<T>& values) {
        write(std::span<const T>(values));
    }
    template <class T>
    void write(std::span<const T> values) {
        begin_array(static_cast<std::uint32_t>(values.size()));
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
        if (payloads_.is_inline(octets)) {
            write_octets(octets.view);
        } else {
            packer_.pack_uint64(payloads_.add(octets));
        }
    }

    void begin_array(std::uint32_t count) { packer_.pack_array(count); }

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

    // All of it in one function, where what the packer writes are stores.
    template <class T>
    [[gnu::flatten]] void write_at_once(const T& object) {
        const std::size_t size_max = octets_max(object);
        char* const begin = out_.room(size_max);
        Room room(begin);
        Writer<Room>(room, payloads_).write(object);
        check(room.end() <= begin + size_max, "there was room for what was written");
        out_.advance_to(room.end());
    }

    // How long a value can become.
    template <class T>
        requires std::unsigned_integral<T> || std::is_enum_v<T>
    std::size_t octets_max(T) const {
        return number_octets_max;
    }
    std::size_t octets_max(std::string_view text) const { return prefix_octets_max + text.size(); }
    std::size_t octets_max(const TaskId& id) const { return prefix_octets_max + id.octets.size(); }
    std::size_t octets_max(const TaskRef&) const { return prefix_octets_max + sizeof(TaskId); }
    std::size_t octets_max(const Octets& octets) const {
        return number_octets_max + (payloads_.is_inline(octets) ? octets.view.size() : 0);
    }
    template <class T>
    std::size_t octets_max(const std::optional<T>& value) const {
        return value ? octets_max(*value) : 0;
    }
    template <Fielded T>
    std::size_t octets_max(const T& object) const {
        return fields_octets_max(object, typename T::Fields{});
    }
    template <class T, class... F>
    std::size_t fields_octets_max(const T& object, FieldList<F...>) const {
        return prefix_octets_max + (0 + ... + (1 + octets_max(object.*F::member)));
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
            out_.write(&key, 1);
            write(object.*F::member);
        }
    }

    void write_octets(std::string_view octets) {
        packer_.pack_bin(static_cast<std::uint32_t>(octets.size()));
        packer_.pack_bin_body(octets.data(), static_cast<std::uint32_t>(octets.size()));
    }

    static constexpr std::size_t prefix_octets_max = 5;  // of a length
    static constexpr std::size_t number_octets_max = 9;

    Out& out_;
    Payloads& payloads_;
    msgpack::packer<Out> packer_;
};

// Writes one value after the other.
class Encoder {
public:
    explicit Encoder(std::size_t inline_octets_max) : payloads(inline_octets_max) {}

    template <class T>
    void write(const T& value) {
        writer_.write(value);
    }
    // The beginning of an array whose values follow.
    static std::string array_of(std::uint32_t values) {
        Encoder encoder(0);
        encoder.writer_.begin_array(values);
        return encoder.sink.text();
    }

    Sink sink;
    Payloads payloads;

private:
    Writer<Sink> writer_{sink, payloads};
};

}  // namespace xebec::protocol

#pragma once
// Fills a structure from MessagePack while reading it, as the structure's field list says. Used by
// codec.cc only.

#include "protocol/messages.h"
#include "protocol/names.h"
#include "protocol/reader.h"

#include <concepts>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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

// One value of each type that a message has. Each gives whether that went well; if not, the reader
// says what is wrong.
class Decoder {
public:
    // Empty on success, else what is wrong with the body and at which octet.
    template <class T>
    static std::string decode(T& target, std::string_view body, std::span<const Blob> payloads) {
        if (body.empty()) {
            return "the body is empty";
        }
        Reader in(body, payloads);
        if (!read(in, target)) {
            return std::string(in.problem()) + ", near octet " + std::to_string(in.offset());
        }
        if (in.left() > 0) {
            return "octets follow the end of the body, from octet " +
                   std::to_string(body.size() - in.left());
        }
        return {};
    }

private:
    using Token = Reader::Token;
    using Type = Reader::Type;

    static bool check_range(Reader& in, bool is_inside) {
        return is_inside || in.fail("a value is outside its range");
    }

    template <std::unsigned_integral T>
    static bool read(Reader& in, T& target) {
        Token token;
        if (!in.next(token, Type::number)) {
            return false;
        }
        target = static_cast<T>(token.number);
        return check_range(in, token.number <= std::numeric_limits<T>::max());
    }

    static bool read(Reader& in, bool& target) {
        Token token;
        if (!in.next(token, Type::truth)) {
            return false;
        }
        target = token.number != 0;
        return true;
    }

    template <class T>
        requires std::is_enum_v<T>
    static bool read(Reader& in, T& target) {
        Token token;
        if (!in.next(token, Type::number)) {
            return false;
        }
        target = static_cast<T>(token.number);
        return check_range(in, token.number < EnumEnd<T>::value);
    }

    static bool read(Reader& in, std::string_view& target) {
        Token token;
        if (!in.next(token, Type::text)) {
            return false;
        }
        target = token.octets;
        return is_utf8(target) || in.fail("a text is not UTF-8");
    }

    static bool read(Reader& in, TaskId& target) {
        Token token;
        return in.next(token, Type::octets) && set(in, target, token.octets);
    }

    static bool read(Reader& in, TaskRef& target) {
        Token token;
        if (!in.next(token)) {
            return false;
        }
        if (token.type == Type::number) {
            target = token.number;
            return true;
        }
        return token.type == Type::octets ? set(in, target.emplace<TaskId>(), token.octets)
                                          : in.refuse(token);
    }

    // A number names a payload frame.
    static bool read(Reader& in, Octets& target) {
        Token token;
        if (!in.next(token)) {
            return false;
        }
        if (token.type == Type::octets) {
            target.view = token.octets;
            return true;
        }
        if (token.type != Type::number) {
            return in.refuse(token);
        }
        const Blob* const frame = in.payload(token.number);
        if (frame == nullptr) {
            return in.fail("there is no such payload frame");
        }
        target = Octets(*frame);
        return true;
    }

    template <class T>
    static bool read(Reader& in, std::vector<T>& target) {
        Token token;
        if (!in.next(token, Type::array) || !in.descend(token.number) ||
            !in.allow_array(token.number, sizeof(T))) {
            return false;
        }
        target.reserve(token.number);
        for (std::uint64_t i = 0; i < token.number; ++i) {
            if (!read(in, target.emplace_back())) {
                return false;
            }
        }
        return in.ascend();
    }

    // Being there is what makes it present.
    template <class T>
    static bool read(Reader& in, std::optional<T>& target) {
        return read(in, target.emplace());
    }

    template <Fielded T>
    static bool read(Reader& in, T& target) {
        Token token;
        return in.next(token, Type::map) &&
               read_members(in, target, token.number, typename T::Fields{});
    }

    // Encoders write members in the order of the list, but need not.
    template <class T, class... F>
    static bool read_members(Reader& in, T& object, std::uint64_t pairs, FieldList<F...> fields) {
        if (!in.descend(2 * pairs)) {
            return false;
        }
        std::uint64_t seen = 0;
        const bool is_read =
            ((pairs == 0 || !in.take_key(F::key, seen) || (--pairs, read(in, object.*F::member))) &&
             ...);
        if (!is_read || (pairs > 0 && !read_others(in, object, pairs, seen, fields))) {
            return false;
        }
        constexpr std::uint64_t required =
            ((F::required ? std::uint64_t{1} << F::key : 0) | ... | 0);
        if ((seen & required) != required) {
            return in.fail("a required key is missing");
        }
        return in.ascend();
    }

    template <class T, class... F>
    [[gnu::noinline]] static bool read_others(Reader& in, T& object, std::uint64_t pairs,
                                              std::uint64_t& seen, FieldList<F...>) {
        for (; pairs > 0; --pairs) {
            std::uint64_t key = 0;
            if (!in.read_key(key, seen)) {
                return false;
            }
            bool is_read = true;
            const bool is_known =
                ((key == F::key && (is_read = read(in, object.*F::member), true)) || ...);
            if (!(is_known ? is_read : in.skip_value())) {
                return false;
            }
        }
        return true;
    }

    static bool set(Reader& in, TaskId& id, std::string_view octets) {
        if (octets.size() != sizeof id.octets) {
            return check_range(in, false);
        }
        std::memcpy(id.octets.data(), octets.data(), sizeof id.octets);
        return true;
    }
};

}  // namespace xebec::protocol

#pragma once
// Reads MessagePack value by value, from front to back: no object tree, hard budgets, and every
// octet accounted for.

#include "protocol/blob.h"
#include "protocol/limits.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <endian.h>
#include <span>
#include <string_view>

namespace xebec::protocol {

constexpr std::uint32_t array_elements_max = 65'536;

// The memory all arrays of one body may take. An element can be one octet on the wire and hundreds
// in memory, so their number alone is no bound.
constexpr std::uint64_t decoded_octets_base = 2 << 20;
constexpr std::uint64_t decoded_octets_per_octet = 8;
constexpr std::uint8_t key_max = 63;

// One body. Each of its functions gives whether all was well; if it was not, `problem()` says what,
// near `offset()`, and nothing more may be read. MessagePack's first octets:
// https://github.com/msgpack/msgpack/blob/master/spec.md#formats
class Reader {
public:
    Reader(std::string_view body, std::span<const Blob> payloads)
        : begin_(reinterpret_cast<const std::uint8_t*>(body.data())),
          at_(begin_),
          end_(begin_ + body.size()),
          memory_left_(decoded_octets_base + body.size() * decoded_octets_per_octet),
          payloads_(payloads) {}

    enum class Type : std::uint8_t {
        nil,
        truth,
        number,
        negative,
        fraction,
        text,
        octets,
        extension,
        array,
        map,
    };

    // A value, or the beginning of an array or a map.
    struct Token {
        Type type;
        std::uint64_t number;     // 0 or 1 of a truth; how many elements or pairs follow
        std::string_view octets;  // of a text too
    };

    [[gnu::always_inline]] bool next(Token& token);
    // What has to be of that type.
    [[gnu::always_inline]] bool next(Token& token, Type type) {
        return next(token) && (token.type == type || refuse(token));
    }
    bool read_key(std::uint64_t& key, std::uint64_t& seen);  // a bit for each key so far
    // The same if that key is the next one, as it is written in the fewest octets.
    bool take_key(std::uint8_t key, std::uint64_t& seen) {
        if (at_ == end_ || *at_ != key) {
            return false;
        }
        ++at_;
        seen |= std::uint64_t{1} << key;
        return true;
    }
    bool skip_value();  // whatever it is: nobody knows its key

    // Into an array or a map that has so many values, and out of it.
    bool descend(std::uint64_t values);
    bool ascend() {
        --depth_;
        return true;
    }
    // That an array of so many elements, each of which takes so much memory, may be read.
    bool allow_array(std::uint64_t count, std::size_t element_octets);
    const Blob* payload(std::uint64_t number) const {  // nothing if absent
        return number < payloads_.size() ? &payloads_[number] : nullptr;
    }

    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }
    bool refuse(const Token& token);  // it is of a wrong type

    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    std::size_t offset() const { return static_cast<std::size_t>(value_ - begin_); }
    const char* problem() const { return problem_; }

private:
    bool next_long(Token& token, std::uint8_t first);
    bool take_number(Token& token, std::size_t octets);
    bool take_signed(Token& token, std::size_t octets);
    bool take_octets(Token& token, std::uint64_t size);
    bool take_sized(Token& token, std::size_t size_octets, std::size_t more);
    bool fail_cut() { return fail("the body ends early or is not MessagePack"); }

    const std::uint8_t* begin_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    const std::uint8_t* value_ = at_;  // where the latest began
    std::uint64_t memory_left_;
    std::span<const Blob> payloads_;
    std::size_t depth_ = 0;
    const char* problem_ = nullptr;
};

inline bool Reader::take_octets(Token& token, std::uint64_t size) {
    if (left() < size) {
        return fail_cut();
    }
    token.octets = {reinterpret_cast<const char*>(at_), static_cast<std::size_t>(size)};
    at_ += size;
    return true;
}

// A length in so many octets, and so many octets and `more`.
inline bool Reader::take_sized(Token& token, std::size_t size_octets, std::size_t more) {
    return take_number(token, size_octets) && take_octets(token, token.number + more);
}

// Big-endian.
inline bool Reader::take_number(Token& token, std::size_t octets) {
    if (left() >= sizeof token.number) [[likely]] {
        std::memcpy(&token.number, at_, sizeof token.number);
        token.number = be64toh(token.number) >> (8 * (sizeof token.number - octets));
        at_ += octets;
        return true;
    }
    if (left() < octets) {
        return fail_cut();
    }
    token.number = 0;
    for (std::size_t i = 0; i < octets; ++i) {
        token.number = (token.number << 8) | *at_++;
    }
    return true;
}

// Most values are told by their first octet alone, or are numbers and ids.
inline bool Reader::next(Token& token) {
    value_ = at_;
    if (at_ == end_) {
        return fail_cut();
    }
    const std::uint8_t first = *at_++;
    if (first < 0x80) {
        token.type = Type::number;
        token.number = first;
        return true;
    }
    if (first < 0xa0) {
        token.type = first < 0x90 ? Type::map : Type::array;
        token.number = first & 0x0f;
        return true;
    }
    if (first < 0xc0) {
        token.type = Type::text;
        return take_octets(token, first & 0x1f);
    }
    if (first >= 0xcc && first <= 0xcf) {
        token.type = Type::number;
        return take_number(token, std::size_t{1} << (first - 0xcc));
    }
    if (first == 0xc4) {
        token.type = Type::octets;
        return take_sized(token, 1, 0);
    }
    return next_long(token, first);
}

inline bool Reader::read_key(std::uint64_t& key, std::uint64_t& seen) {
    Token token;
    if (!next(token)) {
        return false;
    }
    if (token.type != Type::number) {
        const bool is_other =
            token.type == Type::text || token.type == Type::octets || token.type == Type::truth;
        return is_other ? fail("a key is not a number") : refuse(token);
    }
    if (token.number > key_max) {
        return fail("a key is larger than 63");
    }
    key = token.number;
    const std::uint64_t bit = std::uint64_t{1} << key;
    if ((seen & bit) != 0) {
        return fail("a key occurs twice");
    }
    seen |= bit;
    return true;
}

// Every value takes at least one octet, so a count beyond the octets is a lie.
inline bool Reader::descend(std::uint64_t values) {
    if (values > left()) {
        return fail("a length goes beyond the end");
    }
    if (depth_ == body_depth_max) {
        return fail("maps and arrays are nested too deeply");
    }
    ++depth_;
    return true;
}

}  // namespace xebec::protocol

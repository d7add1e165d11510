#include "protocol/decoder.h"

#include "protocol/names.h"

#include <algorithm>
#include <cstring>
#include <endian.h>

namespace xebec::protocol {

namespace {

// Reads one body from front to back. MessagePack's first octets:
// https://github.com/msgpack/msgpack/blob/master/spec.md#formats
class Reader {
public:
    Reader(std::string_view body, std::span<const Blob> payloads)
        : begin_(reinterpret_cast<const std::uint8_t*>(body.data())),
          at_(begin_),
          end_(begin_ + body.size()),
          memory_left_(decoded_octets_base + body.size() * decoded_octets_per_octet),
          payloads_(payloads) {}

    // Each gives whether all was well; if it was not, `problem()` says what, near `offset()`.
    bool read_value(void* target, const Shape& shape);

    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    std::size_t offset() const { return static_cast<std::size_t>(value_ - begin_); }
    const char* problem() const { return problem_; }

private:
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

    bool next(Token& token);
    bool next_long(Token& token, std::uint8_t first);
    bool take_number(Token& token, std::size_t octets);
    bool take_signed(Token& token, std::size_t octets);
    bool take_octets(Token& token, std::uint64_t size);
    bool take_sized(Token& token, std::size_t size_octets, std::size_t more);
    bool read_array(void* target, const Shape& shape, std::uint64_t count);
    bool read_map(void* target, const Shape& shape, std::uint64_t count);
    const Member* find_member(const Shape& shape, std::uint64_t key) const;
    bool read_key(std::uint64_t& key, std::uint64_t& seen);
    bool skip_value();
    bool refuse(Type type);

    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }
    bool fail_cut() { return fail("the body ends early or is not MessagePack"); }
    // Every value takes at least one octet, so a count beyond the octets is a lie.
    bool descend(std::uint64_t values) {
        if (values > left()) {
            return fail("a length goes beyond the end");
        }
        if (depth_ == body_depth_max) {
            return fail("maps and arrays are nested too deeply");
        }
        ++depth_;
        return true;
    }
    bool ascend() {
        --depth_;
        return true;
    }

    const std::uint8_t* begin_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    const std::uint8_t* value_ = at_;  // where the latest began
    std::uint64_t memory_left_;
    std::span<const Blob> payloads_;
    std::size_t depth_ = 0;
    const char* problem_ = nullptr;
};

// ---- octets to tokens ----

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

bool Reader::next_long(Token& token, std::uint8_t first) {
    if (first >= 0xe0) {
        token.type = Type::negative;
        return true;
    }
    const auto in_powers = [first](std::uint8_t of_one) {
        return std::size_t{1} << (first - of_one);
    };
    switch (first) {
        case 0xc0:
            token.type = Type::nil;
            return true;
        case 0xc2:
        case 0xc3:
            token.type = Type::truth;
            token.number = first & 1;
            return true;
        case 0xc5:
        case 0xc6:
            token.type = Type::octets;
            return take_sized(token, in_powers(0xc4), 0);
        case 0xc7:
        case 0xc8:
        case 0xc9:
            token.type = Type::extension;
            return take_sized(token, in_powers(0xc7), 1);
        case 0xca:
        case 0xcb:
            token.type = Type::fraction;
            return take_octets(token, 4 * in_powers(0xca));
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
            return take_signed(token, in_powers(0xd0));
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            token.type = Type::extension;
            return take_octets(token, 1 + in_powers(0xd4));
        case 0xd9:
        case 0xda:
        case 0xdb:
            token.type = Type::text;
            return take_sized(token, in_powers(0xd9), 0);
        case 0xdc:
        case 0xdd:
            token.type = Type::array;
            return take_number(token, 2 * in_powers(0xdc));
        case 0xde:
        case 0xdf:
            token.type = Type::map;
            return take_number(token, 2 * in_powers(0xde));
        default:
            return fail_cut();  // 0xc1 is never used
    }
}

// Some encoders write every number in a signed form.
bool Reader::take_signed(Token& token, std::size_t octets) {
    token.type = left() > 0 && *at_ >= 0x80 ? Type::negative : Type::number;
    return take_number(token, octets);
}

// ---- tokens to what they stand for ----

bool Reader::read_value(void* target, const Shape& shape) {
    Token token;
    if (!next(token)) {
        return false;
    }
    const auto put = [&](auto operation, auto value) {
        return operation == nullptr
                   ? refuse(token.type)
                   : operation(target, value) || fail("a value is outside its range");
    };
    switch (token.type) {
        case Type::number:
            if (shape.payload == nullptr) {
                return put(shape.number, token.number);
            }
            if (token.number >= payloads_.size()) {
                return fail("there is no such payload frame");
            }
            return shape.payload(target, payloads_[token.number]) ||
                   fail("a payload frame is wrong");
        case Type::octets:
            return put(shape.octets, token.octets);
        case Type::text:
            if (!is_utf8(token.octets)) {
                return fail("a text is not UTF-8");
            }
            return put(shape.text, token.octets);
        case Type::truth:
            return put(shape.truth, token.number != 0);
        case Type::map:
            return read_map(target, shape, token.number);
        case Type::array:
            return read_array(target, shape, token.number);
        case Type::nil:
        case Type::negative:
        case Type::fraction:
        case Type::extension:
            break;
    }
    return refuse(token.type);
}

bool Reader::read_array(void* target, const Shape& shape, std::uint64_t count) {
    if (!descend(count)) {
        return false;
    }
    if (shape.begin_array == nullptr) {
        return refuse(Type::array);
    }
    const std::uint64_t memory = count * std::uint64_t{shape.element_octets};
    if (count > array_elements_max || memory > memory_left_) {
        return fail("an array is too long");
    }
    memory_left_ -= memory;
    shape.begin_array(target, static_cast<std::uint32_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_value(shape.next_element(target), *shape.element)) {
            return false;
        }
    }
    return ascend();
}

bool Reader::read_map(void* target, const Shape& shape, std::uint64_t count) {
    if (!descend(count * 2)) {
        return false;
    }
    if (shape.begin_map == nullptr) {
        return refuse(Type::map);
    }
    void* const object = shape.begin_map(target);
    std::uint64_t seen = 0;  // the keys so far, a bit for each
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t key = 0;
        if (!read_key(key, seen)) {
            return false;
        }
        const Member* member = find_member(shape, key);
        const bool is_read = member == nullptr ? skip_value() : read_value(object, member->shape);
        if (!is_read) {
            return false;
        }
    }
    for (const Member& member : shape.members) {
        if (member.required && (seen >> member.key & 1) == 0) {
            return fail("a required key is missing");
        }
    }
    return ascend();
}

// Most members stand in the order of their keys, from 0 on.
const Member* Reader::find_member(const Shape& shape, std::uint64_t key) const {
    if (key < shape.members.size() && shape.members[key].key == key) {
        return &shape.members[key];
    }
    const auto found = std::find_if(shape.members.begin(), shape.members.end(),
                                    [key](const Member& member) { return member.key == key; });
    return found == shape.members.end() ? nullptr : &*found;
}

inline bool Reader::read_key(std::uint64_t& key, std::uint64_t& seen) {
    Token token;
    if (!next(token)) {
        return false;
    }
    if (token.type == Type::number) [[likely]] {
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
    if (token.type == Type::text || token.type == Type::octets || token.type == Type::truth) {
        return fail("a key is not a number");
    }
    return refuse(token.type);
}

// Whatever it is: nobody here knows its key.
bool Reader::skip_value() {
    Token token;
    if (!next(token)) {
        return false;
    }
    if (token.type != Type::array && token.type != Type::map) {
        return true;
    }
    const std::uint64_t values = token.type == Type::map ? 2 * token.number : token.number;
    if (!descend(values)) {
        return false;
    }
    for (std::uint64_t i = 0; i < values; ++i) {
        if (!skip_value()) {
            return false;
        }
    }
    return ascend();
}

bool Reader::refuse(Type type) {
    switch (type) {
        case Type::nil:
            return fail("nil is never a value here");
        case Type::truth:
            return fail("a boolean is not expected here");
        case Type::number:
            return fail("a number is not expected here");
        case Type::negative:
            return fail("a negative number is not expected here");
        case Type::fraction:
            return fail("a fraction is not expected here");
        case Type::text:
            return fail("a text is not expected here");
        case Type::octets:
            return fail("octets are not expected here");
        case Type::extension:
            return fail("an extension is not expected here");
        case Type::array:
            return fail("an array is not expected here");
        case Type::map:
            return fail("a map is not expected here");
    }
    return false;
}

}  // namespace

std::string decode_into(void* target, const Shape& shape, std::string_view body,
                        std::span<const Blob> payloads) {
    if (body.empty()) {
        return "the body is empty";
    }
    Reader reader(body, payloads);
    if (!reader.read_value(target, shape)) {
        return std::string(reader.problem()) + ", near octet " + std::to_string(reader.offset());
    }
    if (reader.left() > 0) {
        return "octets follow the end of the body, from octet " +
               std::to_string(body.size() - reader.left());
    }
    return {};
}

}  // namespace xebec::protocol

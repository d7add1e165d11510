#include "protocol/reader.h"

#include "protocol/names.h"

namespace xebec::protocol {

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

bool Reader::allow_array(std::uint64_t count, std::size_t element_octets) {
    const std::uint64_t memory = count * std::uint64_t{element_octets};
    if (count > array_elements_max || memory > memory_left_) {
        return fail("an array is too long");
    }
    memory_left_ -= memory;
    return true;
}

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

bool Reader::refuse(const Token& token) {
    switch (token.type) {
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
            return fail(is_utf8(token.octets) ? "a text is not expected here"
                                              : "a text is not UTF-8");
        case Type::octets:
            return fail("octets are not expected here");
        case Type::extension:
            return fail("an extension is not expected here");
        case Type::array:
            return descend(token.number) && fail("an array is not expected here");
        case Type::map:
            return descend(2 * token.number) && fail("a map is not expected here");
    }
    return false;
}

}  // namespace xebec::protocol

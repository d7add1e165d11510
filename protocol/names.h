#pragma once
// What the texts of the protocol may hold.

#include <string>
#include <string_view>

namespace xebec {

bool is_queue_name(std::string_view text);       // [A-Za-z0-9_-]{1,48}
bool is_kind(std::string_view text);             // [A-Za-z0-9_.:-]{1,48}
bool is_worker_name(std::string_view text);      // 1 to 128 octets of visible ASCII: 0x21 to 0x7E
bool is_printable_ascii(std::string_view text);  // 0x20 to 0x7E, or empty
bool is_utf8(std::string_view text);  // well-formed as the Unicode Standard says, table 3-7

// The longest well-formed prefix of at most `octets_max`, with `\ufffd` for what is not UTF-8.
std::string to_utf8(std::string_view text, std::size_t octets_max);

// Text that is safe on a terminal and in a log line: control characters (C0, DEL, C1) and those
// that turn the direction of text as \xNN or \n, \t, and what is not UTF-8 as \xNN.
std::string escape_controls(std::string_view text);

}  // namespace xebec

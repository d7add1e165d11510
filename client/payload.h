#pragma once
// Payloads as people give them, and results as they want them printed.

#include <xebec/result.h>
#include <xebec/task.h>

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xebec::client {

using Json = nlohmann::ordered_json;

// Nothing if it is not JSON, or nested deeper than anybody means it: printing it takes a stack.
// `repeated` is told a key that the outermost object has more than once.
std::optional<Json> parse_json(std::string_view text,
                               std::optional<std::string>* repeated = nullptr);

// A JSON array of the arguments: numbers, arrays and objects as they stand, the rest as strings.
Result<Payload> payload_of_arguments(std::span<const std::string> arguments);

// A result as text: a JSON string without its quotes, other JSON and octets as they are. With
// `for_terminal`, control characters but line ends and tabs are made visible.
std::string printable(const Payload& result, bool for_terminal);

// Adds `result` and `content_type`, or `result_base64` for octets that are not text.
void add_result(Json& object, const Payload& result);

}  // namespace xebec::client

#include "client/payload.h"

#include "protocol/names.h"

#include <absl/strings/escaping.h>

#include <set>

namespace xebec::client {

namespace {

constexpr int depth_max = 100;

bool is_spliced(const std::string& argument) {
    const std::size_t first = argument.find_first_not_of(" \t\r\n");
    const bool may_be =
        first != std::string::npos &&
        std::string_view("-0123456789[{").find(argument[first]) != std::string_view::npos;
    return may_be && Json::accept(argument);
}

// What a person sees of a text, line by line.
std::string visible(std::string_view text) {
    std::string out;
    std::string piece;
    for (const char c : text) {
        if (c == '\n' || c == '\t') {
            out += escape_controls(piece) + c;
            piece.clear();
        } else {
            piece += c;
        }
    }
    return out + escape_controls(piece);
}

}  // namespace

std::optional<Json> parse_json(std::string_view text, std::optional<std::string>* repeated) {
    bool is_too_deep = false;
    std::set<std::string> keys;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (repeated != nullptr && depth == 1 && event == Json::parse_event_t::key &&
            !keys.insert(parsed.get<std::string>()).second) {
            *repeated = parsed.get<std::string>();
        }
        is_too_deep = is_too_deep || depth > depth_max;
        return !is_too_deep;
    };
    Json value = Json::parse(text, watch, /*allow_exceptions=*/false);
    if (value.is_discarded() || is_too_deep) {
        return std::nullopt;
    }
    return value;
}

Result<Payload> payload_of_arguments(std::span<const std::string> arguments) {
    std::string text = "[";
    for (const std::string& argument : arguments) {
        if (!is_utf8(argument)) {
            return Error{ErrorCode::malformed,
                         "the argument \"" + escape_controls(argument) +
                             "\" is not UTF-8; give octets with --payload @FILE",
                         ""};
        }
        text += text.size() > 1 ? "," : "";
        text += is_spliced(argument) ? argument : Json(argument).dump();
    }
    return Payload{text + "]", ContentType::json};
}

std::string printable(const Payload& result, bool for_terminal) {
    std::string text = result.octets;
    if (result.type == ContentType::json && text.starts_with('"')) {
        const auto value = parse_json(text);
        if (value && value->is_string()) {
            text = value->get<std::string>();
        }
    }
    return for_terminal ? visible(text) : text;
}

void add_result(Json& object, const Payload& result) {
    const bool is_json = result.type == ContentType::json;
    const auto value = is_json ? parse_json(result.octets) : std::nullopt;
    object["content_type"] = is_json ? "json" : "octets";
    if (value) {
        object["result"] = *value;
    } else if (is_utf8(result.octets)) {
        object["result"] = result.octets;
    } else {
        object["result_base64"] = absl::Base64Escape(result.octets);
    }
}

}  // namespace xebec::client

#include "worker/builtin.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace xebec::worker {

namespace {

using Json = nlohmann::json;

// Integers stay exact; one fraction among the arguments makes all of it floating point.
using Number = std::variant<std::int64_t, double>;
using Operation = Result<Number> (*)(Number left, Number right);

Failure useless(std::string error_class, std::string text) {
    return {.error_class = std::move(error_class), .text = std::move(text), .useless = true};
}

Failure bad_arguments(std::string text) {
    return useless("bad_arguments", std::move(text));
}

// Errors of arithmetic carry their class as name.
Error overflow() {
    return {ErrorCode::refused, "the result does not fit: integers have 64 bits", "overflow"};
}

Error not_finite() {
    return {ErrorCode::refused, "the result is not a finite number", "overflow"};
}

Error division_by_zero() {
    return {ErrorCode::refused, "division by zero", "division_by_zero"};
}

double to_double(const Number& number) {
    return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

Result<Number> finite(double value) {
    if (!std::isfinite(value)) {
        return not_finite();
    }
    return Number{value};
}

// Applies the exact operation to two integers, and the other one as soon as a fraction is there.
template <class Exact, class Floating>
Result<Number> combine(const Number& left, const Number& right, Exact exact, Floating floating) {
    const auto* a = std::get_if<std::int64_t>(&left);
    const auto* b = std::get_if<std::int64_t>(&right);
    if (a == nullptr || b == nullptr) {
        return finite(floating(to_double(left), to_double(right)));
    }
    std::int64_t result = 0;
    if (exact(*a, *b, &result)) {
        return overflow();
    }
    return Number{result};
}

Result<Number> add(Number left, Number right) {
    return combine(
        left, right,
        [](std::int64_t a, std::int64_t b, std::int64_t* out) {
            return __builtin_add_overflow(a, b, out);
        },
        [](double a, double b) { return a + b; });
}

Result<Number> subtract(Number left, Number right) {
    return combine(
        left, right,
        [](std::int64_t a, std::int64_t b, std::int64_t* out) {
            return __builtin_sub_overflow(a, b, out);
        },
        [](double a, double b) { return a - b; });
}

Result<Number> multiply(Number left, Number right) {
    return combine(
        left, right,
        [](std::int64_t a, std::int64_t b, std::int64_t* out) {
            return __builtin_mul_overflow(a, b, out);
        },
        [](double a, double b) { return a * b; });
}

// An integer while it divides exactly.
Result<Number> divide(Number left, Number right) {
    if (to_double(right) == 0) {
        return division_by_zero();
    }
    const auto* a = std::get_if<std::int64_t>(&left);
    const auto* b = std::get_if<std::int64_t>(&right);
    if (a == nullptr || b == nullptr) {
        return finite(to_double(left) / to_double(right));
    }
    if (*a == std::numeric_limits<std::int64_t>::min() && *b == -1) {
        return overflow();
    }
    if (*a % *b != 0) {
        return finite(to_double(left) / to_double(right));
    }
    return Number{*a / *b};
}

std::optional<Json> parse_arguments(const TaskContext& context) {
    Json parsed = Json::parse(context.payload(), nullptr, false);
    if (!parsed.is_array()) {
        return std::nullopt;
    }
    return parsed;
}

Payload to_payload(const Json& json) {
    return {.octets = json.dump(), .type = ContentType::json};
}

// Takes what is written up to the next comma or the end of an array without anything nested in it.
std::string_view take_literal(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(",]"), text.size());
    const std::string_view literal = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return literal;
}

// The parser makes a fraction of an integer that has more than 64 bits.
bool is_huge(const Json& number, std::string_view literal) {
    if (number.is_number_unsigned()) {
        return number.get<std::uint64_t>() >
               std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    }
    return number.is_number_float() && literal.find_first_of(".eE") == std::string_view::npos;
}

HandlerResult calculate(const TaskContext& context, Operation operation) {
    const auto arguments = parse_arguments(context);
    if (!arguments || arguments->size() < 2) {
        return bad_arguments("the arguments are a JSON array of two numbers or more");
    }
    std::vector<Number> numbers;
    bool has_fraction = false;
    std::string_view text = context.payload();
    text.remove_prefix(text.find('[') + 1);
    for (const Json& argument : *arguments) {
        if (!argument.is_number()) {
            return bad_arguments("an argument is not a number");
        }
        if (is_huge(argument, take_literal(text))) {
            return useless("overflow", "an argument does not fit: integers have 64 bits");
        }
        has_fraction = has_fraction || argument.is_number_float();
        numbers.push_back(argument.is_number_float() ? Number{argument.get<double>()}
                                                     : Number{argument.get<std::int64_t>()});
    }
    Number total = has_fraction ? Number{to_double(numbers.front())} : numbers.front();
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        const auto result = operation(total, numbers[i]);
        if (!result) {
            return useless(result.error().name, result.error().detail);
        }
        total = *result;
    }
    return std::visit([](auto value) { return to_payload(Json(value)); }, total);
}

HandlerResult echo(const TaskContext& context) {
    return Payload{.octets = std::string(context.payload()), .type = context.content_type()};
}

HandlerResult sleep(const TaskContext& context) {
    constexpr double longest = 1e7;
    const auto arguments = parse_arguments(context);
    if (!arguments || arguments->size() != 1 || !arguments->front().is_number()) {
        return bad_arguments("the argument is one number of seconds, in a JSON array");
    }
    const auto seconds = arguments->front().get<double>();
    if (!(seconds >= 0 && seconds <= longest)) {
        return bad_arguments("the seconds are between 0 and ten million");
    }
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, context.stop_token(), std::chrono::duration<double>(seconds),
                     [] { return false; });
    return to_payload(arguments->front());
}

HandlerResult fail(const TaskContext& context) {
    const auto arguments = parse_arguments(context);
    if (!arguments || arguments->empty()) {
        return Failure{.text = "it was asked to fail"};
    }
    const Json& first = arguments->front();
    return Failure{.text = first.is_string() ? first.get<std::string>() : first.dump()};
}

Handler arithmetic(Operation operation) {
    return [operation](TaskContext& context) { return calculate(context, operation); };
}

}  // namespace

std::vector<NamedHandler> builtin_handlers() {
    return {{"add", arithmetic(add)},
            {"subtract", arithmetic(subtract)},
            {"multiply", arithmetic(multiply)},
            {"divide", arithmetic(divide)},
            {"echo", echo},
            {"sleep", sleep},
            {"fail", fail}};
}

}  // namespace xebec::worker

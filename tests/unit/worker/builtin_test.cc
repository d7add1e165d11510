#include "worker/builtin.h"

#include "tests/unit/worker/handler_bench.h"

#include <gtest/gtest.h>

#include <string>

namespace xebec::worker {

namespace {

HandlerResult call(const std::string& kind, FakeContext& context) {
    for (const NamedHandler& builtin : builtin_handlers()) {
        if (builtin.kind == kind) {
            return builtin.handler(context);
        }
    }
    return Failure{.error_class = "no_such_kind"};
}

std::string run(const std::string& kind, const std::string& arguments) {
    FakeContext context(arguments);
    return told(call(kind, context));
}

TEST(Arithmetic, KeepsIntegersExact) {
    EXPECT_EQ(run("add", "[2, 3]"), "ok: 5");
    EXPECT_EQ(run("add", "[9007199254740993, 1, 1]"), "ok: 9007199254740995");
    EXPECT_EQ(run("subtract", "[10, 2, 3]"), "ok: 5");
    EXPECT_EQ(run("multiply", "[3037000500, -3037000499]"), "ok: -9223372033963249500");
    EXPECT_EQ(run("divide", "[42, 2, 3]"), "ok: 7");
    EXPECT_EQ(run("add", "[9223372036854775807, -9223372036854775808]"), "ok: -1");
}

TEST(Arithmetic, UsesFractionsOnceThereIsOne) {
    EXPECT_EQ(run("add", "[1, 0.5]"), "ok: 1.5");
    EXPECT_EQ(run("subtract", "[1.5, 1]"), "ok: 0.5");
    EXPECT_EQ(run("multiply", "[9223372036854775807, 2, 0.5]"), "ok: 9.223372036854776e+18");
    EXPECT_EQ(run("divide", "[7, 2]"), "ok: 3.5");
    EXPECT_EQ(run("divide", "[7, 2, 7]"), "ok: 0.5");
}

TEST(Arithmetic, FailsWhenIntegersOverflow) {
    const std::string overflow = "!overflow: the result does not fit: integers have 64 bits";
    EXPECT_EQ(run("add", "[9223372036854775807, 1]"), overflow);
    EXPECT_EQ(run("subtract", "[-9223372036854775808, 1]"), overflow);
    EXPECT_EQ(run("multiply", "[4294967296, 4294967296]"), overflow);
    EXPECT_EQ(run("divide", "[-9223372036854775808, -1]"), overflow);
    const std::string huge = "!overflow: an argument does not fit: integers have 64 bits";
    EXPECT_EQ(run("add", "[9223372036854775808, 0]"), huge);
    EXPECT_EQ(run("add", "[99999999999999999999, 1]"), huge);
    EXPECT_EQ(run("add", " [ 1 , -9223372036854775809 ] "), huge);
    EXPECT_EQ(run("add", "[0.5, 99999999999999999999]"), huge);
    EXPECT_EQ(run("add", "[99999999999999999999.0, 1]"), "ok: 1e+20") << "a fraction";
    EXPECT_EQ(run("add", "[1E20, 1]"), "ok: 1e+20");
}

TEST(Arithmetic, FailsWhenFractionsOverflow) {
    const std::string not_finite = "!overflow: the result is not a finite number";
    EXPECT_EQ(run("multiply", "[1e200, 1e200]"), not_finite);
    EXPECT_EQ(run("multiply", "[1e308, 10]"), not_finite);
    EXPECT_EQ(run("divide", "[1e308, 1e-308]"), not_finite);
}

TEST(Arithmetic, FailsOnDivisionByZero) {
    EXPECT_EQ(run("divide", "[1, 0]"), "!division_by_zero: division by zero");
    EXPECT_EQ(run("divide", "[1.5, 0.0]"), "!division_by_zero: division by zero");
    EXPECT_EQ(run("divide", "[0, 5]"), "ok: 0");
}

TEST(Arithmetic, RefusesOtherArguments) {
    const std::string few = "!bad_arguments: the arguments are a JSON array of two numbers or more";
    EXPECT_EQ(run("add", ""), few);
    EXPECT_EQ(run("add", "5"), few);
    EXPECT_EQ(run("add", "[5]"), few);
    EXPECT_EQ(run("add", "[1, 2"), few);
    EXPECT_EQ(run("add", "[1, \"2\"]"), "!bad_arguments: an argument is not a number");
    EXPECT_EQ(run("add", "[1, true]"), "!bad_arguments: an argument is not a number");
    EXPECT_EQ(run("add", std::string(100'000, '[')), few);
}

TEST(Arithmetic, AnswersJson) {
    FakeContext context("[1, 2]");

    const HandlerResult result = call("add", context);

    EXPECT_EQ(std::get<Payload>(result), (Payload{"3", ContentType::json}));
}

TEST(Echo, GivesThePayloadBackUnchanged) {
    FakeContext context(std::string("\0\xFF x", 4), ContentType::octets);

    const HandlerResult result = call("echo", context);

    EXPECT_EQ(std::get<Payload>(result),
              (Payload{std::string("\0\xFF x", 4), ContentType::octets}));
}

TEST(Sleep, AnswersItsSeconds) {
    EXPECT_EQ(run("sleep", "[0]"), "ok: 0");
    EXPECT_EQ(run("sleep", "[0.001]"), "ok: 0.001");
}

TEST(Sleep, EndsWhenItIsStopped) {
    FakeContext context("[1000]");
    context.stop.request_stop();

    EXPECT_EQ(told(call("sleep", context)), "ok: 1000");
}

TEST(Sleep, RefusesOtherArguments) {
    EXPECT_TRUE(run("sleep", "[]").starts_with("!bad_arguments"));
    EXPECT_TRUE(run("sleep", "[-1]").starts_with("!bad_arguments"));
    EXPECT_TRUE(run("sleep", "[1e300]").starts_with("!bad_arguments"));
    EXPECT_TRUE(run("sleep", "[\"1\"]").starts_with("!bad_arguments"));
}

TEST(Fail, FailsWithItsArgument) {
    EXPECT_EQ(run("fail", "[\"no paper\"]"), "failed: no paper");
    EXPECT_EQ(run("fail", "[17]"), "failed: 17");
    EXPECT_EQ(run("fail", "[]"), "failed: it was asked to fail");
}

}  // namespace

}  // namespace xebec::worker

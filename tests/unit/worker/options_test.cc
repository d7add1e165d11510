#include "worker/options.h"

#include "runtime/exit_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

namespace xebec::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Parsed {
    std::variant<Options, int> result;
    std::string complaint;

    const Options& options() const { return std::get<Options>(result); }
    bool is_refused() const {
        const int* status = std::get_if<int>(&result);
        return status != nullptr && *status == runtime::exit_usage;
    }
};

Parsed parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "xebec-worker");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    ::testing::internal::CaptureStderr();
    auto result = parse_options(static_cast<int>(pointers.size()), pointers.data());
    return {std::move(result), ::testing::internal::GetCapturedStderr()};
}

TEST(WorkerOptions, HaveDefaults) {
    const Parsed parsed = parse({});

    EXPECT_EQ(parsed.options().broker, "tcp://127.0.0.1:5556");
    EXPECT_EQ(parsed.options().count, 1U);
    EXPECT_EQ(parsed.options().slots, 1U);
    EXPECT_TRUE(parsed.options().has_builtins);
    EXPECT_TRUE(parsed.options().commands.empty());
    EXPECT_EQ(parsed.complaint, "");
}

TEST(WorkerOptions, LeaveOutTheBuiltinsByFlagAndByEnvironment) {
    EXPECT_FALSE(parse({"--no-builtins", "--run", "say=cat"}).options().has_builtins);
    for (const auto& [value, has_builtins] :
         {std::pair{"1", false}, {"true", false}, {"0", true}, {"false", true}}) {
        setenv("XEBEC_WORKER_NO_BUILTINS", value, 1);
        EXPECT_EQ(parse({"--run", "say=cat"}).options().has_builtins, has_builtins) << value;
    }
    unsetenv("XEBEC_WORKER_NO_BUILTINS");
    EXPECT_TRUE(parse({"--no-builtins"}).is_refused()) << "nothing is left to run";
}

TEST(WorkerOptions, RefuseWhatIsNoEndpointAndWhatIsElsewhere) {
    const Parsed wrong = parse({"--broker", "127.0.0.1:5556"});
    EXPECT_TRUE(wrong.is_refused());
    EXPECT_THAT(wrong.complaint, HasSubstr("is not an endpoint"));

    const Parsed elsewhere = parse({"--broker", "tcp://10.0.0.1:5556"});
    EXPECT_TRUE(elsewhere.is_refused());
    EXPECT_THAT(elsewhere.complaint, HasSubstr("--insecure-network allows it"));
}

TEST(WorkerOptions, RefuseAProgramThatIsNotThere) {
    const Parsed parsed = parse({"--run", "foo=nosuch\x1B[31mcommand --loud"});

    EXPECT_TRUE(parsed.is_refused());
    EXPECT_THAT(parsed.complaint, StartsWith("xebec-worker: --run: kind foo: "));
    EXPECT_THAT(parsed.complaint, HasSubstr("nosuch\\x1b[31mcommand"));
    EXPECT_THAT(parsed.complaint, Not(HasSubstr("\x1B")));
}

TEST(WorkerOptions, SayWhoRefuses) {
    EXPECT_THAT(parse({"--queues", "a b"}).complaint,
                StartsWith("xebec-worker: --queues: \"a b\""));
}

}  // namespace
}  // namespace xebec::worker

#include "broker/options.h"

#include "runtime/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace xebec::broker {
namespace {

std::optional<int> parse(std::vector<std::string> words, Options& options,
                         std::string* complaint = nullptr) {
    words.insert(words.begin(), "xebec-broker");
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const auto status =
        parse_options(static_cast<int>(arguments.size()), arguments.data(), options);
    ::testing::internal::GetCapturedStdout();
    const std::string said = ::testing::internal::GetCapturedStderr();
    if (complaint != nullptr) {
        *complaint = said;
    }
    return status;
}

TEST(Options, AreLoopbackAndModestByDefault) {
    Options options;

    EXPECT_EQ(parse({}, options), std::nullopt);

    EXPECT_EQ(options.clients, "tcp://127.0.0.1:5555");
    EXPECT_EQ(options.workers, "tcp://127.0.0.1:5556");
    EXPECT_EQ(options.updates, "tcp://127.0.0.1:5557");
    EXPECT_EQ(options.data, "./xebec-data");
    EXPECT_EQ(options.core.memory_max, std::uint64_t{2} << 30);
}

TEST(Options, TakeAddressesFolderAndMemory) {
    Options options;

    EXPECT_EQ(
        parse({"--clients", "ipc:///tmp/c", "--data", "/tmp/d", "--memory", "512MiB"}, options),
        std::nullopt);

    EXPECT_EQ(options.clients, "ipc:///tmp/c");
    EXPECT_EQ(options.data, "/tmp/d");
    EXPECT_EQ(options.core.octets_in_memory_max, std::uint64_t{512} << 20);
}

TEST(Options, TakeASizeOfMemoryAndNoOther) {
    for (const auto& [text, octets] : {std::pair{"1048576", std::uint64_t{1} << 20},
                                       {"1MiB", std::uint64_t{1} << 20},
                                       {"3m", std::uint64_t{3} << 20},
                                       {"2 gb", std::uint64_t{2} << 30},
                                       {"2048KiB", std::uint64_t{2} << 20},
                                       {"1T", std::uint64_t{1} << 40}}) {
        Options options;
        EXPECT_EQ(parse({"--memory", text}, options), std::nullopt) << text;
        EXPECT_EQ(options.core.octets_in_memory_max, octets) << text;
        EXPECT_EQ(parse({"--memory", text, "--durability", "none"}, options), std::nullopt) << text;
        EXPECT_EQ(options.core.memory_max, octets) << text;
    }
    for (const char* wrong : {"-1", "", "0", "1MiB-1", "1023KiB", "1.5GiB", "99999999999999999999",
                              "16EiB", "MiB", "1MiBB", "2 2GiB"}) {
        Options options;
        std::string complaint;
        EXPECT_EQ(parse({"--memory", wrong}, options, &complaint), runtime::exit_usage) << wrong;
        EXPECT_THAT(complaint, ::testing::HasSubstr("--memory: ")) << wrong;
    }
}

TEST(Options, RefuseAnOpenNetworkUnlessTheUserInsists) {
    for (const char* flag : {"--clients", "--workers", "--updates"}) {
        Options options;
        EXPECT_EQ(parse({flag, "tcp://0.0.0.0:5555"}, options), runtime::exit_usage);
        EXPECT_EQ(parse({flag, "tcp://0.0.0.0:5555", "--insecure-network"}, options), std::nullopt);
    }
}

TEST(Options, RefuseWhatIsNoEndpoint) {
    for (const char* flag : {"--clients", "--workers", "--updates"}) {
        for (const char* wrong : {"", "foo", "127.0.0.1:5555", "tcp://127.0.0.1", "inproc://x",
                                  "tcp://127.0.0.1:99999", "tcp://localhost:5555"}) {
            Options options;
            std::string complaint;
            EXPECT_EQ(parse({flag, wrong}, options, &complaint), runtime::exit_usage) << wrong;
            EXPECT_THAT(complaint, ::testing::HasSubstr("is not an endpoint"));
            EXPECT_THAT(complaint, ::testing::HasSubstr(flag));
        }
    }
}

TEST(Options, RefuseWhatIsUnknownOrWrong) {
    Options options;

    EXPECT_EQ(parse({"--nonsense"}, options), runtime::exit_usage);
    EXPECT_EQ(parse({"--durability", "perhaps"}, options), runtime::exit_usage);
    EXPECT_EQ(parse({"--memory", "much"}, options), runtime::exit_usage);
    EXPECT_EQ(parse({"--log-level", "loud"}, options), runtime::exit_usage);
}

TEST(Options, ShowTheirHelpAndEnd) {
    Options options;

    EXPECT_EQ(parse({"--help"}, options), runtime::exit_done);
}

}  // namespace
}  // namespace xebec::broker

#include "monitor/options.h"

#include "runtime/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xebec::monitor {
namespace {

using namespace std::chrono_literals;

struct Parsed {
    std::optional<int> status;
    Options options;
};

Parsed parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "xebec-monitor");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    Parsed parsed;
    parsed.status =
        parse_options(static_cast<int>(pointers.size()), pointers.data(), parsed.options);
    return parsed;
}

TEST(MonitorOptions, HaveDefaults) {
    const Parsed parsed = parse({});

    EXPECT_EQ(parsed.status, std::nullopt);
    EXPECT_EQ(parsed.options.updates, "tcp://127.0.0.1:5557");
    EXPECT_EQ(parsed.options.broker, "tcp://127.0.0.1:5555");
    EXPECT_TRUE(parsed.options.selection.updates);
    EXPECT_TRUE(parsed.options.selection.queues.empty());
    EXPECT_EQ(parsed.options.count, std::nullopt);
    EXPECT_EQ(parsed.options.timeout, 0ms);
    EXPECT_EQ(parsed.options.colours, Colours::when_on_terminal);
}

TEST(MonitorOptions, TakeFiltersSeveralTimesAndBetweenCommas) {
    const Parsed parsed =
        parse({"--queue", "a", "--queue", "b,c", "--kind", "add", "--state", "dead", "--state",
               "removed", "--json", "--count", "3", "--timeout", "2s", "--color", "never"});

    EXPECT_EQ(parsed.status, std::nullopt);
    const Selection& selection = parsed.options.selection;
    EXPECT_EQ(selection.queues, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(selection.kinds, std::vector<std::string>{"add"});
    EXPECT_EQ(selection.states, std::vector<TaskState>{TaskState::dead});
    EXPECT_TRUE(selection.removed);
    EXPECT_TRUE(parsed.options.json);
    EXPECT_EQ(parsed.options.count, 3U);
    EXPECT_EQ(parsed.options.timeout, 2s);
    EXPECT_EQ(parsed.options.colours, Colours::never);
}

TEST(MonitorOptions, WatchNoUpdatesForFigures) {
    const Parsed parsed = parse({"--stats"});

    EXPECT_EQ(parsed.status, std::nullopt);
    EXPECT_TRUE(parsed.options.stats);
    EXPECT_FALSE(parsed.options.selection.updates);
}

TEST(MonitorOptions, RefuseWhatMakesNoSense) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"--queue", "a b"},
                                               {"--kind", ""},
                                               {"--state", "asleep"},
                                               {"--stats", "--queue", "a"},
                                               {"--color", "blue"},
                                               {"--count", "0"},
                                               {"--timeout", "soon"},
                                               {"--unknown"},
                                               {"--updates", "tcp://127.0.0.1"},
                                               {"--broker", "tcp://127.0.0.1:*"},
                                               {"extra"}}) {
        EXPECT_EQ(parse(arguments).status, runtime::exit_usage) << arguments.front();
    }
}

TEST(MonitorOptions, ServeNoPagesUnlessTold) {
    EXPECT_FALSE(parse({}).options.web);
    EXPECT_FALSE(parse({"--stats"}).options.web);
}

TEST(MonitorOptions, ServePagesToThisMachineOnly) {
    const Parsed parsed = parse({"web"});

    EXPECT_EQ(parsed.status, std::nullopt);
    ASSERT_TRUE(parsed.options.web);
    EXPECT_EQ(parsed.options.web->listen, "127.0.0.1:5580");
    EXPECT_TRUE(parsed.options.web->allowed_hosts.empty());
    EXPECT_EQ(parsed.options.web->token_file, "");
    EXPECT_FALSE(parsed.options.web->read_only);
}

TEST(MonitorOptions, TakeTheFlagsOfWebAndThoseBeforeIt) {
    const Parsed parsed = parse({"--broker", "tcp://10.0.0.1:5555", "web", "--listen", "[::1]:0",
                                 "--token-file", "token", "--allow-host", "a:1,b:2", "--allow-host",
                                 "c", "--read-only", "--updates", "tcp://10.0.0.1:5557"});

    EXPECT_EQ(parsed.status, std::nullopt);
    EXPECT_EQ(parsed.options.broker, "tcp://10.0.0.1:5555");
    EXPECT_EQ(parsed.options.updates, "tcp://10.0.0.1:5557");
    ASSERT_TRUE(parsed.options.web);
    EXPECT_EQ(parsed.options.web->listen, "[::1]:0");
    EXPECT_EQ(parsed.options.web->token_file, "token");
    EXPECT_EQ(parsed.options.web->allowed_hosts, (std::vector<std::string>{"a:1", "b:2", "c"}));
    EXPECT_TRUE(parsed.options.web->read_only);
}

TEST(MonitorOptions, RefuseWhatWebDoesNotKnow) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"web", "extra"},
                                               {"web", "--unknown"},
                                               {"web", "--token-file"},
                                               {"--listen", "127.0.0.1:1"}}) {
        EXPECT_EQ(parse(arguments).status, runtime::exit_usage) << arguments.back();
    }
}

}  // namespace
}  // namespace xebec::monitor

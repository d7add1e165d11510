// The conventions of all command lines, on a small program with one subcommand.

#include "runtime/command_line.h"

#include "tests/unit/runtime/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace xebec::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLine : public ::testing::Test {
protected:
    CommandLine() {
        app_.add_option("--broker", broker_, "where the broker is")->capture_default_str();
        app_.add_option("--log-level", log_level_, "how much to say");
        app_.add_flag("--quiet", quiet_, "say less");
        add_duration(app_, "--timeout", timeout_, "how long to wait");
        CLI::App* submit = app_.add_subcommand("submit", "submits a task");
        submit->add_option("kind", kind_, "the kind");
        submit->add_option("--priority", priority_, "0 to 9");
        add_conventions(app_, "client");
    }
    ~CommandLine() override {
        for (const char* name :
             {"XEBEC_CLIENT_BROKER", "XEBEC_CLIENT_LOG_LEVEL", "XEBEC_CLIENT_TIMEOUT",
              "XEBEC_CLIENT_SUBMIT_PRIORITY", "XEBEC_CLIENT_PRIORITY", "XEBEC_CLIENT_QUIET",
              "XEBEC_CLIENT_CONFIG"}) {
            unsetenv(name);
        }
    }

    std::optional<int> run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "xebec-client");
        std::vector<char*> argv;
        for (std::string& argument : arguments) {
            argv.push_back(argument.data());
        }
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const auto status = parse(app_, static_cast<int>(argv.size()), argv.data());
        printed_ = ::testing::internal::GetCapturedStdout();
        complained_ = ::testing::internal::GetCapturedStderr();
        return status;
    }

    std::string config(const std::string& content) {
        const auto path = folder_ / "xebec.toml";
        std::ofstream(path) << content;
        return path.string();
    }

    testing::TemporaryFolder folder_;
    CLI::App app_{"a small client"};
    std::string broker_ = "tcp://127.0.0.1:5555";
    std::string log_level_ = "info";
    bool quiet_ = false;
    std::chrono::milliseconds timeout_ = 10s;
    std::string kind_;
    int priority_ = 0;
    std::string printed_;
    std::string complained_;
};

TEST_F(CommandLine, KeepsDefaultsWhenNothingIsSaid) {
    EXPECT_EQ(run({}), std::nullopt);
    EXPECT_EQ(broker_, "tcp://127.0.0.1:5555");
    EXPECT_EQ(timeout_, 10s);
    EXPECT_EQ(printed_, "");
    EXPECT_EQ(complained_, "");
}

TEST_F(CommandLine, LetsTheFlagBeatTheEnvironmentAndTheFile) {
    setenv("XEBEC_CLIENT_BROKER", "tcp://environment", 1);
    const std::string file = config("broker = \"tcp://file\"\n");

    EXPECT_EQ(run({"--config", file, "--broker", "tcp://flag"}), std::nullopt) << complained_;

    EXPECT_EQ(broker_, "tcp://flag");
}

TEST_F(CommandLine, LetsTheEnvironmentBeatTheFile) {
    setenv("XEBEC_CLIENT_BROKER", "tcp://environment", 1);
    setenv("XEBEC_CLIENT_LOG_LEVEL", "debug", 1);
    setenv("XEBEC_CLIENT_TIMEOUT", "3s", 1);
    const std::string file =
        config("broker = \"tcp://file\"\nlog-level = \"error\"\ntimeout = \"7s\"\n");

    EXPECT_EQ(run({"--config", file}), std::nullopt) << complained_;

    EXPECT_EQ(broker_, "tcp://environment");
    EXPECT_EQ(log_level_, "debug");
    EXPECT_EQ(timeout_, 3s);
}

TEST_F(CommandLine, ReadsTheFileWhenNothingElseSpeaks) {
    const std::string file =
        config("# a remark\nbroker = \"tcp://file\"\ntimeout = \"7s\"\nquiet = true\n");

    EXPECT_EQ(run({"--config", file}), std::nullopt) << complained_;

    EXPECT_EQ(broker_, "tcp://file");
    EXPECT_EQ(timeout_, 7s);
    EXPECT_TRUE(quiet_);
}

TEST_F(CommandLine, IgnoresAnEmptyVariable) {
    setenv("XEBEC_CLIENT_BROKER", "", 1);
    const std::string file = config("broker = \"tcp://file\"\n");

    EXPECT_EQ(run({"--config", file}), std::nullopt) << complained_;

    EXPECT_EQ(broker_, "tcp://file");
}

// What is meant for one is not meant for another that has a flag of the same name.
TEST_F(CommandLine, GivesSubcommandsVariablesOfTheirOwn) {
    setenv("XEBEC_CLIENT_SUBMIT_PRIORITY", "7", 1);
    setenv("XEBEC_CLIENT_PRIORITY", "8", 1);

    EXPECT_EQ(run({"submit", "add"}), std::nullopt) << complained_;

    EXPECT_EQ(priority_, 7);
}

TEST_F(CommandLine, LetsASubcommandsVariableBeatTheFile) {
    const std::string file = config("[submit]\npriority = 3\n");
    setenv("XEBEC_CLIENT_PRIORITY", "8", 1);

    EXPECT_EQ(run({"--config", file, "submit", "add"}), std::nullopt) << complained_;
    EXPECT_EQ(priority_, 3);
    setenv("XEBEC_CLIENT_SUBMIT_PRIORITY", "7", 1);
    EXPECT_EQ(run({"--config", file, "submit", "add"}), std::nullopt) << complained_;
    EXPECT_EQ(priority_, 7);
}

TEST_F(CommandLine, TakesFlagsBeforeAndAfterTheSubcommand) {
    EXPECT_EQ(
        run({"submit", "add", "--broker", "tcp://after", "--priority", "3", "--timeout", "250ms"}),
        std::nullopt)
        << complained_;

    EXPECT_EQ(kind_, "add");
    EXPECT_EQ(broker_, "tcp://after");
    EXPECT_EQ(priority_, 3);
    EXPECT_EQ(timeout_, 250ms);
}

TEST_F(CommandLine, RefusesAnUnknownKeyInTheFile) {
    const std::string file = config("brocker = \"tcp://file\"\n");

    EXPECT_EQ(run({"--config", file}), exit_usage);

    EXPECT_THAT(complained_,
                HasSubstr("xebec-client: " + file + ": line 1: there is no key brocker\n"));
    EXPECT_EQ(broker_, "tcp://127.0.0.1:5555");
}

TEST_F(CommandLine, RefusesAnUnknownSectionInTheFile) {
    EXPECT_EQ(run({"--config", config("[nowhere]\nbroker = \"tcp://file\"\n")}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("xebec.toml: there is no section [nowhere]\n"));
}

TEST_F(CommandLine, SaysWhereInTheFileAValueIsWrong) {
    const std::string file = config("broker = \"b\"\n\n# how long\ntimeout = 7\n");
    EXPECT_EQ(run({"--config", file}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("xebec.toml: line 4: --timeout: \"7\" is not a duration"));

    const std::string section = config("[submit]\nbogus = 1\n");
    EXPECT_EQ(run({"--config", section}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("xebec.toml: line 2: there is no key submit.bogus\n"));

    const std::string good = config("timeout = \"7s\"\n");
    EXPECT_EQ(run({"--config", good, "--timeout", "soon"}), exit_usage);
    EXPECT_THAT(complained_, Not(HasSubstr("xebec.toml"))) << "the flag is wrong";
}

TEST_F(CommandLine, ReadsTheFileThatTheEnvironmentNames) {
    setenv("XEBEC_CLIENT_CONFIG", config("broker = \"tcp://file\"\n").c_str(), 1);

    EXPECT_EQ(run({}), std::nullopt) << complained_;
    EXPECT_EQ(broker_, "tcp://file");

    setenv("XEBEC_CLIENT_CONFIG", (folder_ / "absent.toml").c_str(), 1);
    EXPECT_EQ(run({}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("absent.toml cannot be read"));
    EXPECT_EQ(run({"--help"}), exit_done);

    const auto other = folder_ / "other.toml";
    std::ofstream(other) << "broker = \"tcp://other\"\n";
    EXPECT_EQ(run({"--config", other.string()}), std::nullopt) << "a flag beats the environment";
    EXPECT_EQ(broker_, "tcp://other");
}

TEST_F(CommandLine, PutsTheProgramInFrontAndNoEscapeSequenceOnTheTerminal) {
    EXPECT_EQ(run({"--timeout", "\x1B[31m5"}), exit_usage);
    EXPECT_THAT(complained_, StartsWith("xebec-client: --timeout: \"\\x1b[31m5\" is not"));
    EXPECT_THAT(complained_, Not(HasSubstr("\x1B")));
    EXPECT_EQ(run({"--\x1B[31m"}), exit_usage);
    EXPECT_THAT(complained_, Not(HasSubstr("\x1B")));
}

TEST_F(CommandLine, NamesTheCommandThatThereIsNot) {
    app_.require_subcommand(1);

    EXPECT_EQ(run({"sumbit", "add"}), exit_usage);
    EXPECT_THAT(complained_, StartsWith("xebec-client: there is no command sumbit\n"));
    EXPECT_EQ(run({"--bogus"}), exit_usage);
    EXPECT_THAT(complained_, StartsWith("xebec-client: there is no flag --bogus\n"));
    EXPECT_EQ(run({}), exit_usage);
    EXPECT_THAT(complained_, StartsWith("xebec-client: a command is missing\n"));
}

TEST_F(CommandLine, RefusesAFileThatIsNotThere) {
    EXPECT_EQ(run({"--config", (folder_ / "absent.toml").string()}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("absent.toml"));
}

TEST_F(CommandLine, RefusesUnknownFlagsAndSubcommands) {
    EXPECT_EQ(run({"--brocker", "x"}), exit_usage);
    EXPECT_NE(complained_, "");
    EXPECT_EQ(run({"sumbit"}), exit_usage);
}

TEST_F(CommandLine, RefusesWhatIsNoDurationWhereverItStands) {
    EXPECT_EQ(run({"--timeout", "5"}), exit_usage);
    EXPECT_THAT(complained_, HasSubstr("\"5\" is not a duration such as 250ms, 30s, 10m"));

    setenv("XEBEC_CLIENT_TIMEOUT", "soon", 1);
    EXPECT_EQ(run({}), exit_usage);
    EXPECT_EQ(timeout_, 10s);
}

TEST_F(CommandLine, PrintsHelpAndVersionAndIsDone) {
    EXPECT_EQ(run({"--help"}), exit_done);
    EXPECT_THAT(printed_, HasSubstr("--timeout DURATION"));
    EXPECT_THAT(printed_, HasSubstr("10s"));
    EXPECT_THAT(printed_, HasSubstr("XEBEC_CLIENT_TIMEOUT"));

    EXPECT_EQ(run({"--version"}), exit_done);
    EXPECT_THAT(printed_, HasSubstr("xebec-client "));
    EXPECT_EQ(complained_, "");
}

}  // namespace
}  // namespace xebec::runtime

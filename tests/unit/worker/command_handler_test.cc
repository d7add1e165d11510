#include "worker/command_handler.h"

#include "runtime/clock.h"
#include "runtime/descriptors.h"
#include "tests/unit/worker/handler_bench.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace xebec::worker {

namespace {

using namespace std::chrono_literals;

HandlerResult call_program(std::vector<std::string> command, FakeContext& context,
                           CommandLimits limits = {}) {
    return command_handler(std::move(command), nullptr, limits)(context);
}

std::string outcome_of(std::vector<std::string> command, const std::string& payload = "",
                       CommandLimits limits = {}) {
    FakeContext context(payload);
    return told(call_program(std::move(command), context, limits));
}

std::string shell(const std::string& script, const std::string& payload = "",
                  CommandLimits limits = {}) {
    return outcome_of({"sh", "-c", script}, payload, limits);
}

// Whether the descriptor became readable in a generous time.
bool becomes_readable(int descriptor) {
    const Instant limit = runtime::now().steady + 20s;
    while (runtime::now().steady < limit) {
        runtime::DescriptorWait wait;
        const std::size_t index = wait.add_readable(descriptor);
        wait.wait_until(limit);
        if (wait.is_ready(index)) {
            return true;
        }
    }
    return false;
}

// Where a program tells a process id.
class ToldProcess {
public:
    ToldProcess() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) == 0) {
            reading_ = runtime::Descriptor(ends[0]);
            writing_ = runtime::Descriptor(ends[1]);
        }
    }

    // For a program to write a line to.
    std::string path() const {
        return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(writing_.number());
    }
    pid_t wait() const {
        std::string line;
        while (line.find('\n') == std::string::npos && becomes_readable(reading_.number())) {
            char next = 0;
            if (read(reading_.number(), &next, 1) == 1) {
                line += next;
            }
        }
        return line.empty() ? 0 : std::stoi(line);
    }

private:
    runtime::Descriptor reading_;
    runtime::Descriptor writing_;
};

bool ends_soon(pid_t process) {
    // glibc has no function for this before 2.36.
    const runtime::Descriptor watched(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    return watched.is_open() ? becomes_readable(watched.number()) : errno == ESRCH;
}

TEST(CommandHandler, GivesThePayloadAndTakesTheOutput) {
    FakeContext context(std::string("a\0b\n", 4));

    const HandlerResult result = call_program({"cat"}, context);

    EXPECT_EQ(std::get<Payload>(result), (Payload{std::string("a\0b\n", 4), ContentType::octets}));
}

TEST(CommandHandler, MovesMegabytesBothWaysWithoutWaitingForItself) {
    const std::string payload(5 << 20, 'x');

    EXPECT_EQ(outcome_of({"cat"}, payload), "ok: " + payload);
}

TEST(CommandHandler, DoesNotMindAProgramThatIgnoresItsInput) {
    EXPECT_EQ(shell("echo done", std::string(5 << 20, 'x')), "ok: done\n");
}

TEST(CommandHandler, TellsTheProgramWhichTaskItRuns) {
    EXPECT_EQ(shell("echo $XEBEC_TASK_ID $XEBEC_TASK_NUMBER $XEBEC_TASK_ATTEMPT $XEBEC_TASK_FENCE "
                    "$XEBEC_TASK_QUEUE"),
              "ok: 11111111-1111-1111-1111-111111111111 42 3 4294967299 nightly\n");
}

TEST(CommandHandler, FailsWithTheStatusAndTheTailOfTheErrors) {
    EXPECT_EQ(shell("echo first; echo why >&2; exit 3"), "exit_status: exit status 3: why");
    EXPECT_EQ(shell("exit 1"), "exit_status: exit status 1");
}

TEST(CommandHandler, KeepsOnlyTheEndOfLongErrors) {
    const std::string told_text =
        shell("i=0; while [ $i -lt 2000 ]; do echo line$i >&2; i=$((i+1)); done; exit 1");

    EXPECT_TRUE(told_text.ends_with("\nline1998\nline1999"));
    EXPECT_LE(told_text.size(), 2'048U + 40U);
}

TEST(CommandHandler, SaysThatARetryIsUselessForStatus65) {
    EXPECT_EQ(shell("echo broken >&2; exit 65"), "!exit_status: exit status 65: broken");
}

TEST(CommandHandler, NamesTheSignalThatEndedTheProgram) {
    EXPECT_EQ(shell("echo oh >&2; kill -SEGV $$"), "signal: killed by SIGSEGV (signal 11): oh");
}

TEST(CommandHandler, FailsClearlyWhenThereIsNoSuchProgram) {
    EXPECT_EQ(outcome_of({"xebec-no-such-program"}),
              "cannot_run: there is no program xebec-no-such-program in PATH");
    EXPECT_EQ(outcome_of({"/etc/passwd"}), "cannot_run: /etc/passwd is not an executable file");
}

TEST(CommandHandler, EndsAProgramWhoseOutputIsTooLarge) {
    EXPECT_EQ(shell("yes", "", {.result_octets_max = 100'000}),
              "!too_large: its output is over the limit of 100000 octets");
}

TEST(CommandHandler, TakesOutputOfExactlyTheLimit) {
    EXPECT_EQ(shell("printf 12345", "", {.result_octets_max = 5}), "ok: 12345");
}

TEST(CommandHandler, DoesNotWaitForWhatTheProgramLeftBehind) {
    const ToldProcess left;

    const std::string result = shell("sleep 1000 & echo $! > " + left.path() + "; echo done");

    EXPECT_EQ(result, "ok: done\n");
    EXPECT_TRUE(ends_soon(left.wait()));
}

TEST(CommandHandler, AsksTheGroupToEndWhenStopped) {
    const ToldProcess started;
    pid_t process = 0;
    FakeContext context("");
    std::jthread stopper([&] {
        process = started.wait();
        context.stop.request_stop();
    });

    const HandlerResult result =
        call_program({"sh", "-c", "sleep 1000 & echo $! > " + started.path() + "; wait"}, context);

    EXPECT_EQ(told(result), "signal: killed by SIGTERM (signal 15)");
    stopper.join();
    EXPECT_TRUE(ends_soon(process));
}

TEST(CommandHandler, KillsAGroupThatDoesNotListen) {
    const ToldProcess started;
    pid_t process = 0;
    FakeContext context("");
    std::jthread stopper([&] {
        process = started.wait();
        context.stop.request_stop();
    });

    const HandlerResult result = call_program(
        {"sh", "-c",
         "trap '' TERM; echo $$ > " + started.path() + "; while :; do sleep 0.01; done"},
        context, {.stop_max = 50ms});

    EXPECT_EQ(told(result), "signal: killed by SIGKILL (signal 9)");
    stopper.join();
    EXPECT_TRUE(ends_soon(process));
}

TEST(CommandHandler, StopsAProgramThatFloodsItsErrors) {
    FakeContext context("");
    context.stop.request_stop();

    EXPECT_TRUE(told(call_program({"sh", "-c", "exec yes >&2"}, context))
                    .starts_with("signal: killed by SIGTERM (signal 15)"));
}

TEST(CommandHandler, ResetsSignalsForTheProgram) {
    EXPECT_EQ(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t '"),
              "ok: SigBlk:0000000000000000\nSigIgn:0000000000000000\n");
}

TEST(CommandHandler, GivesTheProgramNoOtherDescriptors) {
    EXPECT_EQ(shell("ls /proc/self/fd | tr '\\n' ' '"), "ok: 0 1 2 3 ");  // 3: ls reads the folder
}

}  // namespace

}  // namespace xebec::worker

#include "worker/gpus.h"

#include "runtime/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace xebec::worker {
namespace {

using namespace std::chrono_literals;

TEST(GpuList, IsReadLineByLine) {
    const auto gpus = parse_gpus(
        "Tesla T4, 12, 345, 15360\n"
        "NVIDIA A100, a large one, 100, 40000, 40960\r\n\n");

    EXPECT_EQ(gpus, (std::vector<Gpu>{{.name = "Tesla T4",
                                       .busy_permille = 120,
                                       .memory_used = std::uint64_t{345} << 20,
                                       .memory_total = std::uint64_t{15360} << 20},
                                      {.name = "NVIDIA A100, a large one",
                                       .busy_permille = 1'000,
                                       .memory_used = std::uint64_t{40'000} << 20,
                                       .memory_total = std::uint64_t{40'960} << 20}}));
}

TEST(GpuList, LeavesOutWhatIsNoNumber) {
    EXPECT_EQ(parse_gpus("GB10, [N/A], [Not Supported], 99999999999999999999"),
              (std::vector<Gpu>{{.name = "GB10"}}));
    EXPECT_EQ(parse_gpus("nothing"), std::vector<Gpu>{Gpu{}});
    EXPECT_TRUE(parse_gpus("").empty());
}

// A program that stands for nvidia-smi.
class GpuProgram : public ::testing::Test {
protected:
    std::string program(std::string_view script) {
        const auto path =
            std::filesystem::path(::testing::TempDir()) /
            ("gpus-" + std::to_string(runtime::now().steady.time_since_epoch().count()));
        std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path_ = path;
    }
    void TearDown() override { std::filesystem::remove(path_); }

    // Looks again and again, at the same instant, until it tells of some.
    static std::vector<Gpu> until_told(Gpus& gpus, Now now) {
        const Instant latest = runtime::now().steady + 20s;
        while (gpus.look(now).empty() && runtime::now().steady < latest) {
            std::this_thread::yield();
        }
        return gpus.look(now);
    }

private:
    std::filesystem::path path_;
};

TEST_F(GpuProgram, IsAskedAndHeardLater) {
    Gpus gpus(program("echo 'Tesla, 5, 1, 2'; echo trouble >&2"));
    const Now now = runtime::now();

    EXPECT_TRUE(gpus.look(now).empty()) << "it has just begun";
    EXPECT_EQ(until_told(gpus, now).at(0).name, "Tesla");
    EXPECT_EQ(gpus.look({now.steady + 11s, now.wall}).size(), 1U) << "as it was before";
}

TEST_F(GpuProgram, ThatHangsHoldsNobodyUp) {
    Gpus gpus(program("exec sleep 1000"));
    const Now now = runtime::now();

    EXPECT_TRUE(gpus.look(now).empty());
    EXPECT_TRUE(gpus.look({now.steady + 21s, now.wall}).empty());
    EXPECT_TRUE(gpus.look({now.steady + 42s, now.wall}).empty());
}

TEST_F(GpuProgram, ThatIsNotThereTellsNothing) {
    Gpus gpus("no-such-program-anywhere");

    EXPECT_TRUE(gpus.look(runtime::now()).empty());
}

}  // namespace
}  // namespace xebec::worker

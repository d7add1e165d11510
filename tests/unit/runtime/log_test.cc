// Lines go where they can, and nobody waits for that.

#include "runtime/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace xebec::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Standard error is a pipe for as long as this lives.
class PipedErrors {
public:
    PipedErrors() : saved_(dup(STDERR_FILENO)) {
        std::array<int, 2> ends{};
        EXPECT_EQ(pipe(ends.data()), 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        reader_ = ends[0];
        fcntl(reader_, F_SETFL, O_NONBLOCK);
    }
    ~PipedErrors() {
        dup2(saved_, STDERR_FILENO);
        close(saved_);
        close(reader_);
    }
    PipedErrors(const PipedErrors&) = delete;
    PipedErrors& operator=(const PipedErrors&) = delete;

    std::string read_all() const {
        std::string all;
        std::array<char, 4096> part;
        for (ssize_t size = 0; (size = read(reader_, part.data(), part.size())) > 0;) {
            all.append(part.data(), static_cast<std::size_t>(size));
        }
        return all;
    }

private:
    int saved_;
    int reader_ = -1;
};

TEST(Log, DoesNotWaitForAReader) {
    const PipedErrors errors;
    start_log("test", {});
    constexpr int lines = 20'000;  // far more than a pipe holds

    for (int i = 0; i < lines; ++i) {
        spdlog::info("line {}", i);
    }
    const std::string first = errors.read_all();
    spdlog::info("the last line");

    EXPECT_THAT(first, HasSubstr("line 0\n"));
    EXPECT_THAT(first, Not(HasSubstr("line 19999\n")));
    const std::string rest = errors.read_all();
    EXPECT_THAT(rest, HasSubstr("lines were left out here"));
    EXPECT_THAT(rest, HasSubstr("the last line\n"));
    spdlog::set_default_logger(nullptr);
}

}  // namespace
}  // namespace xebec::runtime

#pragma once
// `--run KIND=COMMAND`: which command runs tasks of which kind.

#include <xebec/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace xebec::worker {

struct RunOption {
    std::string kind;
    std::vector<std::string> arguments;  // the program first
};

Result<RunOption> parse_run_option(std::string_view text);

// Splits as a shell splits words: blanks separate, single quotes keep everything, double quotes all
// but \" \\ \$ \`, a backslash keeps the next character. Nothing is expanded.
Result<std::vector<std::string>> split_command(std::string_view text);

}  // namespace xebec::worker

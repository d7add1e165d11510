#pragma once
// The tests, each with its own default load; what they have in common is in the options.

#include "tools/bench/options.h"
#include "tools/bench/report.h"

#include <span>
#include <string_view>

namespace xebec::bench {

struct Test {
    std::string_view name;
    std::string_view about;
    Report (*run)(const Options& options);
};

std::span<const Test> all_tests();

}  // namespace xebec::bench

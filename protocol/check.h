#pragma once
// A broken invariant ends the process, in release builds too: a task queue that continues from a
// state it does not understand loses someone's work.

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace xebec {

inline void check(bool holds, const char* rule,
                  std::source_location where = std::source_location::current()) {
    if (!holds) [[unlikely]] {
        std::fprintf(stderr, "xebec: broken invariant at %s:%u in %s: %s\n", where.file_name(),
                     where.line(), where.function_name(), rule);
        std::abort();
    }
}

}  // namespace xebec

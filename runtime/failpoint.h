#pragma once
// Places where a test has the process killed, or held up. Only xebec-broker-failpoints has them;
// everywhere else they are nothing at all, which test_kill.py looks into the programs for.

#ifdef XEBEC_FAILPOINTS

#include <string_view>

namespace xebec::runtime {

// SIGKILL, if XEBEC_FAILPOINT is `name:n` and this is the n-th time; a pause each time, if it is
// `name:50ms`.
void pass_failpoint(std::string_view name);

}  // namespace xebec::runtime

#define XEBEC_FAILPOINT(name) ::xebec::runtime::pass_failpoint(name)
#define XEBEC_WITH_FAILPOINTS(value, otherwise) (value)

#else

#define XEBEC_FAILPOINT(name) static_cast<void>(0)
#define XEBEC_WITH_FAILPOINTS(value, otherwise) (otherwise)

#endif

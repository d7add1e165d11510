#include "runtime/failpoint.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>

namespace xebec::runtime {

namespace {

struct Chosen {
    std::string_view name;
    int passes = 0;
};

Chosen read_chosen() {
    const char* variable = std::getenv("XEBEC_FAILPOINT");
    const std::string_view text = variable == nullptr ? "" : variable;
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return {};
    }
    Chosen chosen{.name = text.substr(0, colon)};
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), chosen.passes);
    return chosen;
}

}  // namespace

void pass_failpoint(std::string_view name) {
    static const Chosen chosen = read_chosen();
    static std::atomic<int> passes = 0;
    if (name == chosen.name && ++passes == chosen.passes) {
        std::raise(SIGKILL);
    }
}

}  // namespace xebec::runtime
